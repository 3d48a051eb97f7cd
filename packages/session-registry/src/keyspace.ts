// Every key and channel of the registry by name: pure. What each holds stands in SPEC.md, *Keyspace*.

import type { IdentityKey } from "@cpg/ocpp";
import type { Incarnation } from "./model.ts";
import { partitionTags, type Partition } from "./partition.ts";

/** Names of the keys under one prefix (setting `redis.keyPrefix`). */
export class Keyspace {
  readonly #tagged: readonly string[];

  constructor(prefix: string) {
    this.#tagged = partitionTags.map((tag) => `${prefix}{${tag}}:`);
  }

  /** Hash: one charge point's session. */
  row(partition: Partition, key: IdentityKey | ""): string {
    return `${this.#base(partition)}cp:${key}`;
  }

  /** Stream: `connected` and `disconnected` of this partition's charge points. */
  events(partition: Partition): string {
    return `${this.#base(partition)}events`;
  }

  /** Sorted set, all scores 0: identity keys whose row names this incarnation; may hold stale ones, never misses one. */
  index(partition: Partition, incarnation: Incarnation): string {
    return `${this.#base(partition)}of:${incarnation}`;
  }

  /** String: present once this incarnation may claim nothing more here. */
  fence(partition: Partition, incarnation: Incarnation | ""): string {
    return `${this.#base(partition)}fence:${incarnation}`;
  }

  /** Sorted set of undone connection ids; the score is the µs at which each may be forgotten. */
  undone(partition: Partition, incarnation: Incarnation): string {
    return `${this.#base(partition)}undone:${incarnation}`;
  }

  /** Stream: evictions, commands and replies for one incarnation. */
  inbox(partition: Partition, incarnation: Incarnation | ""): string {
    return `${this.#base(partition)}inbox:${incarnation}`;
  }

  /** Sharded channel that says "look into that inbox". */
  wake(partition: Partition, incarnation: Incarnation | ""): string {
    return `${this.#base(partition)}wake:${incarnation}`;
  }

  /** Hash: the leases of the incarnations that hash to this partition. */
  leases(partition: Partition): string {
    return `${this.#base(partition)}leases`;
  }

  #base(partition: Partition): string {
    return this.#tagged[partition] ?? "";
  }
}
