// A clock whose timers can all be stopped at once: the process that dies.

import { systemTime, type Time, type Timer } from "../src/time.ts";

/** `die` stops them all. */
export function mortalTime(): {
  readonly time: Time;
  readonly die: () => void;
  readonly isDead: () => boolean;
} {
  const timers = new Set<Timer>();
  let isDead = false;
  const guarded = (run: () => void) => (): void => {
    if (!isDead) run();
  };
  const time: Time = {
    monotonicMs: () => systemTime.monotonicMs(),
    wallMs: () => systemTime.wallMs(),
    after: (delayMs, run) => systemTime.after(delayMs, guarded(run)),
    every(intervalMs, run) {
      const timer = systemTime.every(intervalMs, guarded(run));
      timers.add(timer);
      return timer;
    },
  };
  return {
    time,
    isDead: () => isDead,
    die() {
      isDead = true;
      for (const timer of timers) timer.cancel();
    },
  };
}
