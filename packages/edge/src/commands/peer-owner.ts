// The owning side of the link between edges: takes commands and closes, acts, replies.
//
// O1. A message id acts at most once (R11): it is remembered before anything else is decided, so a message that was
//     refused once never acts later.
// O2. The lease is checked at the moment of the call (R7): without it nothing is delivered for another edge.
// O3. A message older than its own time limit does nothing: its caller has given up.
// O4. Replies are best effort: the asking edge has its own time limit. One reply for an id, never another one; it is repeated to
//     who asks again (told-replies.ts).
// O5. At most `maxInbound` calls for other edges are open at a time (R9).
// O6. No message has more time than a command may have at all, whatever it says: its id would be remembered as long.

import type { Ownership, PeerMessage, Time } from "@cpg/session-registry";
import { noTracing, type Span, type Tracing } from "@cpg/telemetry";
import type { CallOutcome, LiveSession, SessionTable } from "../session-port.ts";
import type { CommandIds } from "./command-ids.ts";
import { acceptPeerSpan, tracedCall } from "../spans.ts";
import { within } from "../within.ts";
import { idRetentionMs, toldReplyMs } from "./limits.ts";
import type { CommandMeter } from "./outcomes.ts";
import {
  calledReply,
  encodeBody,
  readClose,
  readCommand,
  type CommandBody,
  type PeerReply,
} from "./peer-words.ts";
import { createToldReplies, type Way } from "./told-replies.ts";

/** The owning side. */
export interface PeerOwner {
  /** A message of kind `command` or `close`. Never throws. */
  onMessage(message: PeerMessage, ageMs: number): void;
  /** Calls open for other edges. */
  readonly open: number;
}

/** What the owning side needs. `replyMs` bounds one reply's write; `graceMs` is the patience beyond a call's own time. */
export interface PeerOwnerPorts {
  readonly edge: string;
  readonly ownership: Pick<Ownership, "send" | "tell" | "isLeaseValid">;
  readonly sessions: Pick<SessionTable, "byKey">;
  readonly ids: CommandIds;
  readonly time: Time;
  readonly meter: CommandMeter;
  readonly tracing?: Tracing;
  readonly maxInbound: number;
  /** Longest time that a message may have (O6), ms. */
  readonly maxTimeoutMs: number;
  readonly replyMs: number;
  readonly graceMs: number;
  /** Of told-replies.ts. */
  readonly maxToldUnits: number;
}

/** Makes the owning side. */
export function createPeerOwner(ports: PeerOwnerPorts): PeerOwner {
  const { meter, time, tracing = noTracing } = ports;
  const replying = createReplying(ports);
  let open = 0;

  function onMessage(message: PeerMessage, ageMs: number): void {
    const close = message.kind === "close" ? readClose(message.body) : undefined;
    const command = message.kind === "close" ? undefined : readCommand(message.body);
    const budgetMs = Math.min((close ?? command)?.budgetMs ?? 0, ports.maxTimeoutMs); // O6; what cannot be read never acts
    const admission = ports.ids.admit(message.id, time.monotonicMs(), idRetentionMs(budgetMs)); // O1
    if (admission === "seen") return replying.repeat(message);
    // Not remembered, so a copy might act later: saying "nothing was sent" could become a lie. Say nothing.
    if (admission === "full") return meter.peer("commandDropped");
    replying.begin(message);
    if (command) return onCommand(message, command, budgetMs - ageMs);
    if (close) return onClose(message, budgetMs - ageMs);
    return refuse(message, "malformed");
  }

  function onCommand(message: PeerMessage, body: CommandBody, leftMs: number): void {
    const span = acceptPeerSpan(tracing, body, message.from);
    if (leftMs <= 0) return refuse(message, "expired", span); // O3
    if (!ports.ownership.isLeaseValid()) return refuse(message, "unverifiedOwner", span); // O2
    const session = ports.sessions.byKey(message.key);
    if (session === undefined) return refuse(message, "notMine", span);
    if (open >= ports.maxInbound) return refuse(message, "busy", span); // O5
    meter.peer("commandAccepted");
    open += 1;
    void callAndReply(message, session, { ...body, budgetMs: leftMs }, span);
  }

  async function callAndReply(
    message: PeerMessage,
    session: LiveSession,
    { action, payload, budgetMs }: CommandBody,
    span: Span | undefined,
  ): Promise<void> {
    const ended = await within(time, budgetMs + ports.graceMs, () =>
      tracedCall(span, session, action, () => session.call(action, payload, budgetMs)),
    );
    open -= 1;
    const outcome = ended.kind === "value" ? ended.value : unknownEnd;
    span?.end();
    replying.reply(message, calledReply(ports.edge, session.connection === message.connection, outcome));
  }

  // Needs no lease: a socket that is here may always be closed here.
  function onClose(message: PeerMessage, leftMs: number): void {
    if (leftMs <= 0) return refuse(message, "expired"); // O3
    const session = ports.sessions.byKey(message.key);
    if (session === undefined) return refuse(message, "notMine");
    session.close("operator");
    return replying.reply(message, { kind: "closed" });
  }

  function refuse(message: PeerMessage, kind: keyof typeof refusals, span?: Span): void {
    span?.end(kind);
    meter.peer(refusals[kind]);
    replying.reply(message, { kind });
  }

  return {
    onMessage,
    get open() {
      return open;
    },
  };
}

const unknownEnd: CallOutcome = { kind: "timeout", delivery: "unknown" };

// O4
function createReplying(ports: PeerOwnerPorts) {
  const { ownership, time, meter, replyMs } = ports;
  const told = createToldReplies({ keptMs: toldReplyMs, maxUnits: ports.maxToldUnits });

  function send({ id, key, connection, epoch, from }: PeerMessage, body: string, way: Way): void {
    const answer = { id, kind: "reply", key, connection, epoch, body } as const;
    const sending = (): Promise<boolean> =>
      way === "channel" ? ownership.tell(from, answer, replyMs) : ownership.send(from, answer, replyMs);
    void within(time, replyMs, sending).then((sent) =>
      meter.peer(sent.kind === "value" && sent.value ? "replySent" : "replyLost"),
    );
  }

  return {
    begin: ({ id }: PeerMessage): void => told.begin(id),
    reply(message: PeerMessage, word: PeerReply): void {
      const body = encodeBody(word);
      send(message, body, told.end(message.id, body, time.monotonicMs()));
    },
    repeat(message: PeerMessage): void {
      meter.peer("commandRepeated");
      const body = told.again(message.id);
      if (body !== undefined) send(message, body, "inbox");
    },
  };
}

const refusals = {
  malformed: "malformed",
  expired: "commandExpired",
  unverifiedOwner: "commandUnverified",
  notMine: "commandNotMine",
  busy: "commandBusy",
} as const;
