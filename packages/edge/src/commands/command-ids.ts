// The memory that makes a command id act at most once at this edge (R11). Pure: the caller brings the time.
//
// I1. An id is forgotten only after `retentionMs`: never to make room. A full memory refuses new ids.
// I2. Ids leave in the order in which they came, so one look at the oldest is enough: no timer, no scan.

/** How an id was received. `full`: nothing can be promised for it, so nothing may be done with it. */
export type IdAdmission = "new" | "seen" | "full";

/** A bounded memory of ids. */
export interface CommandIds {
  /** Remembers the id. `nowMs` is monotonic and does not go back. */
  admit(id: string, nowMs: number): IdAdmission;
  /** Ids held now. */
  readonly size: number;
}

/** Makes an empty memory of at most `capacity` ids that holds each for `retentionMs`. */
export function createCommandIds(options: {
  readonly capacity: number;
  readonly retentionMs: number;
}): CommandIds {
  const seenAtMs = new Map<string, number>();

  function forgetExpired(nowMs: number): void {
    for (const [id, atMs] of seenAtMs) {
      if (nowMs - atMs < options.retentionMs) return; // I2
      seenAtMs.delete(id);
    }
  }

  return {
    admit(id, nowMs) {
      forgetExpired(nowMs);
      if (seenAtMs.has(id)) return "seen";
      if (seenAtMs.size >= options.capacity) return "full"; // I1
      seenAtMs.set(id, nowMs);
      return "new";
    },
    get size() {
      return seenAtMs.size;
    },
  };
}
