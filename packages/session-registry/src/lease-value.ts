// A lease as text, the same in every store: pure. `alive <counter> <sessions> <draining> <edge>` or `dead <ms>`.

import type { Incarnation } from "./model.ts";
import type { LeaseEntry, LeaseRenewal } from "./store-port.ts";

/** Text of a live lease. */
export function leaseValue(renewal: LeaseRenewal): string {
  return `alive ${renewal.counter} ${renewal.sessions} ${renewal.isDraining ? 1 : 0} ${renewal.edge}`;
}

/** Text of a tombstone. */
export function tombstoneValue(atMs: number): string {
  return `dead ${atMs}`;
}

/** One field of a leases hash. What cannot be read is a live lease that never changes, so it is judged dead in time like any other. */
export function readLease(incarnation: string, value: string): LeaseEntry {
  const [word, first, second, third, ...edge] = value.split(" ");
  const state: LeaseEntry["state"] =
    word === "dead"
      ? { kind: "dead", atMs: Number(first) || 0 }
      : { kind: "alive", edge: edge.join(" "), sessions: Number(second) || 0, isDraining: third === "1" };
  return { incarnation: incarnation as Incarnation, value, state };
}
