// The numbers behind one instrument, and which combinations of labels it has. Pure: no I/O, no clock.
//
// E1. A series is found once and kept: counting is an addition to a number, no look-up and no allocation.
// E2. One series per combination of labels, and the combinations are bounded: a value without room is "other".
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
  /** The names that each `named` label has had so far. */
  readonly #seen = new Map<string, Set<string>>();

  constructor(declaration: AnyDeclaration, make: (labels: LabelSet) => C) {
    this.declaration = declaration;
    this.#make = make;
    if (declaration.kind !== "gauge" && !declaration.isTold)
      for (const labels of foreseeable(declaration.labels)) this.series(labels);
  }

  /** Every series so far. */
  get all(): readonly C[] {
    return [...this.#series.values()];
  }

  /** The series of these labels, made at 0 if it is new (E1). */
  series(given: LabelSet): C {
    const labels = this.fold(given);
    const key = JSON.stringify(Object.values(labels));
    const found = this.#series.get(key);
    if (found !== undefined) return found;
    const cell = this.#make(labels);
    this.#series.set(key, cell);
    return cell;
  }

  /** The declared labels, with every value that has no room replaced by "other" (E2). */
  fold(given: LabelSet): LabelSet {
    const rules = Object.entries(this.declaration.labels);
    return Object.fromEntries(
      rules.map(([label, rule]) => [label, this.#admit(label, rule, given[label] ?? other)]),
    );
  }

  #admit(label: string, rule: Labels[string], value: string): string {
    if (rule.kind !== "named") return rule.values.includes(value) ? value : other;
    const seen = this.#seen.get(label) ?? new Set();
    this.#seen.set(label, seen);
    if (seen.size < rule.limit) seen.add(value);
    return seen.has(value) ? value : other;
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
