// What an edge stored in the streams of one integration, counted and taken out as by a consumer. I/O: Redis.

import type { Cluster } from "ioredis";

import { keysOf, ownCluster } from "./redis.ts";

/** The partitions of one stream. */
export class StoredEntries {
  readonly #redis: Cluster;
  readonly #pattern: string;

  constructor(
    addresses: readonly { readonly host: string; readonly port: number }[],
    keyPrefix: string,
    integration: string,
  ) {
    this.#redis = ownCluster(addresses);
    this.#pattern = `${keyPrefix}{s*}:calls:${integration}`;
  }

  /** How many entries there are, which are gone then. While nobody sends: what comes between would be lost uncounted. */
  async take(): Promise<number> {
    let entries = 0;
    for await (const { node, keys } of keysOf(this.#redis, this.#pattern)) {
      const trimmed = await Promise.all(keys.map((key) => node.xtrim(key, "MAXLEN", 0)));
      entries += trimmed.reduce((sum, count) => sum + count, 0);
    }
    return entries;
  }

  stop(): Promise<void> {
    this.#redis.disconnect();
    return Promise.resolve();
  }
}
