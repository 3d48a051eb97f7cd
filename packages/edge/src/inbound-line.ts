// The CALLs of one charge point: one being served, the others in line, in order. Pure: no timers, no I/O.
//
// L1. At most one is being served; the next begins when it is answered (OCPP-J §4.1.1, one outstanding CALL).
// L2. At most `maxWaiting` wait. uWebSockets.js cannot pause reading, so one more is an overflow and ends the socket.
// L3. An idle line holds no array: 100,000 of them are idle at any time.

/** What became of an offered CALL: serve it now, it waits, or there is no room. */
export type LineOutcome = "serve" | "waiting" | "overflow";

/** A bounded line with one place at its head. */
export class InboundLine<T> {
  readonly #maxWaiting: number;
  #serving: T | undefined;
  #waiting: T[] | undefined; // L3

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  offer(item: T): LineOutcome {
    if (this.#serving === undefined) {
      this.#serving = item;
      return "serve";
    }
    this.#waiting ??= [];
    if (this.#waiting.length >= this.#maxWaiting) return "overflow"; // L2
    this.#waiting.push(item);
    return "waiting";
  }

  /** The one being served is answered; returns the next, which is now being served. */
  next(): T | undefined {
    this.#serving = this.#waiting?.shift();
    if (this.#waiting?.length === 0) this.#waiting = undefined;
    return this.#serving;
  }

  /** The last item in the line, the served one included, that fits. */
  findLast(fits: (item: T) => boolean): T | undefined {
    const waiting = this.#waiting?.findLast(fits);
    if (waiting !== undefined || this.#serving === undefined) return waiting;
    return fits(this.#serving) ? this.#serving : undefined;
  }

  /** Forgets everything; returns what was still waiting, unserved. */
  clear(): readonly T[] {
    const unserved = this.#waiting ?? [];
    this.#serving = undefined;
    this.#waiting = undefined;
    return unserved;
  }

  /** What is being served: what has been in the line for longest. */
  get head(): T | undefined {
    return this.#serving;
  }

  get isIdle(): boolean {
    return this.#serving === undefined;
  }
}
