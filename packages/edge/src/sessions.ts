// The sockets of this edge, by identity. No I/O.
//
// T1. `byKey` is the newest socket of an identity; an older one that is still closing never comes back.
// T2. Older ones stand apart: there is nearly never one, so a session costs one place in one table.

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId } from "@cpg/session-registry";
import type { LiveSession, SessionTable } from "./session-port.ts";

/** A table that its owner changes. */
export class Sessions<S extends LiveSession = LiveSession> implements SessionTable {
  readonly #newest = new Map<IdentityKey, S>();
  readonly #older = new Set<S>(); // T2

  get size(): number {
    return this.#newest.size + this.#older.size;
  }

  byKey(key: IdentityKey): S | undefined {
    return this.#newest.get(key);
  }

  find(key: IdentityKey, connection: ConnectionId): S | undefined {
    const newest = this.#newest.get(key);
    if (newest?.connection === connection) return newest;
    for (const session of this.#older) if (session.connection === connection) return session;
    return undefined;
  }

  *[Symbol.iterator](): IterableIterator<S> {
    yield* this.#newest.values();
    yield* this.#older;
  }

  /** Adds a session; returns the one of the same identity that it replaces (T1). */
  add(session: S): S | undefined {
    const older = this.#newest.get(session.key);
    if (older !== undefined) this.#older.add(older);
    this.#newest.set(session.key, session);
    return older;
  }

  remove(session: S): void {
    if (this.#older.delete(session)) return;
    if (this.#newest.get(session.key) === session) this.#newest.delete(session.key); // T1
  }
}
