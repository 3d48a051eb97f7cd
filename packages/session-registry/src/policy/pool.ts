// A bounded pool of in-flight slots per shard, over one multiplexed connection (or a few).
//
// L1. Never more than `permits` calls of a shard are in flight; a permit comes back when its call settles, not when its caller gives up.
// L2. Waiters are served in order; the line is bounded: one more is POOL_EXHAUSTED at once.
// L3. A waiter waits `acquireTimeoutMs` at most, then POOL_TIMEOUT. All wait equally long, so the line is in order of expiry
//     and one timer, for its head, is enough.

import { RegistryError } from "../errors.ts";
import type { Time, Timer } from "../time.ts";
import type { Policy } from "./call.ts";

/** Settings `redis.permitsPerShard`, `redis.maxWaiters`, `redis.acquireTimeoutMs`. */
export interface PoolSettings {
  readonly permits: number;
  readonly maxWaiters: number;
  readonly acquireTimeoutMs: number;
}

interface Waiter {
  readonly expiresAtMs: number;
  readonly admit: () => void;
  readonly refuse: (error: RegistryError) => void;
}

/** The slots of one shard. */
export class Slots {
  readonly #settings: PoolSettings;
  readonly #time: Time;
  readonly #onRefused: (code: "POOL_TIMEOUT" | "POOL_EXHAUSTED") => void;
  #inUse = 0;
  #line: Waiter[] = [];
  #headTimer: Timer | undefined;

  constructor(
    settings: PoolSettings,
    time: Time,
    onRefused: (code: "POOL_TIMEOUT" | "POOL_EXHAUSTED") => void,
  ) {
    this.#settings = settings;
    this.#time = time;
    this.#onRefused = onRefused;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Runs `work` once a slot is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inUse < this.#settings.permits && this.#line.length === 0) this.#inUse++;
    else await this.#wait();
    try {
      return await work();
    } finally {
      this.#free(); // L1
    }
  }

  #wait(): Promise<void> {
    const { maxWaiters, acquireTimeoutMs } = this.#settings;
    if (this.#line.length >= maxWaiters) {
      this.#onRefused("POOL_EXHAUSTED");
      return Promise.reject(
        new RegistryError(
          "POOL_EXHAUSTED",
          `${maxWaiters} calls wait for this shard already (redis.maxWaiters)`,
          {
            retryable: true,
            retryAfterMs: acquireTimeoutMs,
          },
        ),
      ); // L2
    }
    return new Promise((admit, refuse) => {
      this.#line.push({ expiresAtMs: this.#time.monotonicMs() + acquireTimeoutMs, admit, refuse });
      this.#watchHead();
    });
  }

  #free(): void {
    const next = this.#line.shift();
    if (next)
      next.admit(); // the slot passes on
    else this.#inUse--;
  }

  #watchHead(): void {
    const head = this.#line[0];
    if (!head || this.#headTimer) return;
    this.#headTimer = this.#time.after(Math.max(0, head.expiresAtMs - this.#time.monotonicMs()), () => {
      this.#headTimer = undefined;
      this.#expire();
      this.#watchHead();
    });
  }

  #expire(): void {
    const now = this.#time.monotonicMs();
    while (this.#line[0] && this.#line[0].expiresAtMs <= now) {
      this.#onRefused("POOL_TIMEOUT");
      this.#line.shift()?.refuse(
        new RegistryError(
          "POOL_TIMEOUT",
          `no slot free within ${this.#settings.acquireTimeoutMs} ms (redis.acquireTimeoutMs)`,
          {
            retryable: true,
          },
        ),
      ); // L3
    }
  }
}

/** Calls of a shard wait for one of its slots. */
export function withPool(slotsOf: (shard: string) => Slots): Policy {
  return (next) => (call) => {
    const shard = call.shard();
    return shard === undefined ? next(call) : slotsOf(shard).run(() => next(call));
  };
}
