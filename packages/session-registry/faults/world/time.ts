// Time and chance of the fault scenarios: the one file here that touches the process's clocks.

export { setTimeout as delay } from "node:timers/promises";

/** Wall clock, ms. Redis on this machine writes the same clock into its events, so the two can be compared. */
export const nowMs = (): number => Date.now();

/** In [0, 1). Which edge, which station: nothing that a run must repeat. */
export const chance = (): number => Math.random();

/** Calls `run` at an interval until the returned function is called. */
export function every(intervalMs: number, run: () => void): () => void {
  const timer = setInterval(run, intervalMs);
  return () => clearInterval(timer);
}

/** Calls `run` once, unless the returned function is called before. */
export function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

/** How late this process's event loop ran at worst since the last call, ms: the harness's own share of every latency. */
export function watchOwnDelay(): { readonly worstMs: () => number; readonly stop: () => void } {
  const stepMs = 10;
  let worst = 0;
  let last = performance.now();
  const stop = every(stepMs, () => {
    const now = performance.now();
    worst = Math.max(worst, now - last - stepMs);
    last = now;
  });
  return {
    stop,
    worstMs() {
      const value = worst;
      worst = 0;
      return Math.round(value);
    },
  };
}
