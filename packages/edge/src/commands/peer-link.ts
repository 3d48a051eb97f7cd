// The asking side of the link between edges: sends one question to the owner and waits for one reply. Who the owner is, the registry
// finds in the same step where the asker has not looked already.
//
// P1. A question is handed over by the channel, where it and its reply may be lost. Without a reply `askAgainMs` after its owner is known,
//     however late Redis tells that, it is asked once more, by the inbox, with the same id: the owner does nothing twice (R11), and
//     repeats what it replied. While nobody knows whom the first one reached, it is waited for, never sent again, by the registry neither:
//     the charge point may be elsewhere by now, and the first one done.
// P2. Every question ends: by a reply, by the certainty that nothing was delivered, or by its time limit. Once it was asked again, the first
//     message's end is no certainty.
// P3. An answer is matched by message id; one that nobody waits for is counted and dropped.

import type { IdentityKey } from "@cpg/ocpp";
import {
  RegistryError,
  type HandOver,
  type Ownership,
  type PeerContent,
  type PeerMessage,
  type SessionRow,
  type Time,
  type Timer,
} from "@cpg/session-registry";
import type { Span } from "@cpg/telemetry";
import { retryAfterOf } from "./locate.ts";
import type { CommandMeter } from "./outcomes.ts";
import { encodeBody, readReply, type CloseBody, type CommandBody, type PeerReply } from "./peer-words.ts";

/** How a question to another edge ended. */
export type PeerAnswer =
  /** `row`: by which it was found; missing only if the reply overtook the registry's own answer. */
  | { readonly kind: "reply"; readonly reply: PeerReply; readonly row: SessionRow | undefined }
  /** The incarnation that the row names is dead; nothing was delivered. */
  | { readonly kind: "dead"; readonly row: SessionRow }
  /** The row names this edge; nothing was delivered. */
  | { readonly kind: "own"; readonly row: SessionRow }
  /** Nobody owns the charge point; nothing was delivered. */
  | { readonly kind: "absent" }
  /** Nothing was delivered, for certain. */
  | { readonly kind: "notDelivered"; readonly retryAfterMs: number }
  /** No reply in time; what became of the message is not known. */
  | { readonly kind: "silent" };

/** One question: its body, the time the owner has for it, and the time until the question is given up, ms. */
export interface Question {
  /** The owner's row, or the keys by which the registry finds it. */
  readonly to: SessionRow | readonly IdentityKey[];
  readonly kind: "command" | "close";
  readonly body: CommandBody | CloseBody;
  readonly limitMs: number;
  /** Where it is traced: told when the message was delivered. */
  readonly span?: Span | undefined;
}

/** The asking side. */
export interface PeerLink {
  /** Never rejects (P2). */
  ask(question: Question): Promise<PeerAnswer>;
  onReply(message: PeerMessage): void;
  /** Ends every open question as `silent`. */
  abandon(): void;
}

interface Waiting {
  /** Once; what ends it later says nothing. */
  readonly end: (answer: PeerAnswer) => void;
  /** From now on it counts when it is asked again (P1). */
  readonly ownerIs: (row: SessionRow) => void;
  row: SessionRow | undefined;
  isAskedAgain: boolean;
}

/** What the asking side needs. `newId` must never repeat; `sendMs` bounds one message. */
export interface PeerLinkPorts {
  readonly ownership: Pick<Ownership, "send" | "handOver">;
  readonly time: Time;
  readonly meter: CommandMeter;
  readonly newId: () => string;
  readonly sendMs: number;
  readonly askAgainMs: number;
}

/** Makes the asking side. */
export function createPeerLink(ports: PeerLinkPorts): PeerLink {
  const sending = createSending(ports);
  const waiting = new Map<string, Waiting>();

  function ask(question: Question): Promise<PeerAnswer> {
    const { to, span } = question;
    const id = ports.newId();
    return new Promise((resolve) => {
      const one = waitFor(ports, question, {
        again: (row, passedMs) => sending.again(id, question, { row, passedMs }),
        ended(answer) {
          waiting.delete(id);
          resolve(answer);
        },
      });
      const notDelivered = (answer: PeerAnswer): void => {
        if (!one.isAskedAgain) one.end(answer); // P2
      };
      waiting.set(id, one);
      if ("incarnation" in to) one.ownerIs(to);
      sending.first(id, question).then(
        (sent) => {
          if (sent.kind !== "sent") return notDelivered(sent);
          one.ownerIs(sent.row);
          span?.event("handed over", { "cpg.edge": sent.row.edge });
          return ports.meter.peer("commandSent");
        },
        (error: unknown) => {
          if (!mayBeDelivered(error))
            return notDelivered({ kind: "notDelivered", retryAfterMs: retryAfterOf(error) });
          return ports.meter.peer("commandSent"); // perhaps; the timer or a reply ends it
        },
      );
    });
  }

  return {
    ask,
    onReply(message) {
      const one = waiting.get(message.id);
      if (one === undefined) return ports.meter.peer("replyLate"); // P3
      const reply = readReply(message.body);
      if (reply !== undefined) return one.end({ kind: "reply", reply, row: one.row });
      ports.meter.peer("malformed");
      return one.end({ kind: "silent" }); // the owner did something that this version has no word for
    },
    abandon() {
      for (const { end } of waiting.values()) end({ kind: "silent" });
    },
  };
}

/** One question until it ends (P2), in time at the latest. */
function waitFor(
  { time, askAgainMs }: Pick<PeerLinkPorts, "time" | "askAgainMs">,
  { limitMs }: Question,
  on: { again(row: SessionRow, passedMs: number): void; ended(answer: PeerAnswer): void },
): Waiting {
  const beganAtMs = time.monotonicMs();
  let hasEnded = false;
  let askingAgain: Timer | undefined;
  const one: Waiting = {
    row: undefined,
    isAskedAgain: false,
    end(answer) {
      if (hasEnded) return;
      hasEnded = true;
      givingUp.cancel();
      askingAgain?.cancel();
      on.ended(answer);
    },
    ownerIs(row) {
      if (hasEnded || one.row !== undefined) return;
      one.row = row;
      askingAgain = time.after(askAgainMs, () => {
        one.isAskedAgain = true;
        on.again(row, time.monotonicMs() - beganAtMs);
      }); // P1
    },
  };
  const givingUp = time.after(limitMs, () => one.end({ kind: "silent" })); // P2
  return one;
}

function createSending({ ownership, meter, sendMs }: PeerLinkPorts) {
  // async: a synchronous throw is a rejection here
  async function sendTo(row: SessionRow, content: PeerContent, limitMs: number): Promise<boolean> {
    const { key, connection, epoch, incarnation } = row;
    return ownership.send(incarnation, { ...content, key, connection, epoch }, limitMs);
  }

  return {
    async first(id: string, { to, kind, body, limitMs }: Question): Promise<HandOver> {
      const content = { id, kind, body: encodeBody(body) };
      const patienceMs = Math.min(limitMs, sendMs);
      if (!("incarnation" in to)) return ownership.handOver(to, content, patienceMs);
      return { kind: (await sendTo(to, content, patienceMs)) ? "sent" : "dead", row: to };
    },
    /** Nothing depends on what comes of it but the reply. */
    again(
      id: string,
      { kind, body, limitMs, span }: Question,
      late: { row: SessionRow; passedMs: number },
    ): void {
      meter.peer("commandAskedAgain");
      span?.event("asked again");
      const { row, passedMs } = late;
      const budgetMs = Math.max(0, body.budgetMs - passedMs);
      const content = { id, kind, body: encodeBody({ ...body, budgetMs }) };
      sendTo(row, content, Math.min(limitMs - passedMs, sendMs)).catch(() => undefined);
    },
  };
}

// The registry knows of every attempt it made, not only of the last one. Any other error knows nothing.
function mayBeDelivered(error: unknown): boolean {
  return !(error instanceof RegistryError) || error.isOutcomeUnknown;
}
