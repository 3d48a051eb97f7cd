// How a command, a close and a search can end, and where they are counted. Types only.

import type { SessionRow } from "@cpg/session-registry";
import type { Delivery, LiveSession } from "../session-port.ts";

/**
 * Whether the registry confirmed the session that answered. `unverified`: Redis could not be asked, its claim is not
 * confirmed yet, or the edge's lease has lapsed; a newer socket may exist elsewhere (R8).
 */
export type Verification = "verified" | "unverified";

/** How a command ended. Every command ends with one of these, by its deadline and the grace at the latest. */
export type CommandOutcome =
  | {
      readonly kind: "answered";
      readonly payload: unknown;
      readonly ownership: Verification;
      readonly edge: string;
    }
  /** The charge point answered with a CALLERROR. */
  | {
      readonly kind: "rejected";
      readonly code: string;
      readonly description: string;
      readonly details: unknown;
      readonly ownership: Verification;
      readonly edge: string;
    }
  /** No edge holds a socket of that identity. Nothing was sent. */
  | { readonly kind: "offline" }
  /** No answer came; `delivery` is what is known of the way to the charge point, `ownership` of the socket that was asked, if one was. */
  | { readonly kind: "noAnswer"; readonly delivery: Delivery; readonly ownership?: Verification }
  /** The charge point's line of waiting commands is full. Nothing was sent. */
  | { readonly kind: "lineFull"; readonly retryAfterMs: number }
  /** This edge, or the owner, has as many commands open as it may. Nothing was sent. */
  | { readonly kind: "edgeBusy"; readonly retryAfterMs: number }
  /** The owner could not be found out or reached, or it may not call itself owner. Nothing was sent. */
  | { readonly kind: "registryAway"; readonly retryAfterMs: number }
  /** The charge point's connection is being ended, or its edge drains. Nothing was sent; it will be back somewhere. */
  | { readonly kind: "leaving"; readonly retryAfterMs: number }
  /** This edge shuts down. Nothing was sent. */
  | { readonly kind: "stopping"; readonly retryAfterMs: number };

/** How closing a charge point's connection ended. */
export type CloseOutcome =
  | { readonly kind: "closed" }
  | Exclude<CommandOutcome, { kind: "answered" | "rejected" | "lineFull" | "leaving" }>;

/** What is known of one charge point. */
export type FindOutcome =
  /** Its socket is at this edge. */
  | { readonly kind: "here"; readonly session: LiveSession; readonly ownership: Verification }
  /** The registry's row names another edge: a hint, not older than its lease (R5, R7). */
  | { readonly kind: "there"; readonly row: SessionRow }
  | { readonly kind: "offline" }
  | { readonly kind: "registryAway"; readonly retryAfterMs: number };

/** What happened on the link between edges, besides the outcomes: one count each. */
export type PeerEvent =
  | "commandSent"
  | "commandAskedAgain" // no reply yet: said again by the inbox, where a lost channel loses nothing
  | "commandAccepted"
  | "commandRepeated" // an id that came again: not done again (R11); what was replied is replied again
  | "commandExpired"
  | "commandUnverified" // refused: the own lease has lapsed
  | "commandNotMine"
  | "commandBusy"
  | "commandDropped" // the memory of ids is full: neither done nor answered
  | "malformed"
  | "replySent"
  | "replyLost" // the asking edge is dead or could not be reached
  | "replyLate" // nobody waits for it any more
  | "purged"
  | "purgeFailed"
  | "relookup";

/** Where commands are counted. The adapter to the telemetry package maps it to instruments. */
export interface CommandMeter {
  /** `commands_total{outcome}` and `command_duration_seconds`. */
  ended(outcome: CommandOutcome["kind"], seconds: number): void;
  /** `command_peer_events_total{event}`. */
  peer(event: PeerEvent): void;
}

/** Counts nothing. */
export const silentMeter: CommandMeter = { ended: () => {}, peer: () => {} };
