// The memory that makes a command id act at most once at this edge (R11). Pure: the caller brings the time.
//
// I1. An id is forgotten only when its time is over: never to make room. A full memory refuses new ids.
// I2. Ids leave in the order in which they came, so one look at the oldest is enough: no timer, no scan. One with a long time keeps those
//     behind it a little longer than they need, never shorter.
// I3. An id is kept as a copy: cut out of a message it is, for V8, a view of that message, which would stay in memory as long.

import { Fifo } from "../fifo.ts";

/** How an id was received. `full`: nothing can be promised for it, so nothing may be done with it. */
export type IdAdmission = "new" | "seen" | "full";

/** A bounded memory of ids. */
export interface CommandIds {
  /** Remembers the id for `retentionMs`. `nowMs` is monotonic and does not go back. */
  admit(id: string, nowMs: number, retentionMs: number): IdAdmission;
  /** Ids held now. */
  readonly size: number;
}

/** Makes an empty memory of at most `capacity` ids. */
export function createCommandIds(capacity: number): CommandIds {
  const forgetAtMs = new Map<string, number>();
  const inOrder = new Fifo<string>();

  function forgetExpired(nowMs: number): void {
    for (let id = inOrder.oldest; id !== undefined; id = inOrder.oldest) {
      if (nowMs < (forgetAtMs.get(id) ?? 0)) return; // I2
      forgetAtMs.delete(id);
      inOrder.shift();
    }
  }

  return {
    admit(id, nowMs, retentionMs) {
      forgetExpired(nowMs);
      if (forgetAtMs.has(id)) return "seen";
      if (forgetAtMs.size >= capacity) return "full"; // I1
      const kept = copyOf(id);
      forgetAtMs.set(kept, nowMs + retentionMs);
      inOrder.push(kept);
      return "new";
    },
    get size() {
      return forgetAtMs.size;
    },
  };
}

/** The same text in memory of its own (I3). */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
