// One charge point's socket: what its frames mean, and its end.
//
// S1. open → ended, once. What arrives or is sent afterwards does nothing. The first cause given is the one that counts.
// S2. Malformed input gets what its version prescribes (decodeFrame), is counted, and never ends the socket.
// S3. The border calls `closed` inside `end`, so nothing here touches the session's parts after ending it.
// S4. What a station answers is written again, for the caller and between edges: nothing passes that cannot be.

import {
  decodeFrame,
  errorCode,
  type Identity,
  type IdentityKey,
  type Malformed,
  type OcppVersion,
} from "@cpg/ocpp";
import type { ConnectionId, Epoch } from "@cpg/session-registry";
import { closeTable, noCloseFrame, type EndLabel } from "./close-codes.ts";
import type { FrameType, MalformedAs } from "./instruments.ts";
import { InboundCalls, type InboundContext, type InboundOwner } from "./inbound-calls.ts";
import { isTooDeep } from "./rewritable-json.ts";
import { OutboundCalls } from "./outbound-calls.ts";
import { Outbox } from "./outbox.ts";
import type { CallOutcome, CloseCause, LiveSession } from "./session-port.ts";
import type { Socket, SocketEnd, SocketHandler } from "./socket-port.ts";

/** What all sessions of an edge share. */
export interface SessionContext extends InboundContext {
  readonly maxOutboxBytes: number;
  readonly maxQueuedCommands: number;
  readonly callTimeoutMs: number;
  readonly newMessageId: () => string;
  /** The socket is gone. Called once. `code`: of the close frame, or 1006 where there was none. */
  onEnded(session: Session, label: EndLabel, code: number): void;
}

/** What is known of a session from its start: its credentials were accepted. */
export interface SessionFacts {
  readonly identity: Identity;
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  readonly version: OcppVersion;
  readonly remote: string;
  /** Wall clock, ms since 1970. */
  readonly connectedAtMs: number;
  /** Time.monotonicMs() when its credentials were accepted: the claim's stamp is made of it. */
  readonly authenticatedAtMs: number;
}

type Phase =
  | { readonly kind: "open" }
  | { readonly kind: "ending"; readonly cause: CloseCause }
  | { readonly kind: "ended" };

const open: Phase = { kind: "open" };
const ended: Phase = { kind: "ended" };

/** A live session. */
export class Session implements LiveSession, SocketHandler, InboundOwner {
  epoch: Epoch | undefined;
  /** False once the registry itself has forgotten the session, or never took it. */
  isReleaseOwed = true;
  readonly #context: SessionContext;
  readonly #facts: SessionFacts;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #inbound: InboundCalls;
  #outbound: OutboundCalls | undefined;
  #phase: Phase = open;

  constructor(context: SessionContext, socket: Socket, facts: SessionFacts) {
    this.#context = context;
    this.#facts = facts;
    this.#socket = socket;
    this.#outbox = new Outbox(socket, context.maxOutboxBytes);
    this.#inbound = new InboundCalls(context, this);
  }

  get identity(): Identity {
    return this.#facts.identity;
  }

  get key(): IdentityKey {
    return this.#facts.key;
  }

  get connection(): ConnectionId {
    return this.#facts.connection;
  }

  get version(): OcppVersion {
    return this.#facts.version;
  }

  get remote(): string {
    return this.#facts.remote;
  }

  get connectedAtMs(): number {
    return this.#facts.connectedAtMs;
  }

  get authenticatedAtMs(): number {
    return this.#facts.authenticatedAtMs;
  }

  /** True while a CALL of either direction is open. */
  get isBusy(): boolean {
    return !this.#inbound.isIdle || this.#outbound?.isBusy === true;
  }

  /** Bytes that wait for the station to read them. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  /** Since when the oldest CALL of each direction waits for its answer, monotonic ms; undefined while none does. */
  get oldestInboundMs(): number | undefined {
    return this.#inbound.oldestMs;
  }

  get oldestOutboundMs(): number | undefined {
    return this.#outbound?.openSinceMs;
  }

  call(action: string, payloadJson: string, timeoutMs: number): Promise<CallOutcome> {
    if (this.#phase.kind !== "open") return Promise.resolve({ kind: "gone", delivery: "notSent" });
    return this.#outboundCalls().call(action, payloadJson, timeoutMs);
  }

  takeNoMore(): void {
    this.#outboundCalls().takeNoMore(); // also who has had no command yet
  }

  close(cause: CloseCause): void {
    if (this.#phase.kind !== "open") return; // S1
    this.#phase = { kind: "ending", cause };
    const row = closeTable[cause];
    if (row.peerSees === "code") this.#socket.end(row.code, row.reason);
    else this.#socket.abort();
  }

  // ---- InboundOwner

  sendFrame(frame: string, type: FrameType): boolean {
    if (this.#phase.kind !== "open") return false;
    const outcome = this.#outbox.send(frame);
    if (outcome === "accepted") this.#context.instruments.frameOut(type);
    if (outcome === "overflow") this.close("outboxOverflow");
    return outcome === "accepted";
  }

  onInboundOverflow(): void {
    this.close("inboundOverflow");
  }

  // ---- SocketHandler

  text(text: string): void {
    if (this.#phase.kind !== "open") return;
    const frame = decodeFrame(text, this.version);
    if (frame.kind !== "malformed" && frame.kind !== "ignored") this.#context.instruments.frameIn(frame.kind);
    switch (frame.kind) {
      case "call":
      case "send":
        this.#inbound.receive(frame);
        return;
      case "result":
        if (isTooDeep(frame.payload))
          this.#unreadable(frame.id, "payloadTooDeep"); // S4
        else this.#answered(frame.id, { kind: "answered", payload: frame.payload });
        return;
      case "error": {
        const { id, code, description, details } = frame;
        if (isTooDeep(details))
          this.#unreadable(id, "payloadTooDeep"); // S4
        else this.#answered(id, { kind: "rejected", code, description, details });
        return;
      }
      case "resultError":
        return; // our CALLRESULT was of no use to the station; counted by its type
      case "malformed":
        this.#malformed(frame);
        return;
      case "ignored":
        this.#context.instruments.ignored(frame.reason);
    }
  }

  binary(): void {
    // OCPP-J messages are text (§4.1.1); what a binary one means, nobody can tell, so nobody is answered.
    this.#context.instruments.ignored("binary");
  }

  drained(): void {
    this.#outbox.drained();
  }

  closed(end: SocketEnd): void {
    if (this.#phase.kind === "ended") return; // S1
    const label = this.#phase.kind === "ending" ? this.#phase.cause : labelOf(end);
    const code = codeOf(end); // also when we ended it: the border may have had to do without a close frame
    this.#phase = ended;
    this.#outbound?.gone();
    this.#inbound.closed();
    this.#context.onEnded(this, label, code);
  }

  #outboundCalls(): OutboundCalls {
    const { time, newMessageId, maxQueuedCommands: maxQueued, callTimeoutMs, instruments } = this.#context;
    return (this.#outbound ??= new OutboundCalls({
      time,
      newMessageId,
      maxQueued,
      callTimeoutMs,
      send: (frame) => this.sendFrame(frame, "call"),
      onUnexpectedAnswer: () => instruments.ignored("unmatched"),
    }));
  }

  #answered(id: string, outcome: CallOutcome): void {
    if (this.#outbound === undefined) this.#context.instruments.ignored("unmatched");
    else this.#outbound.answered(id, outcome);
  }

  /** It answers a CALL of ours, and nobody can tell what. */
  #unreadable(id: string, reason: MalformedAs): void {
    this.#context.instruments.malformed(reason);
    this.#answered(id, {
      kind: "rejected",
      code: errorCode("formatViolation", this.version),
      description: `the charge point's answer cannot be read: ${reason}`,
      details: {},
    });
  }

  // S2
  #malformed(frame: Malformed): void {
    if (frame.answers === undefined) this.#context.instruments.malformed(frame.reason);
    else this.#unreadable(frame.answers, frame.reason);
    if (frame.reply !== undefined)
      this.sendFrame(frame.reply, frame.answers === undefined ? "error" : "resultError");
  }
}

function codeOf(end: SocketEnd): number {
  return end.kind === "closed" ? end.code : noCloseFrame;
}

function labelOf(end: SocketEnd): EndLabel {
  return end.kind === "closed" ? "peer" : end.kind;
}
