// Who is registered, asked of Redis itself and not of the edges. I/O: Redis. Reads only.
//
// Q1. While waiting, the index of each incarnation is counted (64 ZCARDs, cheap); the index may hold a stale name.
// Q2. At the end the rows themselves are read: a station is registered when its row names a living incarnation.

import { Keyspace, partitions, type Incarnation } from "@cpg/session-registry";
import type { Cluster } from "ioredis";

import { keysOf, ownCluster } from "./redis.ts";

/** A reader of one gateway's rows. */
export class Registered {
  readonly #redis: Cluster;
  readonly #prefix: string;
  readonly #keys: Keyspace;

  constructor(addresses: readonly { readonly host: string; readonly port: number }[], prefix: string) {
    this.#redis = ownCluster(addresses);
    this.#prefix = prefix;
    this.#keys = new Keyspace(prefix);
  }

  /** Sessions in the indexes of these incarnations (Q1). */
  async indexed(incarnations: readonly string[]): Promise<number> {
    const counts = incarnations.flatMap((incarnation) =>
      partitions.map((partition) =>
        this.#redis.zcard(this.#keys.index(partition, incarnation as Incarnation)),
      ),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Rows that name one of these incarnations (Q2). */
  async rows(incarnations: readonly string[]): Promise<number> {
    const living = new Set(incarnations);
    let found = 0;
    for await (const { node, keys } of keysOf(this.#redis, `${this.#prefix}*:cp:*`)) {
      const owners = await Promise.all(keys.map((key) => node.hget(key, "inc")));
      found += owners.filter((owner) => owner !== null && living.has(owner)).length;
    }
    return found;
  }

  close(): void {
    this.#redis.disconnect();
  }
}
