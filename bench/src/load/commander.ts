// Sends commands through an edge's API, so many at a time; a process of its own. I/O: HTTP.

import { Pool } from "undici";

import { Histogram, type HistogramWire } from "../measure/histogram.ts";
import { serve } from "../system/worker.ts";
import { nowMs, pause } from "../time.ts";

/** A run of commands. */
export interface CommandPlan {
  readonly origin: string;
  /** Path of a command; `{id}` is replaced. */
  readonly path: string;
  readonly prefix: string;
  readonly stations: number;
  readonly concurrency: number;
  /** Commands per second at most; absent: as many as are answered. */
  readonly rate?: number;
  /** Commands in all: station n, n + 1, … in turn. 0: go on for `seconds`. */
  readonly commands: number;
  readonly seconds: number;
}

/** How it ended. */
export interface CommandCount {
  readonly answered: number;
  /** By HTTP status or error code. */
  readonly failures: Readonly<Record<string, number>>;
  /** Numbers of the stations that did not answer; at most as many as there are stations. */
  readonly failed: readonly number[];
  readonly seconds: number;
  readonly latencies: HistogramWire;
}

const body = JSON.stringify({ action: "Reset", payload: { type: "Soft" }, timeoutMs: 10_000 });
const headers = { "content-type": "application/json" };

async function run(plan: CommandPlan): Promise<CommandCount> {
  const pool = new Pool(plan.origin, { connections: plan.concurrency, headersTimeout: 30_000 });
  const latencies = new Histogram();
  const failures: Record<string, number> = {};
  const failed = new Set<number>();
  const startedMs = nowMs();
  let next = 0;
  let answered = 0;
  const hasMore = (): boolean =>
    plan.commands > 0 ? next < plan.commands : nowMs() - startedMs < plan.seconds * 1000;
  const one = async (): Promise<void> => {
    while (hasMore()) {
      const number = next++;
      const station = number % plan.stations;
      const dueMs = plan.rate === undefined ? 0 : startedMs + (number / plan.rate) * 1000;
      if (dueMs > nowMs()) await pause(dueMs - nowMs());
      const sentMs = nowMs();
      const outcome = await command(pool, plan.path.replace("{id}", `${plan.prefix}${station}`));
      if (outcome === "answered") {
        answered += 1;
        latencies.record((nowMs() - sentMs) * 1000);
      } else {
        failures[outcome] = (failures[outcome] ?? 0) + 1;
        failed.add(station);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, one));
  const seconds = (nowMs() - startedMs) / 1000;
  await pool.destroy();
  return { answered, failures, failed: [...failed], seconds, latencies: latencies.toWire() };
}

async function command(pool: Pool, path: string): Promise<string> {
  try {
    const { statusCode, body: answer } = await pool.request({ method: "POST", path, headers, body });
    const text = await answer.text();
    if (statusCode !== 200) return String(statusCode);
    const { status } = JSON.parse(text) as { status?: string };
    return status ?? "no status";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

serve({ run });
