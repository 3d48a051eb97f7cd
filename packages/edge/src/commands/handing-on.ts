// The way of one command or close to the charge point: locate, hand on, and once again when the row was wrong.
//
// H1. Handed on at most twice, and the second time only after the certainty that the first did nothing and never will:
//     the owner said "not mine" (and remembers that: O1), or its incarnation was dead (R5, R11).
// H2. Nothing is begun after the deadline.
// H3. Where a socket is here, the registry is asked first whose it is (locate.ts, L1). Where none is, the message goes straight to whoever
//     the registry names, which is asked and written in one step: a way to Redis and back less for every command across edges.
// H4. The look-up gets half of the time that is left at most: a registry that hangs leaves the charge point the other half (R8).

import type { IdentityKey } from "@cpg/ocpp";
import type { Ownership, SessionRow } from "@cpg/session-registry";
import type { Span } from "@cpg/telemetry";
import type { LiveSession } from "../session-port.ts";
import { endLookupSpan } from "../spans.ts";
import { within } from "../within.ts";
import { end, noAnswer, type Step } from "./ends.ts";
import type { CommandLimits } from "./limits.ts";
import { locate, placeOf, sessionOf, type Located, type LocatePorts } from "./locate.ts";
import type { CommandMeter, CommandOutcome, Verification } from "./outcomes.ts";

/** What to do where the charge point is; both get the time that is left, ms. Neither rejects. */
export interface Hands<T> {
  /** Where it is traced: the way there becomes its parts. */
  readonly span: Span | undefined;
  here(session: LiveSession, ownership: Verification, leftMs: number): Promise<T>;
  /** To the owner whose row was read, or to the one that the registry finds by these keys. */
  there(to: SessionRow | readonly IdentityKey[], leftMs: number): Promise<Step<T>>;
}

/** What handing on needs besides locating. */
export interface HandingPorts extends LocatePorts {
  readonly ownership: Pick<Ownership, "lookup" | "isLeaseValid" | "purge">;
  readonly meter: CommandMeter;
  readonly limits: Pick<CommandLimits, "lookupMs">;
}

type NotReached = Extract<CommandOutcome, { kind: "offline" | "registryAway" | "noAnswer" }>;

const maxHandings = 2; // H1

/** Brings it to the charge point within `limitMs`. Never rejects. */
export async function handOn<T>(
  ports: HandingPorts,
  keys: readonly IdentityKey[],
  limitMs: number,
  hands: Hands<T>,
): Promise<T | NotReached> {
  const deadlineAtMs = ports.time.monotonicMs() + limitMs;
  const leftMs = (): number => deadlineAtMs - ports.time.monotonicMs();
  for (let handing = 1; handing <= maxHandings; handing += 1) {
    if (handing > 1) ports.meter.peer("relookup");
    const step = await handOnce(ports, keys, leftMs, hands);
    if (step.kind === "end") return step.outcome;
    if (step.row !== undefined) await purge(ports, step.row, Math.min(ports.limits.lookupMs, leftMs()));
    if (leftMs() <= 0) return noAnswer("notSent"); // H2: every handing-on so far did nothing
  }
  return { kind: "offline" };
}

type Handed<T> = Exclude<Step<T | NotReached>, { kind: "own" }>;

async function handOnce<T>(
  ports: HandingPorts,
  keys: readonly IdentityKey[],
  leftMs: () => number,
  hands: Hands<T>,
): Promise<Handed<T>> {
  // H3
  if (sessionOf(ports.sessions, keys) === undefined) {
    const step = await hands.there(keys, leftMs());
    if (step.kind !== "own") return step;
    return goTo(placeOf(ports, step.row, true), leftMs, hands);
  }
  const lookup = hands.span?.child("registry lookup", "client");
  const place = await locate(ports, keys, Math.min(ports.limits.lookupMs, leftMs() / 2)); // H4
  endLookupSpan(lookup, place);
  return goTo(place, leftMs, hands);
}

async function goTo<T>(place: Located, leftMs: () => number, hands: Hands<T>): Promise<Handed<T>> {
  if (leftMs() <= 0) return end(noAnswer("notSent")); // H2
  switch (place.kind) {
    case "here":
      return end(await hands.here(place.session, place.ownership, leftMs()));
    case "absent":
      return end({ kind: "offline" });
    case "away":
      return end({ kind: "registryAway", retryAfterMs: place.retryAfterMs });
    case "there": {
      const step = await hands.there(place.row, leftMs());
      return step.kind === "end" ? step : { kind: "notThere", row: place.row };
    }
    case "ghost":
    default:
      return { kind: "notThere", row: place.row };
  }
}

// R5. It is conditional, so a row that has changed meanwhile stays. That it failed is no reason to stop.
async function purge(ports: HandingPorts, row: SessionRow, limitMs: number): Promise<void> {
  const purged = await within(ports.time, limitMs, () => ports.ownership.purge(row));
  ports.meter.peer(purged.kind === "value" ? "purged" : "purgeFailed");
}
