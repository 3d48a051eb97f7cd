// The floor of the http route, measured in the same rounds: bare undici POSTs in a process of their own.

import { mergeHistograms } from "../measure/histogram.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { startWorker } from "../system/worker.ts";
import type { PostCount, PostPlan, PostWay } from "../subjects/bare-post.ts";
import { pause } from "../time.ts";
import { latencyMs } from "./reading.ts";

/** What a floor's rounds came to. */
export interface Posted {
  readonly name: string;
  /** µs CPU per POST, one for each round. */
  readonly rounds: readonly number[];
  /** ms from a POST to its answer, one for each round. */
  readonly p50: readonly number[];
  readonly p99: readonly number[];
  failed(): number;
}

/** A floor that is measured round by round. */
export interface PostFloor extends Posted {
  readonly pid: number;
  /** One round; gives µs CPU per POST. */
  measure(rate: number, seconds: number): Promise<number>;
  /** Drops the rounds so far. */
  forget(): void;
  stop(): Promise<void>;
}

const names: Readonly<Record<PostWay, string>> = {
  request: "bare undici POST",
  dispatch: "… by undici's dispatch",
  nothing: "… its timer alone",
};

/** Starts the process. */
export async function addPostFloor(plan: Omit<PostPlan, "rate">): Promise<PostFloor> {
  const worker = await startWorker(new URL("../subjects/bare-post.js", import.meta.url));
  const rounds: number[] = [];
  const p50: number[] = [];
  const p99: number[] = [];
  let failed = 0;
  return {
    name: names[plan.way],
    pid: worker.pid,
    rounds,
    p50,
    p99,
    failed: () => failed,
    async measure(rate, seconds) {
      await worker.ask("start", { ...plan, rate });
      await pause(500);
      await worker.ask("take");
      const cpu = cpuSecondsOf([worker.pid]);
      await pause(seconds * 1000);
      const count = await worker.ask<PostCount>("take");
      const perPost = ((cpuSecondsOf([worker.pid]) - cpu) / Math.max(1, count.answered)) * 1e6;
      await worker.ask("stop");
      failed += count.failed;
      rounds.push(perPost);
      const latencies = mergeHistograms([count.latencies]);
      p50.push(latencyMs(latencies, 0.5));
      p99.push(latencyMs(latencies, 0.99));
      return perPost;
    },
    forget() {
      rounds.length = p50.length = p99.length = 0;
    },
    stop: () => worker.stop(),
  };
}
