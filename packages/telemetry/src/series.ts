// The numbers behind one instrument, and which combinations of labels it has. Pure: no I/O, no clock.
//
// E1. A series is found once and kept: counting is an addition to a number, no look-up and no allocation.
// E2. One series per combination of labels, and the combinations are bounded: a value without room is "other".
// E3. A name that was counted keeps its place for life: its count is ours, so a series that was forgotten would come back at 0, under a
//     handle that somebody still holds, and rate() would miss or invent what lies between.
// E4. A name that is told has its place while each reading tells it: pods are replaced, and the 65th address in the life of an edge is
//     not the 65th node. Nothing is lost with the place, a told counter's number is its source's: it comes back where that one is. Only
//     "other" falls when a name leaves it, which no choice of places would spare: rate() of a told counter's "other" is no count.
import { other } from "./declare.ts";
import type { AnyDeclaration, Labels } from "./declare.ts";

/** The labels of a series with their values, in the declared order. */
export type LabelSet = Readonly<Record<string, string>>;

/** A single number: the series of a counter or a gauge. */
export class NumberCell {
  readonly labels: LabelSet;
  value = 0;

  constructor(labels: LabelSet) {
    this.labels = labels;
  }

  inc(n = 1): void {
    this.value += n;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** Counts per bucket, their number and their sum: the series of a histogram. */
export class BucketCell {
  readonly labels: LabelSet;
  readonly bounds: readonly number[];
  /** One more than bounds: the last one counts what lies above them all. */
  readonly buckets: number[];
  count = 0;
  sum = 0;

  constructor(labels: LabelSet, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.buckets = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  record(value: number): void {
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? Infinity)) at += 1;
    this.buckets[at] = (this.buckets[at] ?? 0) + 1;
    this.count += 1;
    this.sum += value;
  }
}

/** All series of one instrument. */
export class Family<C extends NumberCell | BucketCell> {
  readonly declaration: AnyDeclaration;
  readonly #make: (labels: LabelSet) => C;
  readonly #series = new Map<string, C>();
  /** Of each `named` label. */
  readonly #places = new Map<string, Places>();

  constructor(declaration: AnyDeclaration, make: (labels: LabelSet) => C) {
    this.declaration = declaration;
    this.#make = make;
    for (const [label, rule] of Object.entries(declaration.labels))
      if (rule.kind === "named") this.#places.set(label, new Places(rule.limit));
    if (declaration.kind !== "gauge" && !declaration.isTold)
      for (const labels of foreseeable(declaration.labels)) this.series(labels);
  }

  /** Every series so far. */
  get all(): readonly C[] {
    return [...this.#series.values()];
  }

  /** The series of these labels, made at 0 if it is new (E1). */
  series(given: LabelSet): C {
    for (const [label, places] of this.#places) places.keep(given[label] ?? other);
    const labels = this.#fold(given);
    const key = JSON.stringify(Object.values(labels));
    const found = this.#series.get(key);
    if (found !== undefined) return found;
    const cell = this.#make(labels);
    this.#series.set(key, cell);
    return cell;
  }

  /** The labels of all that one reading tells, with every value that has no room replaced by "other" (E2). */
  foldTold(reading: readonly LabelSet[]): readonly LabelSet[] {
    for (const [label, places] of this.#places)
      places.seat(new Set(reading.map((given) => given[label] ?? other)));
    return reading.map((given) => this.#fold(given));
  }

  #fold(given: LabelSet): LabelSet {
    const rules = Object.entries(this.declaration.labels);
    return Object.fromEntries(
      rules.map(([label, rule]) => [label, this.#admit(label, rule, given[label] ?? other)]),
    );
  }

  #admit(label: string, rule: Labels[string], value: string): string {
    const isIn = rule.kind === "named" ? this.#places.get(label)?.has(value) : rule.values.includes(value);
    return isIn === true ? value : other;
  }
}

/** Which names of one label have a place; "other" needs none. */
class Places {
  readonly #limit: number;
  readonly #counted = new Set<string>();
  /** Those of the last reading. */
  #told: ReadonlySet<string> = new Set();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(name: string): boolean {
    return this.#counted.has(name) || this.#told.has(name);
  }

  /** E3: for a name that is counted, while there is room. */
  keep(name: string): void {
    if (this.#counted.size < this.#limit && name !== other) this.#counted.add(name);
  }

  /** E4: for the names that are told now, while there is room. Who had a place goes first, so that no series changes hands needlessly. */
  seat(names: ReadonlySet<string>): void {
    const seekers = [...names].filter((name) => name !== other && !this.#counted.has(name));
    const kept = seekers.filter((name) => this.#told.has(name));
    const fresh = seekers.filter((name) => !this.#told.has(name));
    this.#told = new Set([...kept, ...fresh].slice(0, this.#limit - this.#counted.size));
  }
}

/** The combinations that are known before anything happens: shown at 0, so that the first event is a rise. */
function foreseeable(labels: Labels): readonly LabelSet[] {
  let combinations: readonly LabelSet[] = [{}];
  for (const [label, rule] of Object.entries(labels)) {
    if (rule.kind !== "closed") return [];
    combinations = combinations.flatMap((set) => rule.values.map((value) => ({ ...set, [label]: value })));
  }
  return combinations;
}
