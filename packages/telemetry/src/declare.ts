// How an instrument is declared, and the types that follow from a declaration. Pure.
//
// D1. A label's values are bounded: a closed list, a list with "other" for the rest, or at most so many different
//     ones with "other" for the rest. The charge point's id is never a label.
// D2. The unit is the one in the name (`_seconds`, `_bytes`, `_ratio`): the Prometheus exporter adds none.

/** What stands in for every value that a label does not have room for. */
export const other = "other";

/** Values known to the compiler; anything else does not compile. */
export interface Closed<V extends string = string> {
  readonly kind: "closed";
  readonly values: readonly V[];
}

/** Values that come as plain text from another package; what is not in the list is counted as "other". */
export interface Known {
  readonly kind: "known";
  readonly values: readonly string[];
}

/**
 * Names known only when running (shards, routes): at most `limit` different ones, the rest as "other". Of those that are counted the first
 * ever, of those that are told the first at once (series.ts E3, E4).
 */
export interface Named {
  readonly kind: "named";
  readonly limit: number;
}

/** The labels of an instrument and what they may hold. */
export type Labels = Readonly<Record<string, Closed | Known | Named>>;

/** An instrument as declared; its name is its key in the table. */
export interface Declaration<K extends "counter" | "gauge" | "histogram", L extends Labels> {
  readonly kind: K;
  readonly help: string;
  readonly labels: L;
  /** Upper bounds of a histogram's buckets, rising; +Inf is implied. */
  readonly buckets: readonly number[];
  /** Somebody else counts it (the kernel, a Redis node) and it is told at a reading: nothing is shown at 0 before. */
  readonly isTold: boolean;
}

/** Any declaration. */
export type AnyDeclaration = Declaration<"counter" | "gauge" | "histogram", Labels>;

/** The labels that a caller gives to an instrument. */
export type LabelValues<L extends Labels> = {
  readonly [K in keyof L]: L[K] extends Closed<infer V> ? V : string;
};

const noLabels = {} as const satisfies Labels;
type NoLabels = typeof noLabels;

/** A counter: only ever grows, from 0 at the start of the process. */
export function counter<const L extends Labels = NoLabels>(help: string, labels?: L) {
  return declare("counter", { help, labels, buckets: [] });
}

/** A counter that somebody else keeps: absent until it is told, because 0 would be a claim. */
export function toldCounter<const L extends Labels = NoLabels>(help: string, labels?: L) {
  return { ...declare("counter", { help, labels, buckets: [] }), isTold: true };
}

/** A gauge: what is the case now. */
export function gauge<const L extends Labels = NoLabels>(help: string, labels?: L) {
  return declare("gauge", { help, labels, buckets: [] });
}

/** A histogram with explicit bounds. */
export function histogram<const L extends Labels = NoLabels>(
  help: string,
  buckets: readonly number[],
  labels?: L,
) {
  return declare("histogram", { help, labels, buckets });
}

/** A label whose values the compiler knows. */
export function closed<const V extends string>(...values: readonly V[]): Closed<V> {
  return { kind: "closed", values };
}

/** A label whose values arrive as text: those listed, and "other". */
export function known(...values: readonly string[]): Known {
  return { kind: "known", values };
}

/** A label for names that only the running process knows. */
export function named(limit: number): Named {
  return { kind: "named", limit };
}

function declare<K extends "counter" | "gauge" | "histogram", L extends Labels>(
  kind: K,
  spec: { readonly help: string; readonly labels: L | undefined; readonly buckets: readonly number[] },
): Declaration<K, L> {
  // No labels given: L is its default, the empty record.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { kind, help: spec.help, labels: spec.labels ?? ({} as L), buckets: spec.buckets, isTold: false };
}
