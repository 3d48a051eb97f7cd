// A token bucket: how fast what is owed may be replayed when Redis returns (`registry.replayPerSecond`).

import type { Time } from "../time.ts";

/** Hands out `perSecond` tokens a second, at most a tenth of a second's worth at once. */
export class Pacer {
  readonly #perSecond: number;
  readonly #time: Time;
  /** Monotonic moment at which everything handed out so far is earned. */
  #paidUntilMs = 0;

  constructor(perSecond: number, time: Time) {
    this.#perSecond = perSecond;
    this.#time = time;
  }

  /** Resolves when `count` may go. */
  take(count: number): Promise<void> {
    const now = this.#time.monotonicMs();
    const startMs = Math.max(this.#paidUntilMs, now - 100);
    this.#paidUntilMs = startMs + (count / this.#perSecond) * 1000;
    const waitMs = this.#paidUntilMs - now;
    return waitMs <= 0 ? Promise.resolve() : new Promise((resolve) => this.#time.after(waitMs, resolve));
  }
}
