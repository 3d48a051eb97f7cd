// CALLs whose station is gone, and which a backend or a stream is still to have. No clock, no I/O.
//
// B1. They are tried to their deadline as all others: what a station says in the moment its connection breaks is to be heard, and a restart of the
//     backend in that moment is a pause for it too.
// B2. But of one charge point at most `max` are left behind: for one more the oldest is ended. So one that comes, tells and leaves, again and again, before
//     a backend that hangs, has the edge hold no more for it than one that stays (R9), beside what was sent and goes on to its own end
//     (until-deadline.ts D5).

import type { IdentityKey } from "@cpg/ocpp";
import type { InboundCall } from "./integration.ts";

/** Those of one edge. */
export class LeftBehind {
  readonly #max: number;
  readonly #calls = new Map<IdentityKey, Set<InboundCall>>();

  /** `max`: of one charge point. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Its station has gone. */
  add(call: InboundCall): void {
    const { key } = call.station;
    const calls = this.#calls.get(key) ?? new Set();
    this.#calls.set(key, calls.add(call));
    if (calls.size <= this.#max) return;
    const [oldest] = calls;
    if (oldest === undefined) return;
    this.done(oldest);
    oldest.expiry?.end(); // B2
  }

  /** It is answered, or was ended. */
  done(call: InboundCall): void {
    const { key } = call.station;
    const calls = this.#calls.get(key);
    calls?.delete(call);
    if (calls?.size === 0) this.#calls.delete(key);
  }
}
