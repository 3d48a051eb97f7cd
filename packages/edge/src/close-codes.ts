// Every end that this edge gives a socket, in one table. Pure.
//
// C1. A reason fits into a close frame: at most 123 bytes of UTF-8 (RFC 6455 §5.5); the test measures each.
// C2. `peerSees` says what really reaches the charge point: uWebSockets.js ends a socket for some causes by itself
//     and without a close frame (FACTS §1), so the station sees 1006 there.
// C3. When too many ends linger, each further one is without a close frame, whatever its cause (lingering.ts, E1).

import type { EndCause } from "@cpg/session-registry";
import type { CloseCause } from "./session-port.ts";

/** What a charge point should make of a close. */
export type ReconnectAdvice =
  | "atOnce" // the address is right, another edge or this one will take it
  | "withBackOff" // something is wrong here or there: later, with growing pauses
  | "never"; // this socket has been replaced, or must first be set up differently

/** One row of the table. */
export interface CloseRow {
  /** WebSocket close code: RFC 6455 §7.4.1, or 4000–4999 for our own. */
  readonly code: number;
  readonly reason: string;
  readonly advice: ReconnectAdvice;
  /** Whether a close frame with that code is sent, or the connection just ends (C2). */
  readonly peerSees: "code" | "1006";
  /** Cause of the registry's `disconnected` event. */
  readonly endCause: EndCause;
}

/** The close codes of this gateway, by cause. The cause is also the label under which the end is counted. */
export const closeTable: Readonly<Record<CloseCause, CloseRow>> = {
  superseded: {
    code: 4001,
    reason: "superseded by a newer connection of this charge point",
    advice: "never",
    peerSees: "code",
    endCause: "superseded",
  },
  draining: {
    code: 1012,
    reason: "this edge restarts, connect again",
    advice: "atOnce",
    peerSees: "code",
    endCause: "drained",
  },
  operator: {
    code: 4002,
    reason: "closed by the operator",
    advice: "withBackOff",
    peerSees: "code",
    endCause: "closed",
  },
  messageTooBig: {
    code: 1009,
    reason: "message too big",
    advice: "withBackOff",
    peerSees: "1006",
    endCause: "closed",
  },
  inboundOverflow: {
    code: 1008,
    reason: "too many CALLs without waiting for their answers",
    advice: "withBackOff",
    peerSees: "code",
    endCause: "closed",
  },
  outboxOverflow: {
    code: 1008,
    reason: "messages are not read fast enough",
    advice: "withBackOff",
    peerSees: "code",
    endCause: "closed",
  },
  noSubprotocol: {
    code: 1002,
    reason: "no OCPP subprotocol in common",
    advice: "never",
    peerSees: "code",
    endCause: "closed",
  },
  notRegistered: {
    code: 1013,
    reason: "cannot be registered now, try again later",
    advice: "withBackOff",
    peerSees: "code",
    endCause: "closed",
  },
  idle: {
    code: 1001,
    reason: "no sign of life",
    advice: "withBackOff",
    peerSees: "1006",
    endCause: "closed",
  },
};

/** What stands for a connection that ended without a close frame (RFC 6455 §7.4.1). */
export const noCloseFrame = 1006;

/** The code that a charge point sees when this edge closes it for `cause`, unless there are too many (C3). */
export function peerSees(cause: CloseCause): number {
  const row = closeTable[cause];
  return row.peerSees === "code" ? row.code : noCloseFrame;
}

/** How a socket ended, as it is counted: by this edge (a row of the table), by the peer, or by the network. */
export type EndLabel = CloseCause | "peer" | "lost" | "invalidUtf8";
