// From what a socket or another edge said to the outcome that a caller gets. Pure: two total tables.

import type { SessionRow } from "@cpg/session-registry";
import type { CallOutcome, Delivery } from "../session-port.ts";
import { busyRetryAfterMs, leavingRetryAfterMs, lineFullRetryAfterMs } from "./limits.ts";
import { registryRetryAfterMs } from "./locate.ts";
import type { CloseOutcome, CommandOutcome, Verification } from "./outcomes.ts";
import type { PeerAnswer } from "./peer-link.ts";
import type { PeerReply } from "./peer-words.ts";

/**
 * What one handing-on brought: an end, or the certainty that nothing was done there and never will be (`row`: what was wrong, where that is
 * known), or that the row names this edge, which may have the socket by now.
 */
export type Step<T> =
  | { readonly kind: "end"; readonly outcome: T }
  | { readonly kind: "notThere"; readonly row: SessionRow | undefined }
  | { readonly kind: "own"; readonly row: SessionRow };

/** No answer, what is known of the delivery, and whether the socket that was asked was confirmed. */
export function noAnswer(
  delivery: Delivery,
  ownership?: Verification,
): CommandOutcome & { kind: "noAnswer" } {
  return ownership === undefined ? { kind: "noAnswer", delivery } : { kind: "noAnswer", delivery, ownership };
}

/** The end of a CALL at a socket. */
export function endOfCall(call: CallOutcome, ownership: Verification, edge: string): CommandOutcome {
  switch (call.kind) {
    case "answered":
      return { kind: "answered", payload: call.payload, ownership, edge };
    case "rejected": {
      const { code, description, details } = call;
      return { kind: "rejected", code, description, details, ownership, edge };
    }
    case "timeout":
      return noAnswer(call.delivery, ownership);
    case "gone":
      if (call.delivery !== "notSent") return noAnswer(call.delivery, ownership);
      return { kind: "leaving", retryAfterMs: leavingRetryAfterMs };
    case "lineFull":
    default:
      return { kind: "lineFull", retryAfterMs: lineFullRetryAfterMs };
  }
}

/** The end of a command that was handed to another edge. */
export function endOfPeerCommand(answer: PeerAnswer): Step<CommandOutcome> {
  if (answer.kind !== "reply") return endWithoutReply(answer);
  const { reply, row } = answer;
  if (reply.kind === "called") {
    const ownership = reply.isConfirmed ? "verified" : "unverified";
    return end(endOfCall(reply.outcome, ownership, reply.edge));
  }
  return reply.kind === "closed" ? end(noAnswer("unknown")) : endOfRefusal(reply.kind, row);
}

/** The end of a close that was handed to another edge. */
export function endOfPeerClose(answer: PeerAnswer): Step<CloseOutcome> {
  if (answer.kind !== "reply") return endWithoutReply(answer);
  const { reply, row } = answer;
  if (reply.kind === "closed") return end({ kind: "closed" });
  return reply.kind === "called" ? end(noAnswer("unknown")) : endOfRefusal(reply.kind, row);
}

type Common = Extract<CommandOutcome, CloseOutcome>;

function endWithoutReply(answer: Exclude<PeerAnswer, { kind: "reply" }>): Step<Common> {
  switch (answer.kind) {
    case "dead":
      return { kind: "notThere", row: answer.row };
    case "own":
      return { kind: "own", row: answer.row };
    case "absent":
      return end({ kind: "offline" });
    case "notDelivered":
      return end({ kind: "registryAway", retryAfterMs: answer.retryAfterMs });
    case "silent":
    default:
      return end(noAnswer("unknown"));
  }
}

function endOfRefusal(
  kind: Exclude<PeerReply["kind"], "called" | "closed">,
  row: SessionRow | undefined,
): Step<Common> {
  switch (kind) {
    case "notMine":
      return { kind: "notThere", row };
    case "unverifiedOwner": // the owner is cut off from Redis; a newer socket may be anywhere
      return end({ kind: "registryAway", retryAfterMs: registryRetryAfterMs });
    case "busy":
      return end({ kind: "edgeBusy", retryAfterMs: busyRetryAfterMs });
    case "expired":
    case "malformed": // another version at the other edge: it did nothing
    default:
      return end(noAnswer("notSent"));
  }
}

/** The end of a way. */
export function end<T>(outcome: T): Extract<Step<T>, { kind: "end" }> {
  return { kind: "end", outcome };
}
