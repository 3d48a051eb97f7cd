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

import { hash } from "node:crypto";

/** What is remembered of one message. */
export interface Remembered {
  readonly callId: string;
  /** Payload of the CALLRESULT; undefined after a CALLERROR (I2). */
  readonly payloadJson: string | undefined;
}

interface Entry extends Remembered {
  readonly messageId: string;
  readonly fingerprint: string;
  readonly untilMs: number;
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
  return text.length <= longestPlain ? text : hash("sha256", text, "base64");
}

/** The memory of one session. */
export class ReusedIds {
  readonly #maxEntries: number;
  readonly #keepMs: number;
  readonly #entries: Entry[] = [];

  constructor(maxEntries: number, keepMs: number) {
    this.#maxEntries = maxEntries;
    this.#keepMs = keepMs;
  }

  /** What was answered to the same message. An id that is new, as nearly all are, costs no digest. */
  recall({ id, action, payloadJson }: MessageText, nowMs: number): Remembered | undefined {
    const found = this.#entries.findLast((entry) => entry.messageId === id);
    if (found === undefined || found.untilMs <= nowMs) return undefined;
    return found.fingerprint === fingerprintOf(action, payloadJson) ? found : undefined; // I1
  }

  /** Remembers an answer. A later one for the same message replaces it. */
  remember(message: MessageText, isTransaction: boolean, answered: Remembered, nowMs: number): void {
    if (this.#maxEntries === 0) return;
    const { id: messageId, action, payloadJson } = message;
    const untilMs = nowMs + (isTransaction ? transactionKeepMs : this.#keepMs);
    const entries = this.#entries;
    for (let at = entries.length - 1; at >= 0; at -= 1) {
      const entry = entries[at];
      if (entry === undefined || entry.messageId === messageId || entry.untilMs <= nowMs)
        entries.splice(at, 1);
    }
    const fingerprint = fingerprintOf(action, payloadJson);
    entries.push({
      callId: answered.callId,
      payloadJson: answered.payloadJson,
      messageId,
      fingerprint,
      untilMs,
    });
    if (entries.length > this.#maxEntries) entries.shift(); // I3
  }
}
