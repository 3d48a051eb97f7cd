// The CALLs of one charge point on their way through a route and back.
//
// N1. Served in order, one at a time (inbound-line.ts). A route that answers at once costs no promise and no timer; what goes to a backend
//     or a stream waits for its departure first, then for its turn where the backend has more than enough (integrations/turns.ts), and its answer
//     for those of the CALLs it left with (departures.ts).
// N2. A repetition of a CALL that is still in line is answered by that one's answer, once, unless another came under its id since; a repetition of
//     one that was answered gets the remembered answer. The backend is called once either way (reused-ids.ts).
// N3. An answer whose socket is gone is counted and dropped; the backend's work is not cancelled: it may be done already. How many such
//     there are is bounded (left-behind.ts).
// N4. A SEND (2.1) is served like a CALL and never answered, not even with an error.
// N5. An integration neither throws nor rejects: its contract. One that does so all the same costs its CALL an InternalError,
//     not the charge point its line.

import { encodeCallError, encodeCallResult, errorCode, isTransactionMessage, type Request } from "@cpg/ocpp";
import type { Time } from "@cpg/session-registry";
import type { Span, Tracing } from "@cpg/telemetry";
import type { Departures, Party } from "./departures.ts";
import type { CallAnswer, InboundCall, Route, Station } from "./integration.ts";
import { InboundLine } from "./inbound-line.ts";
import type { FrameType, Instruments } from "./instruments.ts";
import type { LeftBehind } from "./left-behind.ts";
import { messageKey, ReusedIds, type MessageKey, type Remembered } from "./reused-ids.ts";
import type { Router } from "./router.ts";
import { beginCallSpan, endCallSpan } from "./spans.ts";
import type { Endable } from "./until-deadline.ts";

/** What all sessions of an edge share for this. */
export interface InboundContext {
  readonly router: Router;
  readonly departures: Departures;
  readonly leftBehind: LeftBehind;
  readonly time: Time;
  readonly tracing: Tracing;
  readonly instruments: Instruments;
  readonly maxInboundCalls: number;
  readonly reusedIdMemory: number;
  /** How long an answer is remembered, unless it is a transaction message's; ms. */
  readonly rememberMs: number;
  onBug(error: unknown, span?: Span): void;
}

/** What it needs of its session. */
export interface InboundOwner extends Station {
  /** False: the socket is ending or gone. */
  sendFrame(frame: string, type: FrameType): boolean;
  onInboundOverflow(): void;
}

/**
 * A CALL in the line, and when it came: its age is the charge point's waiting time, the line included. Of the payload its text alone: what was
 * read of it takes as much again, and nobody looks at it any more.
 */
interface Received extends Omit<Request, "payload"> {
  readonly receivedMs: number;
  /** Where it is sampled. */
  readonly span: Span | undefined;
}

/** The inbound side of one session. */
export class InboundCalls {
  readonly #context: InboundContext;
  readonly #owner: InboundOwner;
  readonly #line: InboundLine<Received>;
  #memory: ReusedIds | undefined;
  /** What a backend or a stream has of it, or its place in the line before. */
  #asked: Endable | undefined;
  #served = 0;
  #isClosed = false;

  constructor(context: InboundContext, owner: InboundOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#line = new InboundLine(context.maxInboundCalls);
  }

  get isIdle(): boolean {
    return this.#line.isIdle;
  }

  /** When the CALL came that waits for its answer longest, monotonic; undefined while none waits. */
  get oldestMs(): number | undefined {
    return this.#line.head?.receivedMs;
  }

  /** A CALL or SEND arrived. */
  receive(request: Request): void {
    if (!this.#line.isIdle && this.#isInLine(request)) {
      this.#context.instruments.reusedId(); // N2
      return;
    }
    const { time, tracing } = this.#context;
    const span = tracing.samples()
      ? beginCallSpan(tracing, this.#owner, request.action, request.id)
      : undefined;
    const { kind, id, action, payloadJson } = request;
    const received = { kind, id, action, payloadJson, receivedMs: time.monotonicMs(), span };
    switch (this.#line.offer(received)) {
      case "serve":
        this.#serveFrom(received);
        return;
      case "waiting":
        return;
      case "overflow":
        span?.end("inboundOverflow");
        this.#owner.onInboundOverflow();
    }
  }

  /** The socket is gone. */
  closed(): void {
    this.#isClosed = true;
    for (const { action, span } of this.#line.clear()) {
      span?.end("closed");
      this.#context.instruments.served(this.#owner.version, action, "unanswered");
    }
    if (this.#asked !== undefined) this.#context.leftBehind.add(this.#owner.key, this.#asked); // N3
  }

  #isInLine(request: Request): boolean {
    const last = this.#line.findLast(({ id }) => id === request.id);
    return last?.action === request.action && last.payloadJson === request.payloadJson;
  }

  #serveFrom(first: Received): void {
    let received: Received | undefined = first;
    while (received !== undefined) {
      if (this.#serve(received)) return; // its answer goes on with the line
      received = this.#line.next();
    }
  }

  /** True: the answer is pending. */
  #serve(received: Received): boolean {
    const { router, departures } = this.#context;
    const route = router.route(this.#owner.version, received.action);
    if (route !== undefined && route.kind !== "local") {
      departures.add((party) => this.#leave(received, route, party));
      return true;
    }
    // What the edge answers by itself is not worth remembering: serving it again is as good, and fresher.
    this.#memory?.other(received.id);
    if (route === undefined) {
      this.#answer(received, notImplemented);
      return false;
    }
    const answer = this.#ask(route, this.#callOf(received, (this.#served += 1), 0));
    if (!(answer instanceof Promise)) {
      this.#answer(received, answer);
      return false;
    }
    this.#finishLater(answer, received);
    return true;
  }

  /** To its backend or stream, unless it went there before. */
  #leave(received: Received, route: Route, party: Party | undefined): void {
    const key = messageKey(received);
    const known = this.#recall(key);
    if (known?.payloadJson !== undefined) {
      this.#context.instruments.reusedId();
      this.#finishLater({ kind: "result", payloadJson: known.payloadJson }, received); // N2
      return;
    }
    const callNumber = known?.callNumber ?? (this.#served += 1);
    const begin = (waitedMs: number, together?: Party): void => {
      const call = this.#callOf(received, callNumber, waitedMs);
      const answer = this.#ask(route, call);
      this.#setAsked(call);
      const remember = (given: CallAnswer): void => this.#remember(received, key, callNumber, given);
      this.#finishLater(answer, received, remember, together);
    };
    const { turns } = route;
    if (turns?.mustWait !== true) {
      begin(0, party);
      return;
    }
    const over = (answer: CallAnswer): void => this.#finishLater(answer, received);
    this.#setAsked(turns.wait("calls", { come: begin, over }));
  }

  /**
   * Answers it and goes on with the line, after this turn: however many are answered from memory, none stands on the stack of the next. An answer
   * waits for those of its party.
   */
  #finishLater(
    pending: CallAnswer | Promise<CallAnswer>,
    received: Received,
    remember?: (answer: CallAnswer) => void,
    party?: Party,
  ): void {
    const finish = (answer: CallAnswer): void => {
      remember?.(answer);
      this.#setAsked(undefined);
      this.#answer(received, answer);
      if (this.#isClosed) return; // N3
      const next = this.#line.next();
      if (next !== undefined) this.#serveFrom(next);
    };
    const cameBack = (answer: CallAnswer): void => {
      if (party === undefined) finish(answer);
      else party.cameBack(() => finish(answer));
    };
    const broke = (error: unknown): void => {
      this.#context.onBug(error, received.span);
      cameBack(broken); // N5
    };
    party?.expect();
    Promise.resolve(pending)
      .then(cameBack, broke)
      .catch((error: unknown) => this.#context.onBug(error));
  }

  #setAsked(asked: Endable | undefined): void {
    const before = this.#asked;
    this.#asked = asked;
    if (!this.#isClosed) return;
    const { leftBehind } = this.#context;
    const { key } = this.#owner;
    if (before !== undefined) leftBehind.done(key, before);
    if (asked !== undefined) leftBehind.add(key, asked); // N3
  }

  #ask(route: Route, call: InboundCall): CallAnswer | Promise<CallAnswer> {
    try {
      return route.serve(call);
    } catch (error) {
      this.#context.onBug(error, call.span);
      return broken; // N5
    }
  }

  #callOf({ action, id, payloadJson, span }: Received, callNumber: number, waitedMs: number): InboundCall {
    const isTransaction = isTransactionMessage(action, this.#owner.version);
    return {
      callId: `${this.#owner.connection}:${String(callNumber)}`,
      messageId: id,
      action,
      payloadJson,
      station: this.#owner,
      patience: isTransaction ? "hold" : "normal",
      waitedMs,
      span,
      expiry: undefined,
    };
  }

  #recall(key: MessageKey): Remembered | undefined {
    return this.#memory?.recall(key, this.#context.time.monotonicMs());
  }

  #remember({ action }: Received, key: MessageKey, callNumber: number, answer: CallAnswer): void {
    if (this.#isClosed) return;
    const { reusedIdMemory, rememberMs, time } = this.#context;
    this.#memory ??= new ReusedIds(reusedIdMemory, rememberMs);
    const payloadJson = answer.kind === "result" ? answer.payloadJson : undefined;
    const isTransaction = isTransactionMessage(action, this.#owner.version);
    this.#memory.remember(key, isTransaction, { callNumber, payloadJson }, time.monotonicMs());
  }

  #answer(received: Received, answer: CallAnswer): void {
    const { instruments, time } = this.#context;
    const { kind, action, receivedMs, span } = received;
    const type = answer.kind === "result" ? "result" : "error";
    const isSent = kind === "call" && this.#owner.sendFrame(this.#frameOf(received.id, answer), type); // N4
    const isUnanswered = kind === "call" && !isSent; // a SEND waits for nothing: what the backend made of it counts
    instruments.served(this.#owner.version, action, isUnanswered ? "unanswered" : answer.kind);
    instruments.processing((time.monotonicMs() - receivedMs) / 1000);
    if (span !== undefined) endCallSpan(span, answer, isSent);
  }

  #frameOf(id: string, answer: CallAnswer): string {
    const { version } = this.#owner;
    if (answer.kind === "result") return encodeCallResult(id, answer.payloadJson);
    if (answer.kind === "fault") {
      return encodeCallError(id, errorCode(answer.fault, version), answer.description, version);
    }
    return encodeCallError(id, answer.code, answer.description, version, answer.detailsJson);
  }
}

const notImplemented: CallAnswer = {
  kind: "fault",
  fault: "notImplemented",
  description: "no route for this action",
};

const broken: CallAnswer = {
  kind: "fault",
  fault: "internalError",
  description: "the edge failed to serve it",
};
