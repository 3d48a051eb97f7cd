// The asking side of the link between edges: writes one message into the owner's inbox and waits for one reply.
//
// P1. A message is written once. When nobody knows whether it was written, it is waited for, never written again (R11).
// P2. Every question ends: by a reply, by the certainty that nothing was written, or by its time limit.
// P3. An answer is matched by message id; one that nobody waits for is counted and dropped.

import {
  RegistryError,
  type Ownership,
  type PeerMessage,
  type SessionRow,
  type Time,
} from "@cpg/session-registry";
import { retryAfterOf } from "./locate.ts";
import type { CommandMeter } from "./outcomes.ts";
import { encodeBody, readReply, type CloseBody, type CommandBody, type PeerReply } from "./peer-words.ts";

/** How a question to another edge ended. */
export type PeerAnswer =
  | { readonly kind: "reply"; readonly reply: PeerReply }
  /** The incarnation is dead; nothing was written. */
  | { readonly kind: "dead" }
  /** Nothing was written, for certain. */
  | { readonly kind: "notWritten"; readonly retryAfterMs: number }
  /** No reply in time; what became of the message is not known. */
  | { readonly kind: "silent" };

/** One question: its body, the time the owner has for it, and the time until the question is given up, ms. */
export interface Question {
  readonly row: SessionRow;
  readonly kind: "command" | "close";
  readonly body: CommandBody | CloseBody;
  readonly limitMs: number;
}

/** The asking side. */
export interface PeerLink {
  /** Never rejects (P2). */
  ask(question: Question): Promise<PeerAnswer>;
  onReply(message: PeerMessage): void;
  /** Ends every open question as `silent`. */
  abandon(): void;
}

/** Makes the asking side. `newId` must never repeat. `sendMs` bounds one write into an inbox. */
export function createPeerLink(ports: {
  readonly ownership: Pick<Ownership, "send">;
  readonly time: Time;
  readonly meter: CommandMeter;
  readonly newId: () => string;
  readonly sendMs: number;
}): PeerLink {
  const waiting = new Map<string, (answer: PeerAnswer) => void>();

  function ask({ row, kind, body, limitMs }: Question): Promise<PeerAnswer> {
    const id = ports.newId();
    return new Promise((resolve) => {
      const end = (answer: PeerAnswer): void => {
        timer.cancel();
        waiting.delete(id);
        resolve(answer);
      };
      const timer = ports.time.after(limitMs, () => end({ kind: "silent" })); // P2
      waiting.set(id, end);
      ports.meter.peer("commandSent");
      const { key, connection, epoch, incarnation } = row;
      const message = { id, kind, key, connection, epoch, body: encodeBody(body) };
      write(incarnation, message, Math.min(limitMs, ports.sendMs)).then(
        (isAlive) => (isAlive ? undefined : end({ kind: "dead" })),
        (error: unknown) => {
          if (!mayHaveWritten(error)) end({ kind: "notWritten", retryAfterMs: retryAfterOf(error) });
        }, // P1: otherwise the timer or a reply ends it
      );
    });
  }

  async function write(to: string, message: Omit<PeerMessage, "from">, limitMs: number): Promise<boolean> {
    return ports.ownership.send(to, message, limitMs); // async: a synchronous throw is a rejection here
  }

  return {
    ask,
    onReply(message) {
      const end = waiting.get(message.id);
      if (end === undefined) return ports.meter.peer("replyLate"); // P3
      const reply = readReply(message.body);
      if (reply !== undefined) return end({ kind: "reply", reply });
      ports.meter.peer("malformed");
      return end({ kind: "silent" }); // the owner did something that this version has no word for
    },
    abandon() {
      for (const end of waiting.values()) end({ kind: "silent" });
    },
  };
}

// The registry knows of every attempt it made, not only of the last one. Any other error knows nothing.
function mayHaveWritten(error: unknown): boolean {
  return !(error instanceof RegistryError) || error.isOutcomeUnknown;
}
