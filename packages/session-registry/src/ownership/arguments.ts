// Checks what callers pass in, so that nothing unvalidated reaches a key (R10) and no wrong number a timer. Pure.
// Every fault is a RegistryError INVALID whose message says what to pass instead.

import { asIdentity, type IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { NewSession, PeerContent, PeerMessage, Unsigned } from "../ownership-port.ts";
import { partitionOf } from "../partition.ts";
import type { SessionRow } from "../model.ts";
import type { OwnershipSettings } from "./settings.ts";

/** Ids of connections, incarnations and messages: words that can stand in a key, a channel and a log line. */
const word = /^[\x21-\x7e]{2,512}$/;

const invalid = (what: string, advice: string): RegistryError =>
  new RegistryError("INVALID", `${what}: ${advice}`, { retryable: false });

/** How long to wait, ms. `name` is the argument's. */
export function checkDeadline(name: string, ms: number): void {
  if (!(ms > 0) || ms > 0x7fff_ffff) {
    throw invalid(`${name} is ${ms}`, "pass the milliseconds to wait, more than 0 and less than 2^31");
  }
}

/** R10. */
export function checkKey(key: IdentityKey): void {
  const parsed = typeof key === "string" ? asIdentity(key) : { ok: false as const, fault: typeof key };
  if (!parsed.ok)
    throw invalid(`identity key (${parsed.fault})`, "pass what identityKey() of @cpg/ocpp returned");
}

/** An id. Two characters at least: "-" stands for nobody. */
export function checkWord(name: string, text: string): void {
  if (typeof text !== "string" || !word.test(text)) {
    throw invalid(`${name} ${JSON.stringify(text)}`, "pass 2 to 512 visible ASCII characters without spaces");
  }
}

/** What a claim is made of. */
export function checkSession(session: NewSession): void {
  checkKey(session.key);
  if ((session.identity as string) !== session.key) checkKey(session.identity as string as IdentityKey);
  checkWord("connection", session.connection);
  if (!Number.isFinite(session.authenticatedAtMs))
    throw invalid(
      `authenticatedAtMs is ${session.authenticatedAtMs}`,
      "pass Time.monotonicMs() of the login",
    );
}

/** A row that was looked up. */
export function checkRow(row: SessionRow): void {
  checkKey(row.key);
  checkWord("incarnation", row.incarnation);
  checkWord("connection", row.connection);
  if (!Number.isSafeInteger(row.epoch) || row.epoch < 1)
    throw invalid(`epoch is ${row.epoch}`, "pass the row as lookup returned it");
}

/** A message to another edge. */
export function checkMessage(to: string, message: Unsigned<PeerMessage>): void {
  checkWord("receiver", to);
  checkWord("message id", message.id);
  checkWord("connection", message.connection);
  checkKey(message.key);
}

/** A message to whoever owns the charge point of `keys`, which must be those of one identity. */
export function checkContent(keys: readonly IdentityKey[], { id }: PeerContent): void {
  keys.forEach(checkKey);
  checkWord("message id", id);
  if (new Set(keys.map(partitionOf)).size !== 1)
    throw invalid(
      `${keys.length} keys of different charge points`,
      "pass what identityKeyCandidates() of @cpg/ocpp returned",
    );
}

/** A page's length. */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw invalid(`limit is ${limit}`, "pass a whole number from 1 to 10000");
}

/** What would make the registry silently wrong; bounds of single settings are @cpg/config's business. */
export function checkSettings(settings: OwnershipSettings): void {
  const { edge, leaseMs, leaseRenewMs, leasePollMs } = settings;
  checkWord("edge", `${edge}.`); // as it begins the name of an incarnation
  if (!(leaseMs > 2 * leasePollMs + leaseRenewMs)) {
    throw invalid(
      `registry.leaseMs is ${leaseMs}`,
      `more than two polls and a renewal (${2 * leasePollMs + leaseRenewMs} ms), or a live edge loses its lease between two renewals`,
    );
  }
}
