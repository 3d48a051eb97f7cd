// The line before a backend, for messages of which nothing was made yet: no headers, no promise, no state of a deadline. Timers by port.
//
// In a crowd most of an edge's messages wait. What waits for longer than from one collection of the young generation to the next is copied by
// it, and later collected with the old: so what waits is the message, and little more (bench/README.md, *History*).
//
// Y1. Who comes while no permit is free, or while others wait, waits; first come first served. An attempt that waits for a permit itself
//     (permits.ts) goes before all of them: its message is older.
// Y2. Whose turn it is takes a permit before it returns, or needs none. Those who can go at the end of a turn of the event loop go together:
//     what is done for one is still warm for the next.
// Y3. No more of them go at once than there are permits. Once a circuit is open nobody takes any, and the event loop would stand still for
//     thousands.
// Y4. What is told of a session (`$connect`, `$disconnect`) goes behind all CALLs: a station waits for those. It is given up at once where four times as many
//     wait as there are permits: nothing else bounds it, and it is best effort.
// Y5. Waiting ends with the waiter's patience, also if its turn comes late, or when it is ended before (left-behind.ts).

import type { Time, Timer } from "@cpg/session-registry";
import { Fifo } from "../fifo.ts";
import type { TurnLine } from "../integration.ts";
import type { Endable } from "../until-deadline.ts";

/** What is waited for. */
export interface Places {
  readonly max: number;
  readonly isFree: boolean;
}

/** What a waiter hears: one of both, once. */
export interface Turn {
  /** It is theirs, after so many ms. */
  readonly come: (waitedMs: number) => void;
  /** It will not be any more (Y4, Y5). */
  readonly over: (waitedMs: number) => void;
}

const eventsPerPlace = 4; // Y4

class Waiter implements Endable {
  readonly turn: Turn;
  readonly sinceMs: number;
  readonly patienceMs: number;
  timer: Timer | undefined;
  hasLeft = false;
  readonly #onEnd: (waiter: Waiter) => void;

  constructor(turn: Turn, sinceMs: number, patienceMs: number, onEnd: (waiter: Waiter) => void) {
    this.turn = turn;
    this.sinceMs = sinceMs;
    this.patienceMs = patienceMs;
    this.#onEnd = onEnd;
  }

  get expiry(): this {
    return this;
  }

  end(): void {
    this.#onEnd(this);
  }
}

/** The line before one backend. */
export class Turns {
  readonly #places: Places;
  readonly #time: Pick<Time, "monotonicMs" | "after">;
  readonly #lines: Readonly<Record<TurnLine, Fifo<Waiter>>> = { calls: new Fifo(), events: new Fifo() };
  /** Those in them who have not left. */
  #waiting = 0;
  #isComing = false;

  constructor(places: Places, time: Pick<Time, "monotonicMs" | "after">) {
    this.#places = places;
    this.#time = time;
  }

  /** Y1 */
  get mustWait(): boolean {
    return this.#waiting > 0 || !this.#places.isFree;
  }

  /** Has `turn` told, mostly later. What it gives can be ended until then. */
  wait(line: TurnLine, patienceMs: number, turn: Turn): Endable {
    const waiter = new Waiter(turn, this.#time.monotonicMs(), patienceMs, this.#over);
    this.#waiting += 1;
    if (line === "events" && this.#lines.events.size >= eventsPerPlace * this.#places.max) {
      this.#over(waiter); // Y4
      return waiter;
    }
    waiter.timer = this.#time.after(patienceMs, () => this.#over(waiter));
    this.#lines[line].push(waiter);
    return waiter;
  }

  /** A place may be free: to be called at each change, or a line may stand. */
  freed(): void {
    if (this.#isComing || !this.#canGoOn) return;
    this.#isComing = true;
    setImmediate(() => this.#goOn()); // Y2
  }

  get #canGoOn(): boolean {
    return this.#waiting > 0 && this.#places.isFree;
  }

  #goOn(): void {
    for (let gone = 0; gone < this.#places.max && this.#canGoOn; gone++) this.#next();
    this.#isComing = false;
    this.freed(); // Y3
  }

  #next(): void {
    const waiter = firstOf(this.#lines.calls) ?? firstOf(this.#lines.events); // Y4
    if (waiter === undefined) return;
    const waitedMs = this.#leave(waiter);
    if (waitedMs < waiter.patienceMs) waiter.turn.come(waitedMs);
    else waiter.turn.over(waitedMs); // Y5
  }

  // A property, so that no waiter makes a function for it.
  readonly #over = (waiter: Waiter): void => {
    if (waiter.hasLeft) return;
    waiter.turn.over(this.#leave(waiter)); // Y5
  };

  /** Gives how long it waited, ms. */
  #leave(waiter: Waiter): number {
    waiter.hasLeft = true;
    waiter.timer?.cancel();
    this.#waiting -= 1;
    return this.#time.monotonicMs() - waiter.sinceMs;
  }
}

function firstOf(line: Fifo<Waiter>): Waiter | undefined {
  let waiter = line.shift();
  while (waiter?.hasLeft === true) waiter = line.shift();
  return waiter;
}
