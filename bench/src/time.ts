// The benchmark's clock and pauses. Real time is the point here, so there is no port.

import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds of a clock that never jumps. */
export function nowMs(): number {
  return performance.now();
}

/** Settles after `ms`. */
export async function pause(ms: number): Promise<void> {
  await delay(ms);
}

/** Asks `fn` every `everyMs` until it says true; false when `timeoutMs` have passed. Errors of `fn` pass through. */
export async function until(
  fn: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 25,
): Promise<boolean> {
  const deadline = nowMs() + timeoutMs;
  for (;;) {
    if (await fn()) return true;
    if (nowMs() >= deadline) return false;
    await delay(everyMs);
  }
}
