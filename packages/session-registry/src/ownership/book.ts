// Every claim this edge has made or owes, by connection. No I/O.

import type { ConnectionId, EndCause, Epoch, Incarnation } from "../model.ts";
import type { NewSession } from "../ownership-port.ts";
import { partitionOf, type Partition } from "../partition.ts";
import { next, type Happening, type Phase } from "./entry.ts";

/** One socket's claim. */
export interface Entry {
  readonly session: NewSession;
  readonly partition: Partition;
  phase: Phase;
  /** Made at the first attempt, the same in every later one. */
  stampUs: number | undefined;
  epoch: Epoch | undefined;
  /** Under which incarnation it was last sent. */
  incarnation: Incarnation | undefined;
  /** A call with it was sent and its outcome is not known: releasing it needs a tombstone. */
  isUnsettled: boolean;
  cause: EndCause;
}

/** The entries, with counts of what is owed. */
export class Book {
  readonly #entries = new Map<ConnectionId, Entry>();
  readonly #counts: Record<Phase, number> = { wanted: 0, asked: 0, stale: 0, owned: 0, leaving: 0 };

  add(session: NewSession): Entry {
    const entry: Entry = {
      session,
      partition: partitionOf(session.key),
      phase: "wanted",
      stampUs: undefined,
      epoch: undefined,
      incarnation: undefined,
      isUnsettled: false,
      cause: "closed",
    };
    this.#entries.set(session.connection, entry);
    this.#counts.wanted++;
    return entry;
  }

  get(connection: ConnectionId): Entry | undefined {
    return this.#entries.get(connection);
  }

  /** Moves an entry through the table of entry.ts; true if it moved. */
  move(entry: Entry, happening: Happening): boolean {
    const to = next(entry.phase, happening);
    if (to === entry.phase || this.#entries.get(entry.session.connection) !== entry) return false;
    this.#counts[entry.phase]--;
    if (to === "forgotten") {
      this.#entries.delete(entry.session.connection);
    } else {
      entry.phase = to;
      this.#counts[to]++;
    }
    return true;
  }

  /** Drops an entry of which Redis knows nothing. */
  drop(entry: Entry): void {
    if (this.#entries.delete(entry.session.connection)) this.#counts[entry.phase]--;
  }

  /** How many are in a phase. */
  count(phase: Phase): number {
    return this.#counts[phase];
  }

  /** Claims and releases that Redis has not confirmed. */
  get owed(): number {
    return this.#counts.wanted + this.#counts.asked + this.#counts.stale + this.#counts.leaving;
  }

  /** Live sockets: all but the leaving. */
  get sessions(): number {
    return this.#entries.size - this.#counts.leaving;
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#entries.values();
  }
}
