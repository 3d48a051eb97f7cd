// Tries until it is done or the deadline has come: the outermost policy around every call of a backend. Timers by port.
//
//   untilDeadline( attempt = circuit → permit → request )
//
// D1. Ends at the deadline at the latest, whatever an attempt does: its signal is aborted then.
// D2. Between two attempts a full-jitter back-off, so a backend that returns is not met by all stations at once.
// D3. With `once` there is one attempt, and it too ends at the deadline.

import type { Random, Time } from "@cpg/session-registry";

/** What one attempt brought: an end, or the wish to try again. */
export type Step<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "again" };

/** The clock, the chance, and the bounds of the back-off. */
export interface RetryPorts {
  readonly time: Time;
  readonly random: Random;
}

/** How long and how often. */
export interface Patience {
  readonly deadlineMs: number;
  readonly attempts: "many" | "once";
}

// The first pause is up to 100 ms, the others up to twice the one before, at most 2 s: about a dozen attempts in 25 s,
// and a backend that is back is noticed within a second on average.
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** Resolves to the value, or to undefined when the time is up. Rejects only if `attempt` does: a bug. */
export async function untilDeadline<T>(
  attempt: (signal: AbortSignal) => Promise<Step<T>>,
  { deadlineMs, attempts }: Patience,
  { time, random }: RetryPorts,
): Promise<T | undefined> {
  const expiry = new AbortController();
  const timer = time.after(deadlineMs, () => expiry.abort()); // D1
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const step = await attempt(expiry.signal);
      if (step.kind === "done") return step.value;
      if (attempts === "once" || expiry.signal.aborted) return undefined; // D3
      await pause(random.next() * pauseMs, expiry.signal, time); // D2
      if (expiry.signal.aborted) return undefined;
    }
  } finally {
    timer.cancel();
  }
}

/** Waits, or until the signal. */
function pause(ms: number, signal: AbortSignal, time: Time): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = time.after(ms, done);
    signal.addEventListener("abort", done);
  });
}
