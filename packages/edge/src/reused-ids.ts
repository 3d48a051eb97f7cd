// Remembers what was answered to which message, so that a retry with the same id is answered and not served twice.
// Pure in (input, now).
//
// A message id is an idempotency key, never a reason to drop (FACTS §7). Yet stations exist that use one id for
// everything and others that count from 1 after each reboot, so the id alone proves nothing:
// I1. Only the same id with the same action and the same payload text is a repetition.
//     It is none any more when another message came under that id since, also one that is not remembered itself: a station that
//     uses one id for everything tells A, B, and A again because it is A again, and a driver who shows the same card twice is asked
//     about twice. Transaction messages stay: they carry their time or number, so equal ones are one, and a second StartTransaction
//     would be a second transaction.
// I2. Only results are repeated. After a CALLERROR the station's retry is served again, under the same call id, so a
//     backend that did its work and then failed to say so can recognise it.
// I3. At most `maxEntries` are remembered; what would be forgotten soonest makes room. None is remembered longer than its
//     time: transaction messages for ten minutes (stations repeat them after 60 s, 120 s, …), others for `keepMs`, because
//     the answer to a Heartbeat grows old.
// I4. This is written for each CALL of a backend's, and outlives it: so a message is remembered as five numbers in a row of one list,
//     overwritten in their places, and the one text kept alive is its answer's.

import { hash } from "node:crypto";
import { fnvStart, fnvStep } from "./fnv.ts";

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

/** A message, as it is looked for: its id's mark, and 96 bits of a digest. 1 µs, against kilobytes for each of 100,000 stations. */
export interface MessageKey {
  /** Equal for equal ids; that others share it now and then costs a repetition its answer, no more. */
  readonly id: number;
  readonly mark: number;
  readonly check: number;
}

/** What makes two messages the same message (I1). */
export function messageKey({ id, action, payloadJson }: MessageText): MessageKey {
  const digest = hash("sha256", `${String(id.length)} ${id}${action} ${payloadJson}`, "binary");
  return { id: markOf(id), mark: sixBytes(digest, 0), check: sixBytes(digest, 6) };
}

function markOf(id: string): number {
  let mark = fnvStart;
  for (let at = 0; at < id.length; at++) mark = fnvStep(mark, id.charCodeAt(at));
  return mark;
}

// As many as a number holds exactly.
function sixBytes(bytes: string, from: number): number {
  let number = 0;
  for (let at = from; at < from + 6; at++) number = number * 256 + bytes.charCodeAt(at);
  return number;
}

const emptyObject = "{}"; // most answers: one text for all of them

// Where the numbers of a message stand in its row (I4): mark, check, until when it is remembered (ms), its call's number, its id's mark.
const row = 5;
const [checkAt, untilAt, callAt, idAt] = [1, 2, 3, 4];

/** The memory of one session. Messages are named by `messageKey`. */
export class ReusedIds {
  readonly #maxEntries: number;
  readonly #keepMs: number;
  /** One row after the other, and the payloads in the same order. */
  readonly #numbers: number[] = [];
  readonly #payloads: (string | undefined)[] = [];

  constructor(maxEntries: number, keepMs: number) {
    this.#maxEntries = maxEntries;
    this.#keepMs = keepMs;
  }

  /** What was answered to the same message, which came now. Another one that came under its id is forgotten (I1). */
  recall(key: MessageKey, nowMs: number): Remembered | undefined {
    const at = this.#find(key);
    if (at < 0 || this.#number(at, untilAt) <= nowMs) {
      this.#forget(key.id);
      return undefined;
    }
    return { callNumber: this.#number(at, callAt), payloadJson: this.#payloads[at] };
  }

  /** A message that is not remembered itself came under this id (I1). */
  other(id: string): void {
    this.#forget(markOf(id));
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
    const numbers = this.#numbers;
    numbers[at * row] = key.mark;
    numbers[at * row + checkAt] = key.check;
    numbers[at * row + untilAt] = nowMs + (isTransaction ? transactionKeepMs : this.#keepMs);
    numbers[at * row + callAt] = callNumber;
    numbers[at * row + idAt] = isTransaction ? Number.NaN : key.id; // I1: equal to no id
    this.#payloads[at] = payloadJson === emptyObject ? emptyObject : payloadJson;
  }

  #forget(id: number): void {
    const { length } = this.#payloads;
    for (let at = 0; at < length; at++)
      if (this.#number(at, idAt) === id) this.#numbers[at * row + untilAt] = Number.NEGATIVE_INFINITY;
  }

  #number(at: number, place: number): number {
    return this.#numbers[at * row + place] ?? 0;
  }

  /** Where the message stands; -1: nowhere. */
  #find({ mark, check }: MessageKey): number {
    const { length } = this.#payloads;
    for (let at = 0; at < length; at++) {
      if (this.#number(at, 0) === mark && this.#number(at, checkAt) === check) return at;
    }
    return -1;
  }

  /** A place for one more (I3). */
  #room(): number {
    const { length } = this.#payloads;
    if (length < this.#maxEntries) return length;
    let soonest = 0;
    for (let at = 1; at < length; at++) {
      if (this.#number(at, untilAt) < this.#number(soonest, untilAt)) soonest = at;
    }
    return soonest;
  }
}
