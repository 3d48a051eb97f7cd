// Every claim this edge has made or owes, by partition and connection. No I/O.

import type { ConnectionId, EndCause, Epoch, Incarnation } from "../model.ts";
import type { NewSession } from "../ownership-port.ts";
import { partitions, type Partition } from "../partition.ts";
import { next, type Happening, type Phase } from "./entry.ts";

/** Who took an identity over. */
export interface Successor {
  readonly edge: string;
  readonly epoch: Epoch;
}

/** One socket's claim. */
export interface Entry {
  readonly session: NewSession;
  readonly partition: Partition;
  phase: Phase;
  /** False once it was dropped; set by the book, asked far more often than its map could be. */
  isHeld: boolean;
  /** Made at the first attempt, the same in every later one. */
  stampUs: number | undefined;
  /** Of the last grant; set by Book.grant. */
  epoch: Epoch | undefined;
  /** Under which incarnation it was last sent. */
  incarnation: Incarnation | undefined;
  /** An attempt is under way, or may have been, or may yet be carried out without our knowing: ending it needs a tombstone (R4). */
  isUnsettled: boolean;
  /** An eviction that came while a claim was unanswered: the answer's epoch decides (R6). */
  eviction: Successor | undefined;
  cause: EndCause;
}

/** The entries, with counts of what is owed. */
export class Book {
  readonly #byPartition: readonly Map<ConnectionId, Entry>[] = partitions.map(() => new Map());
  #held = 0;
  #leaving = 0;
  #unregistered = 0;

  add(session: NewSession, partition: Partition): Entry {
    const entry: Entry = {
      session,
      partition,
      phase: "wanted",
      isHeld: true,
      stampUs: undefined,
      epoch: undefined,
      incarnation: undefined,
      isUnsettled: false,
      eviction: undefined,
      cause: "closed",
    };
    this.#byPartition[partition]?.set(session.connection, entry);
    this.#held++;
    this.#unregistered++;
    return entry;
  }

  get(partition: Partition, connection: ConnectionId): Entry | undefined {
    return this.#byPartition[partition]?.get(connection);
  }

  /** The entries of one partition, oldest first. */
  of(partition: Partition): Iterable<Entry> {
    return this.#byPartition[partition]?.values() ?? [];
  }

  /** Moves an entry through the table of entry.ts; true if it moved. */
  move(entry: Entry, happening: Happening): boolean {
    const to = next(entry.phase, happening);
    if (to === entry.phase || !entry.isHeld) return false;
    if (to === "forgotten") {
      this.drop(entry);
    } else {
      this.#count(entry, -1);
      entry.phase = to;
      this.#count(entry, 1);
    }
    return true;
  }

  /** Notes the epoch of a grant. */
  grant(entry: Entry, epoch: Epoch): void {
    this.#count(entry, -1);
    entry.epoch = epoch;
    this.#count(entry, 1);
  }

  /** Drops an entry, whatever Redis knows of it. */
  drop(entry: Entry): void {
    if (!entry.isHeld) return;
    entry.isHeld = false;
    this.#byPartition[entry.partition]?.delete(entry.session.connection);
    this.#held--;
    this.#count(entry, -1);
  }

  /** Releases that Redis has not confirmed. */
  get leaving(): number {
    return this.#leaving;
  }

  /** Live sockets that were never granted. What is only asserted again was confirmed once and does not count. */
  get unregistered(): number {
    return this.#unregistered;
  }

  /** Claims and releases that Redis has not confirmed. */
  get owed(): number {
    return this.#unregistered + this.#leaving;
  }

  /** Live sockets: all but the leaving. */
  get sessions(): number {
    return this.#held - this.#leaving;
  }

  *[Symbol.iterator](): IterableIterator<Entry> {
    for (const partition of partitions) yield* this.of(partition);
  }

  #count(entry: Entry, by: 1 | -1): void {
    if (entry.phase === "leaving") this.#leaving += by;
    else if (entry.epoch === undefined) this.#unregistered += by;
  }
}

/** The oldest `count` of a set, of those that are wanted. */
export function first(
  entries: ReadonlySet<Entry>,
  count: number,
  isWanted: (entry: Entry) => boolean = () => true,
): Entry[] {
  const chosen: Entry[] = [];
  for (const entry of entries) {
    if (chosen.length >= count) break;
    if (isWanted(entry)) chosen.push(entry);
  }
  return chosen;
}
