// Carries a command from whoever asks at this edge to the one socket that must get it, and its end back.
//
//   command ─ a socket is here ──▶ locate (registry) → own socket
//           └ none is here ──────▶ peer link: registry and the way to the owner in one step → its socket
//
// C1. Every command ends with one outcome, at its time limit and the grace at the latest. Nothing here rejects.
// C2. Open commands are bounded by `maxPending` (R9); one more is an outcome, not a wait.
// C3. Every command is counted once, when it ends.

import { identityKeyCandidates, type Identity } from "@cpg/ocpp";
import type { Ownership, PeerMessage, Time } from "@cpg/session-registry";
import type { Span, Tracing } from "@cpg/telemetry";
import type { LiveSession, SessionTable } from "../session-port.ts";
import { beginPeerSpan, endPeerSpan, tracedCall } from "../spans.ts";
import { createCommandIds } from "./command-ids.ts";
import { within } from "../within.ts";
import { endOfCall, endOfPeerClose, endOfPeerCommand, noAnswer } from "./ends.ts";
import { handOn, type HandingPorts, type Hands } from "./handing-on.ts";
import { busyRetryAfterMs, stoppingRetryAfterMs, type CommandLimits } from "./limits.ts";
import { locate } from "./locate.ts";
import type { CloseOutcome, CommandMeter, CommandOutcome, FindOutcome, Verification } from "./outcomes.ts";
import { createPeerLink, type PeerLink } from "./peer-link.ts";
import { createPeerOwner } from "./peer-owner.ts";

/** One command. `payloadJson` is the text of a JSON object; `timeoutMs` counts from now to the charge point's answer. */
export interface CommandRequest {
  readonly identity: Identity;
  readonly action: string;
  readonly payloadJson: string;
  readonly timeoutMs: number;
  /** Where it is traced; the caller ends it. */
  readonly span?: Span | undefined;
}

/** The command router of one edge. */
export interface CommandRouter {
  /** Never rejects; ends within `timeoutMs` and the grace. */
  command(request: CommandRequest): Promise<CommandOutcome>;
  /** Closes the charge point's socket, wherever it is. Never rejects; ends within `closeMs` and the grace. */
  close(identity: Identity): Promise<CloseOutcome>;
  /** Tells what is known of a charge point's session. Never rejects; ends within `lookupMs`. */
  find(identity: Identity): Promise<FindOutcome>;
  /** For OwnedSessions.message: what came from other edges. Never throws. */
  onPeerMessage(message: PeerMessage, ageMs: number): void;
  /** Open commands and closes of this edge's callers: `commands_pending`. */
  readonly pending: number;
  /** Calls open at this edge's sockets for other edges. */
  readonly pendingForPeers: number;
  /** Refuses new commands, waits for the open ones, gives up on other edges' replies after `deadlineMs`. May be called again, with less. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

/** What the router needs. */
export interface CommandRouterPorts {
  /** Name of this edge (setting `edge.name`). */
  readonly edge: string;
  readonly ownership: Ownership;
  readonly sessions: SessionTable;
  readonly time: Time;
  readonly meter: CommandMeter;
  /** For commands that come from other edges; off unless given. */
  readonly tracing?: Tracing;
  /** Ids that never repeat, at any edge: randomUUID. */
  readonly newId: () => string;
  readonly limits: CommandLimits;
}

/** Makes the router of one edge. */
export function createCommandRouter(ports: CommandRouterPorts): CommandRouter {
  const { limits, time, meter } = ports;
  const link = createPeerLink({ ...ports, sendMs: limits.sendMs, askAgainMs: limits.askAgainMs });
  const ids = createCommandIds(limits.maxRememberedIds);
  const owner = createPeerOwner({
    ...ports,
    ids,
    maxInbound: limits.maxPending,
    maxTimeoutMs: limits.maxTimeoutMs,
    replyMs: limits.sendMs,
    graceMs: limits.graceMs,
    maxToldUnits: limits.maxToldUnits,
  });
  const gate = createGate(limits.maxPending);

  return {
    async command(request) {
      const beganAtMs = time.monotonicMs();
      const keys = identityKeyCandidates(request.identity);
      const timeoutMs = Math.min(request.timeoutMs, limits.maxTimeoutMs);
      const outcome = await gate.pass(() =>
        handOn<CommandOutcome>(ports, keys, timeoutMs, commandHands(ports, link, request)),
      );
      meter.ended(outcome.kind, (time.monotonicMs() - beganAtMs) / 1000); // C3
      return outcome;
    },
    close: (identity) =>
      gate.pass(() =>
        handOn<CloseOutcome>(
          ports,
          identityKeyCandidates(identity),
          limits.closeMs,
          closeHands(link, limits),
        ),
      ),
    find: (identity) => find(ports, identity),
    onPeerMessage(message, ageMs) {
      if (message.kind === "reply") link.onReply(message);
      else owner.onMessage(message, ageMs);
    },
    get pending() {
      return gate.open;
    },
    get pendingForPeers() {
      return owner.open;
    },
    async stop(deadlineMs) {
      await within(time, deadlineMs, () => gate.shut());
      link.abandon();
    },
  };
}

function commandHands(
  ports: CommandRouterPorts,
  link: PeerLink,
  request: CommandRequest,
): Hands<CommandOutcome> {
  const { action, payloadJson, span } = request;
  const { graceMs } = ports.limits;
  return {
    span,
    here: (session, ownership, leftMs) =>
      callHere(ports, session, { ...request, timeoutMs: leftMs }, ownership),
    async there(to, leftMs) {
      const asking = span && beginPeerSpan(span, action);
      const body = { action, payload: payloadJson, budgetMs: leftMs };
      const traced = asking === undefined ? body : { ...body, traceparent: asking.traceparent };
      const limitMs = leftMs + graceMs;
      const answer = await link.ask({ to, kind: "command", body: traced, limitMs, span: asking });
      endPeerSpan(asking, answer);
      return endOfPeerCommand(answer);
    },
  };
}

async function callHere(
  ports: CommandRouterPorts,
  session: LiveSession,
  request: CommandRequest,
  ownership: Verification,
): Promise<CommandOutcome> {
  const { action, payloadJson, timeoutMs, span } = request;
  const called = await within(ports.time, timeoutMs + ports.limits.graceMs, () =>
    tracedCall(span, session, action, () => session.call(action, payloadJson, timeoutMs)),
  ); // C1: the session's own time limit is the first guard, this is the second
  if (called.kind !== "value") return noAnswer("unknown", ownership);
  return endOfCall(called.value, ownership, ports.edge);
}

function closeHands(link: PeerLink, limits: CommandLimits): Hands<CloseOutcome> {
  return {
    span: undefined,
    async here(session) {
      session.close("operator");
      return { kind: "closed" };
    },
    async there(to, leftMs) {
      const body = { budgetMs: leftMs };
      return endOfPeerClose(await link.ask({ to, kind: "close", body, limitMs: leftMs + limits.graceMs }));
    },
  };
}

async function find(ports: HandingPorts, identity: Identity): Promise<FindOutcome> {
  const place = await locate(ports, identityKeyCandidates(identity), ports.limits.lookupMs);
  switch (place.kind) {
    case "here":
      return { kind: "here", session: place.session, ownership: place.ownership };
    case "there":
      return { kind: "there", row: place.row };
    case "away":
      return { kind: "registryAway", retryAfterMs: place.retryAfterMs };
    case "ghost": // not repaired by a question; a command purges its row
    case "absent":
    default:
      return { kind: "offline" };
  }
}

type Refused = Extract<CommandOutcome, { kind: "edgeBusy" | "stopping" }>;

// Counts what is open, refuses what is too much (C2), and says when the last one has ended.
function createGate(maxOpen: number) {
  let open = 0;
  let emptied: Promise<void> | undefined; // there once it is shut
  let onEmpty = (): void => {};

  return {
    get open(): number {
      return open;
    },
    async pass<T>(run: () => Promise<T>): Promise<T | Refused> {
      if (emptied !== undefined) return { kind: "stopping", retryAfterMs: stoppingRetryAfterMs };
      if (open >= maxOpen) return { kind: "edgeBusy", retryAfterMs: busyRetryAfterMs };
      open += 1;
      try {
        return await run();
      } finally {
        open -= 1;
        if (open === 0) onEmpty();
      }
    },
    shut(): Promise<void> {
      emptied ??= new Promise((resolve) => {
        onEmpty = resolve;
        if (open === 0) resolve();
      });
      return emptied;
    },
  };
}
