// A client without any policy of ours that writes to one shard all the while: the yardstick of a failover. I/O: Redis.

import type { Cluster } from "ioredis";
import { openCluster } from "./observer.ts";
import type { RedisStack } from "./redis-stack.ts";
import { every, nowMs } from "./time.ts";

const intervalMs = 20;

/** Writes `key` fifty times a second and remembers when writes went through. */
export class BareWriter {
  readonly #redis: Cluster;
  readonly #written: number[] = [];
  readonly #stop: () => void;

  constructor(stack: RedisStack, key: string) {
    this.#redis = openCluster(stack.cluster.addresses, stack.around);
    this.#stop = every(intervalMs, () => {
      this.#redis.set(key, nowMs()).then(
        () => this.#written.push(nowMs()),
        () => undefined,
      );
    });
  }

  /** When the first write after `sinceMs` was acknowledged. */
  firstAfter(sinceMs: number): number | undefined {
    return this.#written.find((atMs) => atMs > sinceMs);
  }

  stop(): void {
    this.#stop();
    this.#redis.disconnect();
  }
}
