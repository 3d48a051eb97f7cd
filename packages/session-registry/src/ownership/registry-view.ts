// Reads of the registry that any edge may make: lookups, pages, edges. Holds no state of its own but what was read last.

import { isCandidate, type IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { RegistryMeter } from "../meter.ts";
import type { EdgeRow, Incarnation, SessionRow } from "../model.ts";
import type { LookupResult, SessionPage } from "../ownership-port.ts";
import { leasePartitionOf, partitionCount, type Partition } from "../partition.ts";
import type { LeaseEntry, RegistryStore } from "../store-port.ts";
import type { Time } from "../time.ts";
import type { DeathWatch } from "./death-watch.ts";
import type { Reaper } from "./reaper.ts";

/** What the view reads from. */
export interface ViewContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly watch: DeathWatch;
  readonly reaper: Reaper;
  readonly meter: RegistryMeter;
  readonly callDeadlineMs: number;
  ownIncarnation(): Incarnation;
}

/** Where a page begins: partition, incarnation, and the key after which it goes on. */
type Cursor = readonly [partition: number, incarnation: string, after: string];

/** See the head of this file. */
export class RegistryView {
  readonly #context: ViewContext;
  readonly #leases = new Map<Partition, readonly LeaseEntry[]>();

  constructor(context: ViewContext) {
    this.#context = context;
  }

  /** What was read of a partition's leases. */
  remember(partition: Partition, entries: readonly LeaseEntry[]): void {
    this.#leases.set(partition, entries);
  }

  /** The session of any of `keys` (identityKeyCandidates); of several, the one granted last. A dead owner's is absent (R7). */
  async lookup(keys: readonly IdentityKey[], deadlineMs: number): Promise<LookupResult> {
    const { store, reaper, meter } = this.#context;
    const readings = await Promise.all(keys.map((key) => store.row(key, deadlineMs)));
    let newest: SessionRow | undefined;
    for (const [at, reading] of readings.entries()) {
      if (reading.kind !== "found" || !isCandidate(at, reading.row.version)) continue;
      if (reaper.isDead(reading.row.incarnation)) meter.staleRoute();
      else if (!newest || reading.row.epoch > newest.epoch) newest = reading.row;
    }
    if (!newest) return { kind: "absent" };
    return { kind: "found", row: newest, isOwn: newest.incarnation === this.#context.ownIncarnation() };
  }

  /** Edges whose lease is not known to be dead, by name. */
  edges(): readonly EdgeRow[] {
    const { watch, time } = this.#context;
    const nowMs = time.monotonicMs();
    return this.#live()
      .map(({ incarnation, state }) => ({
        edge: state.edge,
        incarnation,
        sessions: state.sessions,
        isDraining: state.isDraining,
        leaseAgeMs: watch.ageMs(leasePartitionOf(incarnation), incarnation, nowMs),
      }))
      .sort((a, b) => (a.edge < b.edge ? -1 : 1));
  }

  /** Sessions partition by partition, edge by edge, in byte order of their keys. */
  async list(limit: number, cursor: string | undefined): Promise<SessionPage> {
    const { store, callDeadlineMs } = this.#context;
    let [partition, incarnation, after] = cursor === undefined ? ([0, "", ""] as const) : readCursor(cursor);
    const incarnations = this.#live()
      .map((entry) => entry.incarnation)
      .sort();
    const sessions: SessionRow[] = [];
    for (; partition < partitionCount; partition++, incarnation = "", after = "") {
      const page = { limit: limit - sessions.length };
      const owners = incarnations.filter((owner) => owner >= incarnation);
      // All edges of a partition at once: a page over a sparse registry costs 64 round trips, not 64 for each edge.
      const pages = new Map(
        await Promise.all(
          owners.map(async (owner) => {
            const from = { ...page, after: owner === incarnation ? after : "" };
            return [owner, await store.index(partition as Partition, owner, from, callDeadlineMs)] as const;
          }),
        ),
      );
      for (const owner of owners) {
        const missing = limit - sessions.length;
        const keys = (pages.get(owner) ?? []).slice(0, missing);
        const readings = await Promise.all(keys.map((key) => store.row(key, callDeadlineMs)));
        for (const reading of readings) {
          if (reading.kind === "found" && reading.row.incarnation === owner) sessions.push(reading.row);
        }
        const last = keys.at(-1);
        if (keys.length === missing && last !== undefined) {
          return { sessions, cursor: writeCursor([partition, owner, last]) };
        }
      }
    }
    return { sessions };
  }

  #live(): (LeaseEntry & { state: { kind: "alive" } })[] {
    const live = [...this.#leases.values()].flat();
    return live.filter(
      (entry): entry is LeaseEntry & { state: { kind: "alive" } } =>
        entry.state.kind === "alive" && !this.#context.reaper.isDead(entry.incarnation),
    );
  }
}

function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

function readCursor(text: string): Cursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (Array.isArray(value) && value.length === 3) {
      const [partition, incarnation, after] = value as unknown[];
      const isPartition =
        Number.isInteger(partition) && Number(partition) >= 0 && Number(partition) < partitionCount;
      if (isPartition && typeof incarnation === "string" && typeof after === "string") {
        return [Number(partition), incarnation, after];
      }
    }
  } catch {
    // falls through to the error below
  }
  throw new RegistryError("INVALID", "that cursor was not made by this API: begin again without one", {
    retryable: false,
  });
}
