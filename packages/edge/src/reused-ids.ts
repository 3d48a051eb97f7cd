// Remembers what was answered to which message, so that a retry with the same id is answered and not served twice.
// Pure in (input, now).
//
// A message id is an idempotency key, never a reason to drop (FACTS §7). Yet stations exist that use one id for
// everything and others that count from 1 after each reboot, so the id alone proves nothing:
// I1. Only the same id with the same action and the same payload text is a repetition.
// I2. Only results are repeated. After a CALLERROR the station's retry is served again, under the same call id, so a
//     backend that did its work and then failed to say so can recognise it.
// I3. At most `maxEntries` are remembered; what would be forgotten soonest makes room. None is remembered longer than its
//     time: transaction messages for ten minutes (stations repeat them after 60 s, 120 s, …), others for `keepMs`, because
//     the answer to a Heartbeat grows old.
// I4. This is written for each CALL of a backend's, and outlives it: so a message is remembered as numbers in lists, which are
//     overwritten in their places, and the one text kept alive is its answer's.

import { hash } from "node:crypto";

/** What is remembered of one message. */
export interface Remembered {
  /** Which call of its session it was. */
  readonly callNumber: number;
  /** Payload of the CALLRESULT; undefined after a CALLERROR (I2). */
  readonly payloadJson: string | undefined;
}

const transactionKeepMs = 600_000;

/** A message, as far as it is recognised by it. */
export interface MessageText {
  readonly id: string;
  readonly action: string;
  readonly payloadJson: string;
}

/** A message, as it is looked for: 96 bits of a digest. 1 µs, against kilobytes for each of 100,000 stations. */
export interface MessageKey {
  readonly mark: number;
  readonly check: number;
}

/** What makes two messages the same message (I1). */
export function messageKey({ id, action, payloadJson }: MessageText): MessageKey {
  const digest = hash("sha256", `${String(id.length)} ${id}${action} ${payloadJson}`, "binary");
  return { mark: sixBytes(digest, 0), check: sixBytes(digest, 6) };
}

// As many as a number holds exactly.
function sixBytes(bytes: string, from: number): number {
  let number = 0;
  for (let at = from; at < from + 6; at++) number = number * 256 + bytes.charCodeAt(at);
  return number;
}

const emptyObject = "{}"; // most answers: one text for all of them

/** The memory of one session. Messages are named by `messageKey`. */
export class ReusedIds {
  readonly #maxEntries: number;
  readonly #keepMs: number;
  /** The lists of I4: a message stands at one place in all of them. */
  readonly #marks: number[] = [];
  readonly #checks: number[] = [];
  readonly #untilMs: number[] = [];
  readonly #callNumbers: number[] = [];
  readonly #payloads: (string | undefined)[] = [];

  constructor(maxEntries: number, keepMs: number) {
    this.#maxEntries = maxEntries;
    this.#keepMs = keepMs;
  }

  /** What was answered to the same message. */
  recall(key: MessageKey, nowMs: number): Remembered | undefined {
    const at = this.#find(key);
    const callNumber = this.#callNumbers[at];
    if (callNumber === undefined || (this.#untilMs[at] ?? 0) <= nowMs) return undefined;
    return { callNumber, payloadJson: this.#payloads[at] };
  }

  /** Remembers an answer. A later one for the same message replaces it. */
  remember(
    key: MessageKey,
    isTransaction: boolean,
    { callNumber, payloadJson }: Remembered,
    nowMs: number,
  ): void {
    if (this.#maxEntries === 0) return;
    const found = this.#find(key);
    const at = found < 0 ? this.#room() : found;
    this.#marks[at] = key.mark;
    this.#checks[at] = key.check;
    this.#untilMs[at] = nowMs + (isTransaction ? transactionKeepMs : this.#keepMs);
    this.#callNumbers[at] = callNumber;
    this.#payloads[at] = payloadJson === emptyObject ? emptyObject : payloadJson;
  }

  /** Where the message stands; -1: nowhere. */
  #find({ mark, check }: MessageKey): number {
    const at = this.#marks.indexOf(mark);
    return this.#checks[at] === check ? at : -1;
  }

  /** A place for one more (I3). */
  #room(): number {
    const { length } = this.#marks;
    if (length < this.#maxEntries) return length;
    let soonest = 0;
    for (let at = 1; at < length; at++) {
      if ((this.#untilMs[at] ?? 0) < (this.#untilMs[soonest] ?? 0)) soonest = at;
    }
    return soonest;
  }
}
