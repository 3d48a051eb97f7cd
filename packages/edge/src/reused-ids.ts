// Remembers what was answered to which message id, so that a retry with the same id is answered and not served twice.
// Pure in (input, now).
//
// A message id is an idempotency key, never a reason to drop (FACTS §7). Yet stations exist that use one id for
// everything and others that count from 1 after each reboot, so the id alone proves nothing:
// I1. Only the same id with the same action and the same payload text is a repetition.
// I2. Only results are repeated. After a CALLERROR the station's retry is served again, under the same call id, so a
//     backend that did its work and then failed to say so can recognise it.
// I3. At most `maxEntries` are remembered, the oldest is forgotten first; none longer than its time: transaction
//     messages for ten minutes (stations repeat them after 60 s, 120 s, …), others for `keepMs`, because the answer to
//     a Heartbeat grows old.
// I4. This is written for each CALL of a backend's, and all of it outlives that CALL: what is kept is small, and a look for an id reads
//     two lists of numbers, not sixteen entries that left the cache long ago.

import { hash } from "node:crypto";

/** What is remembered of one message. */
export interface Remembered {
  /** Which call of its session it was. */
  readonly callNumber: number;
  /** Payload of the CALLRESULT; undefined after a CALLERROR (I2). */
  readonly payloadJson: string | undefined;
}

interface Entry extends Remembered {
  readonly messageId: string;
  readonly fingerprint: string;
}

const transactionKeepMs = 600_000;
// A payload longer than its digest is remembered as one: 1 µs, against kilobytes for each of 100,000 stations.
const longestPlain = 64;

/** A message, as far as it is recognised by it. */
export interface MessageText {
  readonly id: string;
  readonly action: string;
  readonly payloadJson: string;
}

/** What makes two messages with one id the same message (I1). */
export function fingerprintOf(action: string, payloadJson: string): string {
  const text = `${action} ${payloadJson}`;
  return text.length <= longestPlain ? text : hash("sha256", text, "binary");
}

const emptyObject = "{}"; // most answers: one text for all of them

/** The memory of one session. */
export class ReusedIds {
  readonly #maxEntries: number;
  readonly #keepMs: number;
  /** Oldest first; the two lists of I4 beside them. */
  readonly #entries: Entry[] = [];
  readonly #marks: number[] = [];
  readonly #untilMs: number[] = [];

  constructor(maxEntries: number, keepMs: number) {
    this.#maxEntries = maxEntries;
    this.#keepMs = keepMs;
  }

  /** What was answered to the same message. An id that is new, as nearly all are, costs no digest. */
  recall({ id, action, payloadJson }: MessageText, nowMs: number): Remembered | undefined {
    const at = this.#find(id);
    const found = this.#entries[at];
    if (found === undefined || (this.#untilMs[at] ?? 0) <= nowMs) return undefined;
    return found.fingerprint === fingerprintOf(action, payloadJson) ? found : undefined; // I1
  }

  /** Remembers an answer. A later one for the same message replaces it. */
  remember(message: MessageText, isTransaction: boolean, answered: Remembered, nowMs: number): void {
    if (this.#maxEntries === 0) return;
    const { id: messageId, action, payloadJson: asked } = message;
    const earlier = this.#find(messageId);
    if (earlier >= 0) this.#drop(earlier);
    if (this.#entries.length >= this.#maxEntries) this.#makeRoom(nowMs);
    const { callNumber, payloadJson } = answered;
    this.#entries.push({
      callNumber,
      payloadJson: payloadJson === emptyObject ? emptyObject : payloadJson,
      messageId,
      fingerprint: fingerprintOf(action, asked),
    });
    this.#marks.push(markOf(messageId));
    this.#untilMs.push(nowMs + (isTransaction ? transactionKeepMs : this.#keepMs));
  }

  /** Where the id stands; -1: nowhere. */
  #find(messageId: string): number {
    const mark = markOf(messageId);
    let at = this.#marks.lastIndexOf(mark);
    while (at > 0 && this.#entries[at]?.messageId !== messageId) at = this.#marks.lastIndexOf(mark, at - 1);
    return this.#entries[at]?.messageId === messageId ? at : -1;
  }

  /** I3: what is too old goes before what is oldest. */
  #makeRoom(nowMs: number): void {
    const over = this.#untilMs.findIndex((untilMs) => untilMs <= nowMs);
    this.#drop(over < 0 ? 0 : over);
  }

  #drop(at: number): void {
    this.#entries.splice(at, 1);
    this.#marks.splice(at, 1);
    this.#untilMs.splice(at, 1);
  }
}

// Tells most ids apart; what it does not is compared. Ids count up at their end or are random.
function markOf(messageId: string): number {
  const { length } = messageId;
  let mark = length;
  for (let at = Math.max(0, length - 8); at < length; at++) mark = (mark * 31 + messageId.charCodeAt(at)) | 0;
  return mark;
}
