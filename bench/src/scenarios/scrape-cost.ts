// What a scrape costs the edge that is scraped.
//
// S1. One station sends Heartbeats back to back, one open at a time: whatever holds the event loop, one of them waits for all of it. The
//     longest of a short window with a scrape in it is the scrape's hold on the loop; windows without one, in turn, are the machine's own.
// S2. CPU is counted over all scrapes in a row: the kernel's clock steps by 10 ms.

import type { Fleet, TrafficResult } from "../load/fleet.ts";
import { heartbeat } from "../load/payloads.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { samplesIn, scrapeText } from "../measure/prometheus.ts";
import { nowMs, pause } from "../time.ts";
import { latencyMs } from "./reading.ts";

/** What was found, one value for each scrape. */
export interface ScrapeCost {
  /** Longest Heartbeat of a window with a scrape, ms (S1). */
  readonly longestMs: readonly number[];
  /** Longest Heartbeat of a window without, ms. */
  readonly longestWithoutMs: readonly number[];
  /** From the request to the last byte, ms. */
  readonly scrapeMs: readonly number[];
  /** CPU of one scrape, ms (S2). */
  readonly cpuMs: number;
  readonly samples: number;
  readonly bytes: number;
  readonly traffic: readonly TrafficResult[];
}

/** The edge that is scraped, and the one station that asks it without a pause. */
export interface Scraped {
  readonly url: string;
  readonly pids: readonly number[];
  readonly probe: Fleet;
}

const window = { tail: heartbeat, rate: 0, seconds: 0.4, warmUpSeconds: 0.1 };

/** Measures `scrapes` scrapes. */
export async function measureScrapes({ url, pids, probe }: Scraped, scrapes: number): Promise<ScrapeCost> {
  const longestMs: number[] = [];
  const longestWithoutMs: number[] = [];
  const scrapeMs: number[] = [];
  const traffic: TrafficResult[] = [];
  let text = await scrapeText(url); // the first compiles what the others run
  for (let n = 0; n < scrapes; n++) {
    const without = await probe.traffic(window, pids);
    const [within, tookMs] = await Promise.all([probe.traffic(window, pids), scrapeAfter(250)]);
    longestWithoutMs.push(latencyMs(without.latencies, 1));
    longestMs.push(latencyMs(within.latencies, 1));
    scrapeMs.push(tookMs);
    traffic.push(without, within);
  }
  const cpu = cpuSecondsOf(pids);
  for (let n = 0; n < scrapes; n++) text = await scrapeText(url);
  const cpuMs = ((cpuSecondsOf(pids) - cpu) / scrapes) * 1000;
  const [samples, bytes] = [samplesIn(text), Buffer.byteLength(text)];
  return { longestMs, longestWithoutMs, scrapeMs, cpuMs, samples, bytes, traffic };

  async function scrapeAfter(ms: number): Promise<number> {
    await pause(ms);
    const startedMs = nowMs();
    await scrapeText(url);
    return nowMs() - startedMs;
  }
}
