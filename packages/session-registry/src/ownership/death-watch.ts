// Judges which incarnations are dead, by what one reader sees. Pure but for what it remembers.
//
// D1. Dead is whose lease did not change during `termMs` of successful reads. Time in which reads failed, or this process
//     stood still, counts for nobody's death: an outage of Redis kills no edge.
// D2. A failed read begins every count of that partition anew: after an outage each holder gets a full term to renew.
// D3. A tombstone is for ever.
// D4. The age of a lease is another matter: since this reader last saw it change, failed reads or not. At its first reading of a partition
//     it cannot tell how long ago that was.

import type { Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import type { LeaseEntry } from "../store-port.ts";

interface Watched {
  readonly value: string;
  /** Seen unchanged in successful reads (D1, D2). */
  readonly stillMs: number;
  /** Own monotonic moment (D4). */
  readonly changedAtMs: number;
}

interface Reading {
  /** Undefined: a read has failed since. */
  readonly readAtMs: number | undefined;
  readonly watched: ReadonlyMap<Incarnation, Watched>;
}

/** One reader's view of all leases. */
export class DeathWatch {
  readonly #termMs: number;
  readonly #maxStepMs: number;
  readonly #readings = new Map<Partition, Reading>();

  /** `pollMs`: time between reads; no step counts for more than twice that (D1). */
  constructor(termMs: number, pollMs: number) {
    this.#termMs = termMs;
    this.#maxStepMs = 2 * pollMs;
  }

  /** A successful read at own monotonic `nowMs`. Returns the leases that are now to be buried. */
  observe(partition: Partition, entries: readonly LeaseEntry[], nowMs: number): readonly LeaseEntry[] {
    const before = this.#readings.get(partition);
    const dead: LeaseEntry[] = [];
    const watched = new Map<Incarnation, Watched>();
    for (const entry of entries) {
      if (entry.state.kind === "dead") continue; // D3
      const seen = this.#watch(entry, before, nowMs);
      watched.set(entry.incarnation, seen);
      if (seen.stillMs >= this.#termMs) dead.push(entry);
    }
    this.#readings.set(partition, { readAtMs: nowMs, watched });
    return dead;
  }

  #watch({ incarnation, value }: LeaseEntry, before: Reading | undefined, nowMs: number): Watched {
    if (!before) return { value, stillMs: 0, changedAtMs: Number.NEGATIVE_INFINITY };
    const known = before.watched.get(incarnation);
    if (known?.value !== value) return { value, stillMs: 0, changedAtMs: nowMs };
    if (before.readAtMs === undefined) return { ...known, stillMs: 0 }; // D2
    return { ...known, stillMs: known.stillMs + Math.min(nowMs - before.readAtMs, this.#maxStepMs) };
  }

  /** A read failed (D2). */
  missed(partition: Partition): void {
    const before = this.#readings.get(partition);
    if (before) this.#readings.set(partition, { ...before, readAtMs: undefined });
  }

  /** How long ago, at own monotonic `nowMs`, this reader saw the lease change, ms; Infinity: never (D4). */
  ageMs(partition: Partition, incarnation: Incarnation, nowMs: number): number {
    const changedAtMs = this.#readings.get(partition)?.watched.get(incarnation)?.changedAtMs;
    return nowMs - (changedAtMs ?? Number.NEGATIVE_INFINITY);
  }
}
