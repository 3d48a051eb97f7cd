// Counting: handles for those who count, snapshots for those who read. Pure: no I/O, no clock.
//
// M1. The hot path holds a handle: `inc`, `set` and `record` are additions to plain numbers (series.ts E1).
// M2. Observed instruments are asked when somebody reads, and a series that is not told is not shown. This is why
//     OpenTelemetry's observable gauges are not used: they repeat a vanished shard's last value for ever.
// M3. Values told for the same labels, or for labels folded into the same "other", add up to one series: Prometheus
//     refuses a scrape that holds a series twice.
// M4. A failing observer costs its own series in that reading, nothing else.
import type { AnyDeclaration } from "./declare.ts";
import { instruments } from "./instruments.ts";
import type {
  CounterName,
  GaugeName,
  HistogramName,
  InstrumentName,
  LabelArgument,
  LabelsOf,
} from "./instruments.ts";
import { BucketCell, Family, NumberCell } from "./series.ts";
import type { LabelSet } from "./series.ts";

/** A resolved counter. */
export interface Counter {
  /** Adds n, 1 unless told; never negative. */
  inc(n?: number): void;
  readonly value: number;
}

/** A resolved gauge. */
export interface Gauge {
  set(value: number): void;
  readonly value: number;
}

/** A resolved histogram. */
export interface Histogram {
  /** `value` in the unit of the instrument's name: seconds. */
  record(value: number): void;
  readonly count: number;
  readonly sum: number;
}

/** One reading of an observed instrument. */
export type Observation<N extends InstrumentName> = keyof LabelsOf<N> extends never
  ? { readonly value: number }
  : { readonly value: number; readonly labels: LabelsOf<N> };

/** Tells all series of an observed instrument, now or soon. */
export type Observer<N extends InstrumentName> = () =>
  readonly Observation<N>[] | Promise<readonly Observation<N>[]>;

/** Where everything is counted. The same name and labels give the same handle. */
export interface Meter {
  counter<N extends CounterName>(name: N, ...labels: LabelArgument<N>): Counter;
  gauge<N extends GaugeName>(name: N, ...labels: LabelArgument<N>): Gauge;
  histogram<N extends HistogramName>(name: N, ...labels: LabelArgument<N>): Histogram;
  /** Has `read` asked whenever the instrument is read (M2). Returns the end of the observation. */
  observe<N extends CounterName | GaugeName>(name: N, read: Observer<N>): () => void;
}

interface Told {
  readonly value: number;
  readonly labels?: LabelSet;
}

/** All series of one instrument at one time. */
export type Snapshot = { readonly name: string; readonly declaration: AnyDeclaration } & (
  | { readonly kind: "counter" | "gauge"; readonly series: readonly Pick<NumberCell, "labels" | "value">[] }
  | { readonly kind: "histogram"; readonly series: readonly BucketCell[] }
);

interface ObservedFamily {
  readonly kind: "counter" | "gauge";
  readonly family: Family<NumberCell>;
  readonly observers: Set<Observer<InstrumentName>>;
}

interface BucketFamily {
  readonly kind: "histogram";
  readonly family: Family<BucketCell>;
}

/** The numbers of one process. */
export class PlainMeter implements Meter {
  readonly #families = new Map<string, ObservedFamily | BucketFamily>();
  readonly #onFault: (instrument: string, error: unknown) => void;

  /** `onFault` hears of observers that failed (M4). */
  constructor(onFault: (instrument: string, error: unknown) => void) {
    this.#onFault = onFault;
    for (const [name, declaration] of Object.entries(instruments))
      this.#families.set(name, familyOf(declaration));
  }

  counter<N extends CounterName>(name: N, ...labels: LabelArgument<N>): Counter {
    return this.#observed(name).family.series(labels[0] ?? {});
  }

  gauge<N extends GaugeName>(name: N, ...labels: LabelArgument<N>): Gauge {
    return this.#observed(name).family.series(labels[0] ?? {});
  }

  histogram<N extends HistogramName>(name: N, ...labels: LabelArgument<N>): Histogram {
    const found = this.#families.get(name);
    if (found?.kind !== "histogram") throw new TypeError(`no histogram is called ${name}`);
    return found.family.series(labels[0] ?? {});
  }

  observe<N extends CounterName | GaugeName>(name: N, read: Observer<N>): () => void {
    const { observers } = this.#observed(name);
    observers.add(read);
    return () => void observers.delete(read);
  }

  /** Reads every instrument; those without a series are left out. */
  async read(): Promise<readonly Snapshot[]> {
    const snapshots = [...this.#families].map(async ([name, entry]): Promise<Snapshot> => {
      const { declaration } = entry.family;
      if (entry.kind === "histogram")
        return { name, declaration, kind: entry.kind, series: entry.family.all };
      const observed = await Promise.all([...entry.observers].map((read) => this.#ask(name, read)));
      return { name, declaration, kind: entry.kind, series: sums(entry.family, observed.flat()) };
    });
    return (await Promise.all(snapshots)).filter(({ series }) => series.length > 0);
  }

  async #ask(name: string, read: Observer<InstrumentName>): Promise<readonly Told[]> {
    try {
      return await read();
    } catch (error) {
      this.#onFault(name, error);
      return [];
    }
  }

  #observed(name: string): ObservedFamily {
    const found = this.#families.get(name);
    if (found === undefined || found.kind === "histogram") {
      throw new TypeError(`no counter or gauge is called ${name}`);
    }
    return found;
  }
}

/** What was counted and what was told, one series per combination of labels (M3). */
function sums(family: Family<NumberCell>, told: readonly Told[]): readonly NumberCell[] {
  const together = new Family(family.declaration, (labels) => new NumberCell(labels));
  for (const { labels, value } of family.all) together.series(labels).inc(value);
  const folded = family.foldTold(told.map(({ labels }) => labels ?? {}));
  for (const [at, { value }] of told.entries()) together.series(folded[at] ?? {}).inc(value);
  return together.all;
}

function familyOf(declaration: AnyDeclaration): ObservedFamily | BucketFamily {
  const { kind, buckets } = declaration;
  if (kind === "histogram") {
    return { kind, family: new Family(declaration, (labels) => new BucketCell(labels, buckets)) };
  }
  return { kind, family: new Family(declaration, (labels) => new NumberCell(labels)), observers: new Set() };
}
