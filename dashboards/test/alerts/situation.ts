// How alerts' tests describe what Prometheus sees. Pure.

import { edgeJob } from "../../src/promql.ts";

/** Series with their samples, in promtool's notation: `0+5x10` starts at 0 and adds 5 ten times, `1x10` stays. */
export interface Situation {
  /** What has happened, as a sentence that ends the test's name. */
  readonly when: string;
  readonly series: Readonly<Record<string, string>>;
  /** Distance of the samples. */
  readonly every: "15s" | "1m" | "5m";
  /** When to look, since the first sample. */
  readonly at: string;
}

/** A situation in which the alert fires, and what it then says. */
export interface Fault extends Situation {
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** An alert's proof: faults that it tells of, and situations that look similar and are none of its business. */
export interface AlertCases {
  readonly fires: Fault;
  /** Faults of another kind, or that show in another way. */
  readonly alsoFires?: readonly Fault[];
  readonly quiet: readonly Situation[];
}

/** For cases of minutes. */
export const short = { every: "15s" } as const;

/** A series of edge-1. */
export function of(metric: string, labels: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({ job: edgeJob, instance: "edge-1", ...labels });
  return `${metric}{${all.map(([name, value]) => `${name}="${value}"`).join(",")}}`;
}

/** Labels of an alert about edge-1. */
export function edge1(labels: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { job: edgeJob, instance: "edge-1", ...labels };
}

/** A series of a target that has a label more, given by discovery. */
export const withPod = (series: string): string => series.replace("{", '{pod="edge-7f9",');
