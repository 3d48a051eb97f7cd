// How late the event loop runs, for readiness.

import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Time } from "@cpg/session-registry";

/** A running measurement. */
export interface LoopDelay {
  /** 99th percentile of the last whole window, ms. */
  currentMs(): number;
  close(): void;
}

// Five seconds: long enough for 100 samples, short enough that an orchestrator's next question sees the change.
const windowMs = 5_000;
const resolutionMs = 50;

/** Begins to measure. */
export function measureLoopDelay(time: Pick<Time, "every">): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let lastMs = 0;
  const timer = time.every(windowMs, () => {
    lastMs = histogram.percentile(99) / 1e6;
    histogram.reset();
  });
  return {
    currentMs: () => lastMs,
    close() {
      timer.cancel();
      histogram.disable();
    },
  };
}
