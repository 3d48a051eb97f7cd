// What a dashboard is to us: rows of panels that each answer a question. Types and small builders of queries, pure.
//
// G1. Each panel says which question it answers; it stands in the panel's description.

import { inPanels } from "../promql.ts";

/** One line (or set of lines) of a panel. `legend` is Grafana's template over labels. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** Grafana's name of a unit. */
export type Unit = "short" | "ops" | "s" | "bytes" | "Bps" | "percentunit";

/** A panel. */
export interface PanelSpec {
  /** `graph`: over time. `stat`: the last number, large. `states`: bars over time in words. */
  readonly kind: "graph" | "stat" | "states";
  readonly title: string;
  readonly question: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Of 24. Default 8 for graphs and states, 4 for stats. */
  readonly width?: number;
  readonly stacked?: boolean;
  /** Red from here on; with `stat` also the colour. */
  readonly redFrom?: number;
  /** Red below this. */
  readonly redBelow?: number;
  /** Words for values, for `states`. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

/** Panels under a heading. */
export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

/** A dashboard; its file is `<uid>.json`. */
export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly question: string;
  readonly rows: readonly RowSpec[];
}

/** Selectors of panels. */
export const { series, buckets, count, sum, up, recorded } = inPanels;

/** Events per second of a counter's selector, summed by labels. */
export function rateBy(labels: readonly string[], selector: string): string {
  const by = labels.length === 0 ? "" : ` by (${labels.join(", ")})`;
  return `sum${by} (rate(${selector}[$__rate_interval]))`;
}

/** A quantile of a histogram's buckets, over what remains after summing by labels. */
export function quantileBy(labels: readonly string[], quantile: number, bucketSelector: string): string {
  return `histogram_quantile(${quantile}, sum by (${[...labels, "le"].join(", ")}) (rate(${bucketSelector}[$__rate_interval])))`;
}

/** The median and the slow hundredth of a histogram over all chosen edges. */
export function medianAndSlowest(bucketSelector: string): readonly Query[] {
  return [
    { expr: quantileBy([], 0.5, bucketSelector), legend: "median" },
    { expr: quantileBy([], 0.99, bucketSelector), legend: "99 %" },
  ];
}

/** Events per second of a counter that all edges of a host tell alike: not summed over edges. */
export function hostRateBy(labels: readonly string[], selector: string): string {
  const by = labels.length === 0 ? "" : ` by (${labels.join(", ")})`;
  return `max${by} (rate(${selector}[$__rate_interval]))`;
}

/** The states of a circuit as instruments count them. */
export const circuitWords = {
  "0": { text: "closed", color: "green" },
  "1": { text: "half open", color: "yellow" },
  "2": { text: "open", color: "red" },
} as const;

/** Words for a gauge that is 1 when all is well. */
export const yesNoWords = {
  "0": { text: "no", color: "red" },
  "1": { text: "yes", color: "green" },
} as const;
