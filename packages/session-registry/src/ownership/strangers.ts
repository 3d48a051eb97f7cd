// Edges of another layout beside this one, if they were there before it (SPEC, *Edges of two versions*). Keeps what readings of the leases show.
//
// T1. Who is here before this edge's own lease is in Redis was here before, or came at the same time: of two that begin together at least one sees
//     the other. Who comes later is held back by itself, and must not make those leave that serve.
// T2. They are known by name, not by incarnation: an edge that lost its lease goes on under another.
// T3. One is gone when a reading of its partition does not show it for a lease's term: so long may pass between its old lease and the next.

import { layout } from "../lease-value.ts";
import type { Partition } from "../partition.ts";
import type { LeaseEntry } from "../store-port.ts";
import type { Time } from "../time.ts";

interface Seen {
  readonly atMs: number;
  readonly partition: Partition;
}

const none: readonly string[] = [];

/** See the head of this file. */
export class Strangers {
  readonly #termMs: number;
  readonly #time: Pick<Time, "monotonicMs">;
  readonly #seen = new Map<string, Seen>();
  /** Read since this edge has a lease (T1). */
  readonly #settled = new Set<Partition>();

  constructor(termMs: number, time: Pick<Time, "monotonicMs">) {
    this.#termMs = termMs;
    this.#time = time;
  }

  /** A successful reading of a partition's leases. `hadLease`: this edge had one when it was sent. */
  look(partition: Partition, entries: readonly LeaseEntry[], hadLease: boolean): void {
    const atMs = this.#time.monotonicMs();
    for (const { state } of entries) {
      if (state.kind !== "alive" || (state.layout ?? layout) === layout) continue;
      if (!this.#settled.has(partition) || this.#seen.has(state.edge))
        this.#seen.set(state.edge, { atMs, partition }); // T1, T2
    }
    if (hadLease) this.#settled.add(partition);
    for (const [edge, seen] of this.#seen)
      if (seen.partition === partition && atMs - seen.atMs > this.#termMs) this.#seen.delete(edge); // T3
  }

  /** Their names. */
  get names(): readonly string[] {
    return this.#seen.size === 0 ? none : [...this.#seen.keys()];
  }
}
