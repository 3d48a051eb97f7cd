// What the scripts and commands answer, read into the store's words. Pure.
//
// Q1. Nothing that Redis holds is trusted: a row of another version, a half-written or foreign one is "bad", never an exception.

import type { Identity, IdentityKey, OcppVersion } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { ConnectionId, EndCause, Incarnation, LifecycleEvent } from "../model.ts";
import type {
  Claim,
  ClaimOutcome,
  ClaimReply,
  HandOverReply,
  InboxEntry,
  RowReading,
  Told,
} from "../store-port.ts";

/** Version of the row's format. A row of another one is bad to this code (Q1). */
export const rowFormat = "1";

/** Fields of a row in the order `readRow` wants them. */
export const rowFields = ["v", "epoch", "inc", "conn", "stamp", "edge", "id", "ver", "ip"] as const;

const versions = new Set<string>(["1.6", "2.0.1", "2.1"]);

/** HMGET of `rowFields`. */
export function readRow(key: IdentityKey, fields: readonly (string | null)[]): RowReading {
  const [v, epoch, incarnation, connection, stamp, edge, identity, version, remote] = fields;
  if (fields.every((field) => field === null)) return { kind: "absent" };
  if (v !== rowFormat) return { kind: "bad", reason: v ? "otherFormat" : "noFormat" };
  const numbers = [Number(epoch || Number.NaN), Number(stamp || Number.NaN)] as const; // Number("") is 0
  if (!Number.isSafeInteger(numbers[0]) || numbers[0] < 1 || !Number.isFinite(numbers[1])) {
    return { kind: "bad", reason: "badNumber" };
  }
  if (!incarnation || !connection || !edge || !identity || !version || !versions.has(version)) {
    return { kind: "bad", reason: "missingField" };
  }
  return {
    kind: "found",
    row: {
      key,
      identity: identity as Identity,
      edge,
      incarnation: incarnation as Incarnation,
      connection: connection as ConnectionId,
      epoch: numbers[0],
      stampUs: numbers[1],
      version: version as OcppVersion,
      remote: remote ?? "",
    },
  };
}

/** One claim as claim-n.lua reads it. No line has a break in it (@cpg/ocpp I2, `checkWord`), whatever the last one holds. */
export const claimText = ({ connection, stampUs, version, identity, remote }: Claim): string =>
  `${connection}\n${String(stampUs)}\n${version}\n${identity}\n${remote}`;

type RawClaimReply = readonly [number, number, ...(number | string)[]];

/** A reply of claim-n.lua: what became of the claims, how many bad rows it met, how many edges it told to close a socket. */
export interface ReadClaims {
  readonly reply: ClaimReply;
  readonly badRows: number;
  readonly evictions: number;
}

/** Reads it. */
export function readClaimReply(raw: unknown): ReadClaims {
  const [, badRows, ...answers] = raw as RawClaimReply;
  if (badRows < 0) return { reply: { kind: "fenced" }, badRows: 0, evictions: 0 };
  let evictions = 0;
  const outcomes = answers.map((answer): ClaimOutcome => {
    if (typeof answer === "number") return { kind: "granted", epoch: answer };
    const [kind, epochText, ...edge] = answer.split(" ");
    if (kind === "undone") return { kind };
    const epoch = Number(epochText);
    if (kind === "superseded") return { kind, by: { edge: edge.join(" "), epoch } };
    evictions++;
    return { kind: "granted", epoch };
  });
  return { reply: { kind: "answered", outcomes }, badRows, evictions };
}

/**
 * Reply of post-2.lua. With an unanswered attempt before it (`hasStray`), "not delivered" is not certain: that attempt may have
 * brought the message before the receiver was fenced or its inbox full, and who was told otherwise would send it again (R11).
 * Errors: UNAVAILABLE with an unknown outcome then; DEADLINE for a message that came too late.
 */
export function readPostReply(raw: unknown, hasStray: boolean): "delivered" | "dead" | "full" {
  if (raw === 1) return "delivered";
  if (hasStray) throw mayBeDelivered();
  if (raw === -3) throw tooLate();
  return raw === 0 ? "dead" : "full";
}

const mayBeDelivered = (): RegistryError =>
  new RegistryError(
    "UNAVAILABLE",
    "an earlier attempt was not answered: the message may have been delivered",
    { retryable: false, isOutcomeUnknown: true },
  );

/** By the shard's clock the sender has given up: nothing was delivered (deliver.lua). */
const tooLate = (): RegistryError =>
  new RegistryError("DEADLINE", "the message came to Redis too late and was not delivered", {
    retryable: true,
    isOutcomeUnknown: false,
  });

type RawHandOver = [number, 0 | 1 | 2 | -1 | -2 | -3, number, number?, ...string[]];

const handOvers = new Map<number, "delivered" | "own" | "full" | "dead">([
  [1, "delivered"],
  [2, "own"],
  [-1, "full"],
  [-2, "dead"],
]);

/** Reply of hand-over-n.lua. No attempt of unknown outcome went before it (Lane.callOnce). Errors: DEADLINE as with readPostReply. */
export function readHandOverReply(
  raw: unknown,
  keys: readonly IdentityKey[],
): { readonly reply: HandOverReply; readonly badRows: number } {
  const [, outcome, badRows, which = 0, ...fields] = raw as RawHandOver;
  if (outcome === -3) throw tooLate();
  const [kind, key] = [handOvers.get(outcome), keys[which - 1]];
  const reading = key === undefined ? undefined : readRow(key, fields);
  if (kind === undefined || reading?.kind !== "found") return { reply: { kind: "absent" }, badRows };
  return { reply: { kind, row: reading.row }, badRows };
}

/** Entries of XREAD or XRANGE. */
export function readEntries(raw: readonly (readonly [string, readonly string[]])[]): InboxEntry[] {
  return raw.map(([id, flat]) => {
    const fields: Record<string, string> = {};
    for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ""] = flat[i + 1] ?? "";
    return { id, fields };
  });
}

/** What is said over a channel, by hand-over-n.lua too. */
export const writeTold = ({ message, atUs }: Told): string => `${Math.round(atUs)}\n${message}`;

/** Reads it; undefined for a mere wake-up, or for what this version does not understand: the inbox is read then. */
export function readTold(text: string): Told | undefined {
  const end = text.indexOf("\n");
  const atUs = end > 0 ? Number(text.slice(0, end)) : Number.NaN;
  return Number.isSafeInteger(atUs) ? { message: text.slice(end + 1), atUs } : undefined;
}

/** One entry of the lifecycle stream. */
export function readEvent(entry: InboxEntry): LifecycleEvent {
  const f = entry.fields;
  return {
    id: f["id"] ?? "",
    kind: f["kind"] === "connected" ? "connected" : "disconnected",
    identity: (f["identity"] ?? "") as Identity,
    epoch: Number(f["epoch"]),
    edge: f["edge"] ?? "",
    cause: (f["cause"] ?? "") as EndCause | "",
    atMs: Number(f["at"]),
  };
}
