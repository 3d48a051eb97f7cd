// What a scenario found, as data: the JSON file is this, the page and the terminal show it. Types only.

/** A figure that is judged. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `µs`, `×`, `KB`, `%`, `/s`, … */
  readonly unit: string;
  /** At least this good … */
  readonly goal?: Bound;
  /** … and better this. */
  readonly aim?: Bound;
  /** Least and greatest of the rounds. */
  readonly range?: readonly [min: number, max: number];
}

/** A limit of a figure. */
export type Bound = { readonly atMost: number } | { readonly atLeast: number };

/** A cell: numbers are aligned and rounded, texts are not. */
export type Cell = string | number | undefined;

/** A table. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Indexes of rows to be marked: the load generator was the bottleneck. */
  readonly clientBound?: readonly number[];
  /** How to read it. */
  readonly note?: string;
}

/** A point of a plot. */
export interface PlotPoint {
  readonly x: number | string;
  readonly y: number;
  readonly series: string;
}

/** A plot. */
export interface Plot {
  readonly title: string;
  readonly kind: "bars" | "lines";
  readonly x: string;
  readonly y: string;
  readonly points: readonly PlotPoint[];
  /** Horizontal lines with a name: goals, the limit. */
  readonly rules?: readonly { readonly y: number; readonly name: string }[];
}

/** All of it. */
export interface Report {
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** Wrong results: a lost station, a pool timeout, an unanswered message. One line each; any of them fails `ci`. */
  readonly wrong: readonly string[];
  /** What a reader must know: the client was the bottleneck, something could not be read. */
  readonly warnings: readonly string[];
}

/** A report with what it was made of. */
export interface Run {
  readonly scenario: string;
  readonly title: string;
  /** What a person types to have it again. */
  readonly command: string;
  /** ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  readonly values: Readonly<Record<string, number>>;
  readonly machine: Readonly<Record<string, string>>;
  readonly report: Report;
}
