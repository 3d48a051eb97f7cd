// Where a command for an identity has to go: asks the registry, then looks at the own sockets. No state.
//
// L1. The registry is asked for every command, also when a socket is here: one that was superseded elsewhere must not
//     get commands (R1).
// L2. A socket is `verified` only if the registry named exactly it and the lease is valid now; everything else that is
//     served here is `unverified` (R8).
// L3. The row is a hint, the socket is the authority (R5): a row that is missing does not make a socket disappear.

import { isCandidate, type IdentityKey } from "@cpg/ocpp";
import { RegistryError, type Ownership, type SessionRow, type Time } from "@cpg/session-registry";
import type { LiveSession, SessionTable } from "../session-port.ts";
import { within } from "../within.ts";
import type { Verification } from "./outcomes.ts";

/** Retry-After where the registry gives none: the order of a reconnect and of a breaker's half-open probe. */
export const registryRetryAfterMs = 1000;

/** Where the charge point is. */
export type Located =
  | { readonly kind: "here"; readonly session: LiveSession; readonly ownership: Verification }
  | { readonly kind: "there"; readonly row: SessionRow }
  /** The row says that it is ours, and no socket is: the row is wrong or its release is on the way. */
  | { readonly kind: "ghost"; readonly row: SessionRow }
  | { readonly kind: "absent" }
  | { readonly kind: "away"; readonly retryAfterMs: number };

/** What locating needs. */
export interface LocatePorts {
  readonly ownership: Pick<Ownership, "lookup" | "isLeaseValid">;
  readonly sessions: Pick<SessionTable, "byKey" | "find">;
  readonly time: Time;
}

/** Finds the charge point within `limitMs`. Never rejects. */
export async function locate(
  ports: LocatePorts,
  keys: readonly IdentityKey[],
  limitMs: number,
): Promise<Located> {
  const asked = await within(ports.time, limitMs, () => ports.ownership.lookup(keys, limitMs)); // L1
  if (asked.kind !== "value") {
    const session = sessionOf(ports.sessions, keys);
    if (session !== undefined) return { kind: "here", session, ownership: "unverified" };
    return { kind: "away", retryAfterMs: retryAfterOf(asked.kind === "error" ? asked.error : undefined) };
  }
  if (asked.value.kind === "absent") {
    const session = sessionOf(ports.sessions, keys); // L3: its claim is owed, or a failover lost the row
    return session === undefined ? { kind: "absent" } : { kind: "here", session, ownership: "unverified" };
  }
  return placeOf(ports, asked.value.row, asked.value.isOwn);
}

/** Where a row that was just read leads. */
export function placeOf(ports: LocatePorts, row: SessionRow, isOwn: boolean): Located {
  // A row of an earlier incarnation of this edge may name a socket that is still here: it is being claimed again.
  const isHere = isOwn || ports.sessions.find(row.key, row.connection) !== undefined;
  if (!isHere) return { kind: "there", row };
  const session = ports.sessions.byKey(row.key);
  if (session === undefined) return { kind: "ghost", row };
  const isConfirmed = isOwn && session.connection === row.connection && ports.ownership.isLeaseValid();
  return { kind: "here", session, ownership: isConfirmed ? "verified" : "unverified" }; // L2
}

/** How long to wait before asking again, from whatever the registry threw, ms. */
export function retryAfterOf(error: unknown): number {
  return error instanceof RegistryError ? (error.retryAfterMs ?? registryRetryAfterMs) : registryRetryAfterMs;
}

/** The own socket of the station that `keys` (identityKeyCandidates) were made for: of two, as after a change from 1.6 to 2.x, the newer. */
export function sessionOf(
  sessions: Pick<SessionTable, "byKey">,
  keys: readonly IdentityKey[],
): LiveSession | undefined {
  let newest: LiveSession | undefined;
  for (const [at, key] of keys.entries()) {
    const session = sessions.byKey(key);
    if (session === undefined || !isCandidate(at, session.version)) continue;
    if (newest === undefined || session.authenticatedAtMs > newest.authenticatedAtMs) newest = session;
  }
  return newest;
}
