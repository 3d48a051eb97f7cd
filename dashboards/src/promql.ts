// PromQL selectors over the instruments of @cpg/telemetry. Pure.
//
// Q1. A metric, a label or a closed label's value that is not declared does not compile; the text is checked once more by
//     parsing it (test/declared.test.ts), because expressions around the selectors are plain text.
// Q2. Every selector names the job: process_open_fds and its kin are common names, and a Prometheus has other tenants.

import type { CounterName, GaugeName, HistogramName, InstrumentName, LabelsOf } from "@cpg/telemetry";

/** The scrape job under which Prometheus finds edges; the name is part of the contract with prometheus.yml. */
export const edgeJob = "cpg-edge";

/** One value, one of several, or none of several. */
type Matcher<V extends string> = V | readonly V[] | { readonly not: readonly V[] };

/** Conditions on the declared labels of an instrument. */
export type Matchers<N extends InstrumentName> = {
  readonly [K in keyof LabelsOf<N>]?: LabelsOf<N>[K] extends string ? Matcher<LabelsOf<N>[K]> : never;
};

/** Makes selectors that all carry the same first matchers. */
export interface Selectors {
  /** A counter or a gauge. */
  readonly series: <N extends CounterName | GaugeName>(name: N, matchers?: Matchers<N>) => string;
  /** `_bucket`, `_count` and `_sum` of a histogram. */
  readonly buckets: <N extends HistogramName>(name: N, matchers?: Matchers<N>) => string;
  readonly count: <N extends HistogramName>(name: N, matchers?: Matchers<N>) => string;
  readonly sum: <N extends HistogramName>(name: N, matchers?: Matchers<N>) => string;
  /** What Prometheus itself records of a scrape: 1 if the last one succeeded. */
  readonly up: () => string;
  /** A series that a recording rule of ours wrote. */
  readonly recorded: (name: string) => string;
}

function selectorsWith(common: readonly string[]): Selectors {
  const select = (name: string, matchers: object = {}): string =>
    `${name}{${[...common, ...Object.entries(matchers).map(matcherText)].join(", ")}}`;
  return {
    series: (name, matchers) => select(name, matchers),
    buckets: (name, matchers) => select(`${name}_bucket`, matchers),
    count: (name, matchers) => select(`${name}_count`, matchers),
    sum: (name, matchers) => select(`${name}_sum`, matchers),
    up: () => select("up"),
    recorded: (name) => select(name),
  };
}

function matcherText([label, matcher]: [string, Matcher<string>]): string {
  if (typeof matcher === "string") return `${label}="${matcher}"`;
  if ("not" in matcher) return `${label}!~"${matcher.not.join("|")}"`;
  return `${label}=~"${matcher.join("|")}"`;
}

/** For rules: every edge of the job. */
export const inRules: Selectors = selectorsWith([`job="${edgeJob}"`]);

/** For panels: the edges chosen at the top of the dashboard. */
export const inPanels: Selectors = selectorsWith([`job="${edgeJob}"`, 'instance=~"$instance"']);
