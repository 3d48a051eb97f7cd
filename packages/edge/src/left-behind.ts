// CALLs whose station is gone, and which a backend or a stream is still to have. No clock, no I/O.
//
// B1. They are tried to their deadline as all others: what a station says in the moment its connection breaks is to be heard, and a restart of the
//     backend in that moment is a pause for it too. A drain waits for them (drain.ts).
// B2. But of one charge point at most `max` are left behind: for one more the oldest is ended. So one that comes, tells and leaves, again and again, before
//     a backend that hangs, has the edge hold no more for it than one that stays (R9), beside what was sent and goes on to its own end
//     (until-deadline.ts D5). One whose turn at its backend comes counts from then.

import type { IdentityKey } from "@cpg/ocpp";
import type { Endable } from "./until-deadline.ts";

/** Those of one edge, and those that wait for their turn (integrations/turns.ts). */
export class LeftBehind {
  readonly #max: number;
  readonly #left = new Map<IdentityKey, Set<Endable>>();
  #size = 0;

  /** `max`: of one charge point. */
  constructor(max: number) {
    this.#max = max;
  }

  /** All there are. */
  get size(): number {
    return this.#size;
  }

  /** Its station has gone. */
  add(key: IdentityKey, left: Endable): void {
    const all = this.#left.get(key) ?? new Set();
    this.#left.set(key, all.add(left));
    this.#size += 1;
    if (all.size <= this.#max) return;
    const [oldest] = all;
    if (oldest === undefined) return;
    this.done(key, oldest);
    oldest.expiry?.end(); // B2
  }

  /** It is answered, or was ended. */
  done(key: IdentityKey, left: Endable): void {
    const all = this.#left.get(key);
    if (all?.delete(left) === true) this.#size -= 1;
    if (all?.size === 0) this.#left.delete(key);
  }
}
