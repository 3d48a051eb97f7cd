// Tells a storm from everyday coming and going: a leaky bucket over the calls of all partitions. No timers.

import type { Time } from "../time.ts";

/** Calls a second that an edge makes one by one: 2 % of what one core carries (FACTS §3: 22–25 k scripts a second). */
const callsPerSecond = 500;
/** So many more at once: a street of charge points that comes back is no storm. */
const burst = 250;

/** One for all loops of an edge. */
export class Surge {
  readonly #time: Time;
  #level = 0;
  #atMs: number;

  constructor(time: Time) {
    this.#time = time;
    this.#atMs = time.monotonicMs();
  }

  /** Counts one call about to be made; true in a storm, when it had better wait for company. */
  rises(): boolean {
    const now = this.#time.monotonicMs();
    this.#level = Math.max(0, this.#level - ((now - this.#atMs) / 1000) * callsPerSecond);
    this.#atMs = now;
    if (this.#level >= burst) return true;
    this.#level++;
    return false;
  }
}
