// The windows of all rules on one time scale. Pure.
//
// W1. No rule writes a duration by itself, neither a window nor one that it waits for: at scale 1/60 a test lives through an hour's
//     rule in a minute, with the same rule. What a faster clock does not change (a standstill of the loop) is no duration of a rule.

/** The windows that rules look back over, in seconds. */
const seconds = {
  "30s": 30,
  "1m": 60,
  "2m": 120,
  "3m": 180,
  "5m": 300,
  "10m": 600,
  "20m": 1200,
  "30m": 1800,
  "1h": 3600,
  "6h": 21_600,
};

/** A window by its true length. */
export type Window = keyof typeof seconds;

/** Prints a window as PromQL writes durations. */
export interface Windows {
  (window: Window): string;
  /** For a duration that a rule compares a value with (a charge point's patience): as a number, in seconds. */
  seconds(window: Window): number;
}

/** The windows at a scale; 1 is real time, 1/60 makes a second of a minute. The shortest is a millisecond. */
export function windowsAt(scale: number): Windows {
  const milliseconds = (window: Window): number => Math.max(1, Math.round(seconds[window] * scale * 1000));
  return Object.assign((window: Window) => (scale === 1 ? window : `${milliseconds(window)}ms`), {
    seconds: (window: Window) => milliseconds(window) / 1000,
  });
}
