// How raw measurements are read, the same way in every scenario. Pure.

import type { Called, TrafficResult } from "../load/fleet.ts";
import type { Histogram } from "../measure/histogram.ts";
import type { Scrape } from "../measure/prometheus.ts";

/** Milliseconds at a quantile; NaN without samples. */
export function latencyMs(latencies: Histogram, q: number): number {
  return (latencies.quantile(q) ?? Number.NaN) / 1000;
}

/** Server CPU of one message, µs. */
export function cpuPerMessage({
  serverSeconds,
  answered,
}: Pick<TrafficResult, "serverSeconds" | "answered">): number {
  return (serverSeconds / Math.max(1, answered)) * 1e6;
}

/** One stretch of messages or of POSTs. */
export interface Stretch {
  /** µs of the server's, or of who POSTs, for each. */
  readonly cpu: number;
  readonly perSecond: number;
  /** From a message to its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What was counted in a stretch. */
export type Counted = Pick<TrafficResult, "serverSeconds" | "answered" | "seconds" | "latencies">;

/** What a stretch came to. */
export function stretchOf(result: Counted): Stretch {
  const { answered, seconds, latencies } = result;
  return {
    cpu: cpuPerMessage(result),
    perSecond: answered / seconds,
    p50Ms: latencyMs(latencies, 0.5),
    p99Ms: latencyMs(latencies, 0.99),
  };
}

/** What was lost, not answered, or not rightly, one line each. */
export function wrongOfTraffic(name: string, results: readonly TrafficResult[]): string[] {
  return results.flatMap(({ wrong, wrongText, unanswered, answered, losses }) => {
    const lines = linesOfLosses(name, losses);
    if (wrong > 0) lines.push(`${name}: ${wrong} wrong answers, the first: ${wrongText ?? ""}`);
    if (unanswered > 0) lines.push(`${name}: ${unanswered} messages were never answered`);
    if (answered === 0) lines.push(`${name}: nothing was answered`);
    return lines;
  });
}

/** What was answered and is not in its stream; what is there twice, or unanswered, is not wrong: at least once was promised. */
export function wrongOfStored(name: string, answered: number, stored: number): string[] {
  return stored < answered
    ? [`${name}: ${answered - stored} messages were answered and are not in the stream`]
    : [];
}

/** What of one CALL of each station was not answered, or not rightly, one line each. Those of lost stations are told by `linesOfLosses`. */
export function wrongOfCalls(name: string, { wrong, unanswered }: Called): string[] {
  const lines: string[] = [];
  if (wrong > 0) lines.push(`${name}: ${wrong} wrong answers`);
  if (unanswered > 0) lines.push(`${name}: ${unanswered} messages were never answered`);
  return lines;
}

/** Who of a crowd got through, and left. */
export interface Passed {
  readonly stations: number;
  readonly open: number;
  /** Who could not connect, or was lost. */
  readonly failures: Readonly<Record<string, number>>;
  readonly isRegistered: boolean;
  /** Nobody of it is registered any more behind it. */
  readonly isGone: boolean;
}

/** What was wrong with a crowd, one line each. */
export function wrongOfPassed(name: string, passed: Passed): string[] {
  const { stations, open, failures, isRegistered, isGone } = passed;
  const lines: string[] = [];
  if (open < stations) lines.push(`${name}: ${stations - open} not connected (${kindsText(failures)})`);
  if (!isRegistered) lines.push(`${name}: not all registered after 30 s`);
  if (!isGone) lines.push(`${name}: sessions are left 30 s after their sockets closed`);
  return lines;
}

/** Who lost stations and how, in one line; no line if nobody was lost. */
export function linesOfLosses(name: string, losses: TrafficResult["losses"]): string[] {
  const text = kindsText(losses);
  return text === "" ? [] : [`${name}: stations lost: ${text}`];
}

/**
 * Whether the rate of a stretch without a pace is the load generator's (or the machine's) and not the server's: a server that was
 * the bottleneck would have used its core. CPU per message counts all the same.
 */
export function isClientBound({ serverSeconds, seconds }: TrafficResult): boolean {
  return serverSeconds / seconds < 0.85;
}

/** `3 × http 503, 1 × timeout`; empty if nothing was counted. */
export function kindsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(", ");
}

/** Registry calls that found no permit in time, or no place in the line. */
export function poolTimeoutsOf(scraped: Scrape): number {
  return scraped.sum("registry_pool_timeouts_total") + scraped.sum("registry_pool_exhausted_total");
}
