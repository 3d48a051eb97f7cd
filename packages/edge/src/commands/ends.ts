// From what a socket or another edge said to the outcome that a caller gets. Pure: two total tables.

import type { CallOutcome, Delivery } from "../session-port.ts";
import { busyRetryAfterMs, lineFullRetryAfterMs } from "./limits.ts";
import { registryRetryAfterMs } from "./locate.ts";
import type { CloseOutcome, CommandOutcome, Verification } from "./outcomes.ts";
import type { PeerAnswer } from "./peer-link.ts";
import type { PeerReply } from "./peer-words.ts";

/** What one handing-on brought: an end, or the certainty that nothing was done there and never will be. */
export type Step<T> = { readonly kind: "end"; readonly outcome: T } | { readonly kind: "notThere" };

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
    case "gone":
      return noAnswer(call.delivery, ownership);
    case "lineFull":
    default:
      return { kind: "lineFull", retryAfterMs: lineFullRetryAfterMs };
  }
}

/** The end of a command that was handed to another edge. */
export function endOfPeerCommand(answer: PeerAnswer): Step<CommandOutcome> {
  if (answer.kind !== "reply") return endWithoutReply(answer);
  const { reply } = answer;
  if (reply.kind === "called") {
    const ownership = reply.isConfirmed ? "verified" : "unverified";
    return end(endOfCall(reply.outcome, ownership, reply.edge));
  }
  return reply.kind === "closed" ? end(noAnswer("unknown")) : endOfRefusal(reply.kind);
}

/** The end of a close that was handed to another edge. */
export function endOfPeerClose(answer: PeerAnswer): Step<CloseOutcome> {
  if (answer.kind !== "reply") return endWithoutReply(answer);
  const { reply } = answer;
  if (reply.kind === "closed") return end({ kind: "closed" });
  return reply.kind === "called" ? end(noAnswer("unknown")) : endOfRefusal(reply.kind);
}

type Common = Extract<CommandOutcome, CloseOutcome>;

function endWithoutReply(answer: Exclude<PeerAnswer, { kind: "reply" }>): Step<Common> {
  switch (answer.kind) {
    case "dead":
      return { kind: "notThere" };
    case "notWritten":
      return end({ kind: "registryAway", retryAfterMs: answer.retryAfterMs });
    case "silent":
    default:
      return end(noAnswer("unknown"));
  }
}

function endOfRefusal(kind: Exclude<PeerReply["kind"], "called" | "closed">): Step<Common> {
  switch (kind) {
    case "notMine":
      return { kind: "notThere" };
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

function end<T>(outcome: T): Step<T> {
  return { kind: "end", outcome };
}
