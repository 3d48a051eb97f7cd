// What the rest of the edge sees of the sockets it holds: management, commands and drain work through this. Types only.

import type { Identity, IdentityKey, OcppVersion } from "@cpg/ocpp";
import type { ConnectionId, Epoch } from "@cpg/session-registry";

/** What is known of a CALL's way to the charge point when no answer came. */
export type Delivery = "notSent" | "sent" | "unknown";

/** How a CALL to a charge point ended. */
export type CallOutcome =
  | { readonly kind: "answered"; readonly payload: unknown }
  | {
      readonly kind: "rejected";
      readonly code: string;
      readonly description: string;
      readonly details: unknown;
    }
  /** No answer within the time given. */
  | { readonly kind: "timeout"; readonly delivery: Delivery }
  /** The session's line of waiting commands is full (`ocpp.maxQueuedCommands`). */
  | { readonly kind: "lineFull" }
  /** The socket closed first. */
  | { readonly kind: "gone"; readonly delivery: Delivery };

/** One charge point's socket. */
export interface LiveSession {
  readonly identity: Identity;
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  readonly version: OcppVersion;
  readonly remote: string;
  /** Wall clock, ms since 1970. */
  readonly connectedAtMs: number;
  /** Monotonic: of two, the greater is the newer socket's. */
  readonly authenticatedAtMs: number;
  /** Undefined until the registry granted it. */
  readonly epoch: Epoch | undefined;
  /** Sends a CALL when those before it are answered. Never rejects. The message id is made by the session. */
  call(action: string, payloadJson: string, timeoutMs: number): Promise<CallOutcome>;
  /** Ends the socket with one of the codes of close-codes.ts. */
  close(cause: CloseCause): void;
}

/** Why this edge closes a socket: the rows of the table in close-codes.ts. */
export type CloseCause =
  | "superseded"
  | "draining"
  | "operator"
  | "messageTooBig"
  | "inboundOverflow"
  | "outboxOverflow"
  | "noSubprotocol"
  | "notRegistered"
  | "idle";

/** The sockets of this edge. */
export interface SessionTable {
  readonly size: number;
  /** The newest socket of that identity at this edge. */
  byKey(key: IdentityKey): LiveSession | undefined;
  /** That very socket of the identity, the newest or not. */
  find(key: IdentityKey, connection: ConnectionId): LiveSession | undefined;
  [Symbol.iterator](): Iterator<LiveSession>;
}
