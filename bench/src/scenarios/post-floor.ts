// The floor of the http route, measured in the same rounds: bare undici POSTs in a process of their own.

import { mergeHistograms } from "../measure/histogram.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { startWorker } from "../system/worker.ts";
import type { PostCount, PostPlan, PostWay } from "../subjects/bare-post.ts";
import { nowMs, pause } from "../time.ts";
import { stretchOf, type Stretch } from "./reading.ts";

/** What a floor's rounds came to. */
export interface Posted {
  readonly name: string;
  readonly paced: readonly Stretch[];
  /** Without a pace. */
  readonly flood: readonly Stretch[];
  failed(): number;
}

/** A floor that is measured round by round. */
export interface PostFloor extends Posted {
  readonly pid: number;
  /** One stretch; `rate` 0: without a pace. */
  measure(rate: number, seconds: number): Promise<Stretch>;
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
  const paced: Stretch[] = [];
  const flood: Stretch[] = [];
  let failed = 0;
  return {
    name: names[plan.way],
    pid: worker.pid,
    paced,
    flood,
    failed: () => failed,
    async measure(rate, seconds) {
      await worker.ask("start", { ...plan, rate });
      await pause(500);
      await worker.ask("take");
      const [cpu, startedMs] = [cpuSecondsOf([worker.pid]), nowMs()];
      await pause(seconds * 1000);
      const count = await worker.ask<PostCount>("take");
      const serverSeconds = cpuSecondsOf([worker.pid]) - cpu;
      const tookSeconds = (nowMs() - startedMs) / 1000;
      await worker.ask("stop");
      const { answered } = count;
      failed += count.failed;
      const latencies = mergeHistograms([count.latencies]);
      const stretch = stretchOf({ serverSeconds, answered, seconds: tookSeconds, latencies });
      (rate === 0 ? flood : paced).push(stretch);
      return stretch;
    },
    forget() {
      paced.length = flood.length = 0;
    },
    stop: () => worker.stop(),
  };
}
