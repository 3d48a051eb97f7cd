// The sockets of this edge, by identity and by connection. No I/O.
//
// T1. `byKey` is the newest socket of an identity; an older one that is still closing never comes back.

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId } from "@cpg/session-registry";
import type { LiveSession, SessionTable } from "./session-port.ts";

/** A table that its owner changes. */
export class Sessions<S extends LiveSession = LiveSession> implements SessionTable {
  readonly #byConnection = new Map<ConnectionId, S>();
  readonly #byKey = new Map<IdentityKey, S>();

  get size(): number {
    return this.#byConnection.size;
  }

  byKey(key: IdentityKey): S | undefined {
    return this.#byKey.get(key);
  }

  byConnection(connection: ConnectionId): S | undefined {
    return this.#byConnection.get(connection);
  }

  [Symbol.iterator](): Iterator<S> & Iterable<S> {
    return this.#byConnection.values();
  }

  /** Adds a session; returns the one of the same identity that it replaces (T1). */
  add(session: S): S | undefined {
    const older = this.#byKey.get(session.key);
    this.#byConnection.set(session.connection, session);
    this.#byKey.set(session.key, session);
    return older;
  }

  remove(session: S): void {
    this.#byConnection.delete(session.connection);
    if (this.#byKey.get(session.key) === session) this.#byKey.delete(session.key); // T1
  }
}
