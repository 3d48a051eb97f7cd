// The asking side of the link between edges: writes one message into the owner's inbox and waits for one reply. Whose inbox that is,
// the registry finds in the same step where the asker has not looked already.
//
// P1. A message is written once. When nobody knows whether it was written, it is waited for, never written again (R11).
// P2. Every question ends: by a reply, by the certainty that nothing was written, or by its time limit.
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
} from "@cpg/session-registry";
import type { Span } from "@cpg/telemetry";
import { retryAfterOf } from "./locate.ts";
import type { CommandMeter } from "./outcomes.ts";
import { encodeBody, readReply, type CloseBody, type CommandBody, type PeerReply } from "./peer-words.ts";

/** How a question to another edge ended. */
export type PeerAnswer =
  /** `row`: by which it was found; missing only if the reply overtook the registry's own answer. */
  | { readonly kind: "reply"; readonly reply: PeerReply; readonly row: SessionRow | undefined }
  /** The incarnation that the row names is dead; nothing was written. */
  | { readonly kind: "dead"; readonly row: SessionRow }
  /** The row names this edge; nothing was written. */
  | { readonly kind: "own"; readonly row: SessionRow }
  /** Nobody owns the charge point; nothing was written. */
  | { readonly kind: "absent" }
  /** Nothing was written, for certain. */
  | { readonly kind: "notWritten"; readonly retryAfterMs: number }
  /** No reply in time; what became of the message is not known. */
  | { readonly kind: "silent" };

/** One question: its body, the time the owner has for it, and the time until the question is given up, ms. */
export interface Question {
  /** The owner's row, or the keys by which the registry finds it. */
  readonly to: SessionRow | readonly IdentityKey[];
  readonly kind: "command" | "close";
  readonly body: CommandBody | CloseBody;
  readonly limitMs: number;
  /** Where it is traced: told when the message was written. */
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
  readonly end: (answer: PeerAnswer) => void;
  row: SessionRow | undefined;
}

/** Makes the asking side. `newId` must never repeat. `sendMs` bounds one write into an inbox. */
export function createPeerLink(ports: {
  readonly ownership: Pick<Ownership, "send" | "handOver">;
  readonly time: Time;
  readonly meter: CommandMeter;
  readonly newId: () => string;
  readonly sendMs: number;
}): PeerLink {
  const waiting = new Map<string, Waiting>();

  function ask({ to, kind, body, limitMs, span }: Question): Promise<PeerAnswer> {
    const id = ports.newId();
    return new Promise((resolve) => {
      const end = (answer: PeerAnswer): void => {
        timer.cancel();
        waiting.delete(id);
        resolve(answer);
      };
      const timer = ports.time.after(limitMs, () => end({ kind: "silent" })); // P2
      const one: Waiting = { end, row: "incarnation" in to ? to : undefined };
      waiting.set(id, one);
      const message = { id, kind, body: encodeBody(body) };
      write(to, message, Math.min(limitMs, ports.sendMs)).then(
        (written) => {
          if (written.kind !== "sent") return end(written);
          one.row = written.row;
          span?.event("handed over", { "cpg.edge": written.row.edge });
          return ports.meter.peer("commandSent");
        },
        (error: unknown) => {
          if (!mayHaveWritten(error)) return end({ kind: "notWritten", retryAfterMs: retryAfterOf(error) });
          return ports.meter.peer("commandSent"); // P1: perhaps; the timer or a reply ends it
        },
      );
    });
  }

  // async: a synchronous throw is a rejection here
  async function write(to: Question["to"], content: PeerContent, limitMs: number): Promise<HandOver> {
    if (!("incarnation" in to)) return ports.ownership.handOver(to, content, limitMs);
    const { key, connection, epoch, incarnation } = to;
    const isAlive = await ports.ownership.send(incarnation, { ...content, key, connection, epoch }, limitMs);
    return { kind: isAlive ? "sent" : "dead", row: to };
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

// The registry knows of every attempt it made, not only of the last one. Any other error knows nothing.
function mayHaveWritten(error: unknown): boolean {
  return !(error instanceof RegistryError) || error.isOutcomeUnknown;
}
