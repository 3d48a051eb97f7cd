// What two edges say to each other about a command: the bodies of peer messages. Pure.
//
// W1. A body that is not exactly one of these words is `undefined`, never an exception and never half a command: the
//     other edge may run another version.
// W2. The payload travels as the text that the sender made, so numbers and order arrive as they were written. It is not read again: who can
//     write into inboxes is an edge, and each checks what it was given.

import { Type, type Static, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { CallOutcome } from "../session-port.ts";

const delivery = Type.Union([Type.Literal("notSent"), Type.Literal("sent"), Type.Literal("unknown")]);

const commandShape = Type.Object({
  action: Type.String({ minLength: 1, maxLength: 64 }),
  /** JSON text of the payload (W2). */
  payload: Type.String(),
  /** What is left of the caller's time when it was sent, ms. */
  budgetMs: Type.Number({ minimum: 0 }),
  /** W3C Trace Context, where the command is traced. Whether it is one, tracing judges: a bad one costs no command. */
  traceparent: Type.Optional(Type.String()),
});

const closeShape = Type.Object({ budgetMs: Type.Number({ minimum: 0 }) });

const outcomeShape = Type.Union([
  Type.Object({ kind: Type.Literal("answered"), payload: Type.Unknown() }),
  Type.Object({
    kind: Type.Literal("rejected"),
    code: Type.String(),
    description: Type.String(),
    details: Type.Unknown(),
  }),
  Type.Object({ kind: Type.Literal("timeout"), delivery }),
  Type.Object({ kind: Type.Literal("lineFull") }),
  Type.Object({ kind: Type.Literal("gone"), delivery }),
]);

const replyShape = Type.Union([
  Type.Object({
    kind: Type.Literal("called"),
    edge: Type.String(),
    /** Whether the socket that was called is the one that the sender's row named. */
    isConfirmed: Type.Boolean(),
    outcome: outcomeShape,
  }),
  Type.Object({ kind: Type.Literal("closed") }),
  /** The owner holds no socket of that identity (R5). */
  Type.Object({ kind: Type.Literal("notMine") }),
  /** The owner's lease has lapsed: it must not act for others (R7). */
  Type.Object({ kind: Type.Literal("unverifiedOwner") }),
  /** The message came later than its own time limit. */
  Type.Object({ kind: Type.Literal("expired") }),
  Type.Object({ kind: Type.Literal("busy") }),
  Type.Object({ kind: Type.Literal("malformed") }),
]);

/** Body of a peer message of kind `command`. */
export type CommandBody = Static<typeof commandShape>;
/** Body of a peer message of kind `close`. */
export type CloseBody = Static<typeof closeShape>;
/** Body of a peer message of kind `reply`. */
export type PeerReply = Static<typeof replyShape>;

/** Text to send. `undefined` inside a payload becomes null: JSON has no other word for it. */
export function encodeBody(body: CommandBody | CloseBody | PeerReply): string {
  return JSON.stringify(body);
}

/** Puts a call's outcome into words; what JSON cannot carry is made null. */
export function calledReply(edge: string, isConfirmed: boolean, outcome: CallOutcome): PeerReply {
  const told: CallOutcome =
    outcome.kind === "answered"
      ? { kind: "answered", payload: outcome.payload ?? null }
      : outcome.kind === "rejected"
        ? { ...outcome, details: outcome.details ?? null }
        : outcome;
  return { kind: "called", edge, isConfirmed, outcome: told };
}

/** Reads the body of a `command`; undefined when it is not one (W1). */
export const readCommand: (text: string) => CommandBody | undefined = reader(commandShape);
/** Reads the body of a `close`; undefined when it is not one (W1). */
export const readClose: (text: string) => CloseBody | undefined = reader(closeShape);
/** Reads the body of a `reply`; undefined when it is not one (W1). */
export const readReply: (text: string) => PeerReply | undefined = reader(replyShape);

function reader<T extends TSchema>(shape: T): (text: string) => Static<T> | undefined {
  const validator = Compile(shape);
  return (text) => {
    try {
      const value: unknown = JSON.parse(text);
      return validator.Check(value) ? value : undefined;
    } catch {
      return undefined; // W1
    }
  };
}
