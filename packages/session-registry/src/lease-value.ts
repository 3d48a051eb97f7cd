// A lease as text, the same in every store: pure. `alive <counter> <sessions> <draining> <edge>` or `dead <ms>`.

import type { Incarnation } from "./model.ts";
import type { LeaseEntry, LeaseRenewal } from "./store-port.ts";

/**
 * Number of all that edges must agree on to find each other's charge points: partitions, names of keys, rows, indexes, inboxes, messages
 * (SPEC, *Edges of two versions*). The leases of another one begin with `alive@<number>`, and whoever comes among such does not get ready.
 */
export const layout = 1;

/** Text of a live lease. */
export function leaseValue(renewal: LeaseRenewal): string {
  return `alive ${renewal.counter} ${renewal.sessions} ${renewal.isDraining ? 1 : 0} ${renewal.edge}`;
}

/** Text of a tombstone. */
export function tombstoneValue(atMs: number): string {
  return `dead ${atMs}`;
}

/**
 * One field of a leases hash. What cannot be read is a live lease that never changes, so it is judged dead in time like any other. A tombstone
 * whose date cannot be read has none (NaN): it is never too old, so whoever lies under it is ended and not forgotten.
 */
export function readLease(incarnation: string, value: string): LeaseEntry {
  const [word = "", first, second, third, ...edge] = value.split(" ");
  const state: LeaseEntry["state"] =
    word === "dead"
      ? { kind: "dead", atMs: first ? Number(first) : Number.NaN }
      : {
          kind: "alive",
          edge: edge.join(" ") || incarnation, // of one that cannot be read: a person must be told which
          sessions: Number(second) || 0,
          isDraining: third === "1",
          layout: layoutOf(word),
        };
  return { incarnation: incarnation as Incarnation, value, state };
}

function layoutOf(word: string): number | undefined {
  if (word === "alive") return layout;
  const [, number] = /^alive@(\d+)$/.exec(word) ?? [];
  return number === undefined ? undefined : Number(number);
}
