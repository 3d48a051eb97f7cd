// The memory that makes a command id act at most once at this edge (R11). Pure: the caller brings the time.
//
// I1. An id is forgotten only when its time is over: never to make room. A full memory refuses new ids.
// I2. Ids leave in the order in which they came, so one look at the oldest is enough: no timer, no scan. One with a long time keeps those
//     behind it a little longer than they need, never shorter.

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

  function forgetExpired(nowMs: number): void {
    for (const [id, atMs] of forgetAtMs) {
      if (nowMs < atMs) return; // I2
      forgetAtMs.delete(id);
    }
  }

  return {
    admit(id, nowMs, retentionMs) {
      forgetExpired(nowMs);
      if (forgetAtMs.has(id)) return "seen";
      if (forgetAtMs.size >= capacity) return "full"; // I1
      forgetAtMs.set(id, nowMs + retentionMs);
      return "new";
    },
    get size() {
      return forgetAtMs.size;
    },
  };
}
