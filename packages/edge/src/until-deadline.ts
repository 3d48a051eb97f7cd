// Tries until it is done or the deadline has come: the outermost policy around every call of a backend. Timers by port.
//
//   untilDeadline( attempt = circuit → permit → request )
//
// D1. Ends at the deadline at the latest, if an attempt ends when its expiry says so.
// D2. Between two attempts a full-jitter back-off, so a backend that returns is not met by all stations at once.
// D3. With `once` there is one attempt, and it too ends at the deadline.
// D4. This runs for every CALL that goes to a backend: an AbortController, with its event target and listeners, would cost
//     more than all the rest here. One listener at a time is enough, and one timer: it runs for whoever listens, to the
//     deadline or to a sooner end of its own (an attempt's limit, a pause), and the usual CALL arms it once.
// D5. Whom nobody waits for any more can be ended before (left-behind.ts): at once where it waits, and not tried again. What is under way goes on to
//     its own end: cut off, it would count as its backend's failure.

import type { Random, Time, Timer } from "@cpg/session-registry";

/** What one attempt brought: an end, or the wish to try again; `otherwise`: what comes of it if it was the last. */
export type Step<T> =
  { readonly kind: "done"; readonly value: T } | { readonly kind: "again"; readonly otherwise: T };

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

/** The end of somebody's patience, as an attempt sees it. */
export interface Expiry {
  /** The deadline has come while somebody listened, or it was ended before. */
  readonly isOver: boolean;
  /** Until the deadline, ms; less than none behind it. */
  readonly leftMs: number;
  /**
   * Has `run` called at the deadline, or after `withinMs` if that is sooner, instead of what listened before; undefined:
   * nobody listens any more (D4).
   */
  listen(run: (() => void) | undefined, withinMs?: number): void;
  /** As `listen`, for somebody with nothing under way: called when it is ended before, too (D5). */
  wait(run: () => void, withinMs?: number): void;
  /** What waits is under way from now on: who listens is called at the deadline alone. */
  begin(): void;
}

/** Whose patience can be ended before its deadline. */
export interface Endable {
  /** There while it is tried (D5). */
  expiry?: { end(): void } | undefined;
}

// The first pause is up to 100 ms, the others up to twice the one before, at most 2 s: about a dozen attempts in 25 s,
// and a backend that is back is noticed within a second on average.
const firstPauseMs = 100;
const longestPauseMs = 2_000;

/** Resolves to the value, or to the last attempt's `otherwise` when the time is up. Rejects only if `attempt` does: a bug. */
export async function untilDeadline<T>(
  attempt: (expiry: Expiry) => Promise<Step<T>>,
  { deadlineMs, attempts }: Patience,
  { time, random }: RetryPorts,
  tried: Endable = {},
): Promise<T> {
  const expiry = new OneListener(deadlineMs, time);
  tried.expiry = expiry;
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const step = await attempt(expiry);
      if (step.kind === "done") return step.value;
      if (attempts === "once" || expiry.isOver) return step.otherwise; // D3
      await pause(random.next() * pauseMs, expiry); // D2
      if (expiry.isOver) return step.otherwise;
    }
  } finally {
    expiry.listen(undefined);
    tried.expiry = undefined;
  }
}

class OneListener implements Expiry {
  isOver = false;
  readonly #time: Time;
  readonly #endMs: number;
  #timer: Timer | undefined;
  #waiting: (() => void) | undefined;

  constructor(deadlineMs: number, time: Time) {
    this.#time = time;
    this.#endMs = time.monotonicMs() + deadlineMs;
  }

  get leftMs(): number {
    return this.#endMs - this.#time.monotonicMs();
  }

  listen(run: (() => void) | undefined, withinMs = Infinity): void {
    this.#timer?.cancel();
    this.#timer = this.#waiting = undefined;
    if (run === undefined) return;
    const { leftMs } = this;
    this.#timer = this.#time.after(Math.min(leftMs, withinMs), () => {
      this.#timer = this.#waiting = undefined;
      // D1: not asked of the clock alone, which a timer may be ahead of; and a timer may be far behind it.
      if (leftMs <= withinMs || this.leftMs <= 0) this.isOver = true;
      run();
    });
  }

  wait(run: () => void, withinMs?: number): void {
    this.listen(run, withinMs);
    this.#waiting = run;
  }

  begin(): void {
    this.#waiting = undefined;
  }

  /** D5 */
  end(): void {
    this.isOver = true;
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.listen(undefined);
    waiting();
  }
}

/** Waits, or until the expiry. */
function pause(ms: number, expiry: Expiry): Promise<void> {
  return new Promise((resolve) => expiry.wait(resolve, ms));
}
