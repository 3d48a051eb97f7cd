// Our CALLs to one charge point: one open, the others in line.
//
// O1. At most one CALL is open towards the station: until it is answered, or `callTimeoutMs` after it was sent
//     (OCPP-J §4.1.1). A caller with less patience is told earlier, but the line stays taken until then; for one with more it stays
//     taken until its own deadline.
// O2. Each call ends once: by its answer, its own deadline, the station's end, or a full line. A call whose deadline
//     passes while it waits is never sent.
// O3. An answer that nobody waits for is counted and ignored: late, repeated or invented.
// O4. Who leaves serves the open CALL to its end, and sends none any more.

import { encodeCall } from "@cpg/ocpp";
import type { Time, Timer } from "@cpg/session-registry";
import type { CallOutcome } from "./session-port.ts";

/** What the line needs. */
export interface OutboundPorts {
  readonly time: Time;
  /** Never repeats; at most 36 characters. */
  readonly newMessageId: () => string;
  /** False: not sent, the socket is ending. */
  readonly send: (frame: string) => boolean;
  readonly maxQueued: number;
  readonly callTimeoutMs: number;
  /** An answer came that nobody waits for (O3). */
  readonly onUnexpectedAnswer: () => void;
}

interface PendingCall {
  readonly id: string;
  readonly frame: string;
  readonly resolve: (outcome: CallOutcome) => void;
  readonly deadline: Timer;
  /** When its caller gives up, monotonic. */
  readonly deadlineAtMs: number;
  /** When it went to the station, monotonic; 0 while it waits in line. */
  sentMs: number;
  isTold: boolean;
}

/** The line of one session; made with its first command, most sessions never have one. */
export class OutboundCalls {
  readonly #ports: OutboundPorts;
  #open: PendingCall | undefined;
  #openUntil: Timer | undefined;
  #queue: PendingCall[] = [];
  #isOver = false;

  constructor(ports: OutboundPorts) {
    this.#ports = ports;
  }

  /** True while a caller waits for something. */
  get isBusy(): boolean {
    return (this.#open !== undefined && !this.#open.isTold) || this.#queue.length > 0;
  }

  /** When the CALL was sent that the station has not answered, monotonic; undefined while none is open. */
  get openSinceMs(): number | undefined {
    return this.#open?.sentMs;
  }

  /** Sends a CALL when its turn comes. Never rejects. `payloadJson` is one JSON object as text. */
  call(action: string, payloadJson: string, timeoutMs: number): Promise<CallOutcome> {
    if (this.#isOver) return Promise.resolve({ kind: "gone", delivery: "notSent" });
    if (this.#open !== undefined && this.#queue.length >= this.#ports.maxQueued) {
      return Promise.resolve({ kind: "lineFull" });
    }
    return new Promise((resolve) => {
      const id = this.#ports.newMessageId();
      const pending: PendingCall = {
        id,
        frame: encodeCall(id, action, payloadJson),
        resolve,
        deadline: this.#ports.time.after(timeoutMs, () => this.#onDeadline(pending)),
        deadlineAtMs: this.#ports.time.monotonicMs() + timeoutMs,
        sentMs: 0,
        isTold: false,
      };
      this.#queue.push(pending);
      this.#sendNext();
    });
  }

  /** An answer of the station. False: nobody waits for that id (O3). */
  answered(id: string, outcome: CallOutcome): boolean {
    const open = this.#open;
    if (open === undefined || open.id !== id) {
      this.#ports.onUnexpectedAnswer();
      return false;
    }
    if (open.isTold) this.#ports.onUnexpectedAnswer();
    this.#tell(open, outcome);
    this.#free();
    return true;
  }

  /** Nothing more is sent: what waits in line ends, and what comes (O4). */
  takeNoMore(): void {
    this.#isOver = true;
    for (const queued of this.#queue.splice(0)) this.#tell(queued, { kind: "gone", delivery: "notSent" });
  }

  /** The socket is gone: every call ends. */
  gone(): void {
    this.takeNoMore();
    this.#openUntil?.cancel();
    if (this.#open !== undefined) this.#tell(this.#open, { kind: "gone", delivery: "unknown" });
    this.#open = undefined;
  }

  #sendNext(): void {
    if (this.#open !== undefined) return; // O1
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#open = next;
    next.sentMs = this.#ports.time.monotonicMs();
    if (!this.#ports.send(next.frame)) {
      // The socket is ending and `gone` follows or has come already; the caller need not wait for it.
      this.#open = undefined;
      this.#tell(next, { kind: "gone", delivery: "notSent" });
      return;
    }
    const openMs = Math.max(this.#ports.callTimeoutMs, next.deadlineAtMs - next.sentMs);
    this.#openUntil = this.#ports.time.after(openMs, () => this.#onOpenTimeout(next));
  }

  #onDeadline(call: PendingCall): void {
    if (this.#open === call) {
      this.#tell(call, { kind: "timeout", delivery: "sent" }); // O1: the line stays taken
      return;
    }
    this.#queue = this.#queue.filter((queued) => queued !== call);
    this.#tell(call, { kind: "timeout", delivery: "notSent" }); // O2
  }

  #onOpenTimeout(call: PendingCall): void {
    if (this.#open !== call) return;
    this.#tell(call, { kind: "timeout", delivery: "sent" });
    this.#free();
  }

  #free(): void {
    this.#openUntil?.cancel();
    this.#open = undefined;
    this.#sendNext();
  }

  #tell(call: PendingCall, outcome: CallOutcome): void {
    if (call.isTold) return; // O2
    call.isTold = true;
    call.deadline.cancel();
    call.resolve(outcome);
  }
}
