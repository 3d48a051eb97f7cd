// Judges which incarnations are dead, by what one reader sees. Pure but for what it remembers.
//
// D1. Dead is whose lease did not change during `termMs` of successful reads. Time in which reads failed, or this process
//     stood still, counts for nobody's death: an outage of Redis kills no edge.
// D2. A failed read begins every count of that partition anew: after an outage each holder gets a full term to renew.
// D3. A tombstone is for ever.

import type { Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import type { LeaseEntry } from "../store-port.ts";

interface Watched {
  value: string;
  stillMs: number;
}

interface Reading {
  readAtMs: number;
  watched: Map<Incarnation, Watched>;
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
    const stepMs = before ? Math.min(nowMs - before.readAtMs, this.#maxStepMs) : 0;
    const watched = new Map<Incarnation, Watched>();
    const dead: LeaseEntry[] = [];
    for (const entry of entries) {
      if (entry.state.kind === "dead") continue; // D3
      const known = before?.watched.get(entry.incarnation);
      const stillMs = known?.value === entry.value ? known.stillMs + stepMs : 0;
      watched.set(entry.incarnation, { value: entry.value, stillMs });
      if (stillMs >= this.#termMs) dead.push(entry);
    }
    this.#readings.set(partition, { readAtMs: nowMs, watched });
    return dead;
  }

  /** A read failed (D2). */
  missed(partition: Partition): void {
    this.#readings.delete(partition);
  }

  /** How long this reader has seen the lease unchanged, ms; 0 for one it does not know. */
  ageMs(partition: Partition, incarnation: Incarnation): number {
    return this.#readings.get(partition)?.watched.get(incarnation)?.stillMs ?? 0;
  }
}
