// The permits of one backend and the line before it, for messages of which nothing was made yet: no headers, no promise, no state of a deadline. Timers by
// port.
//
// In a crowd most of an edge's messages wait. What waits for longer than from one collection of the young generation to the next is copied by
// it, and later collected with the old: so what waits is the message, and little more (bench/README.md, *History*).
//
// Y1. At most `max` permits are held. A message that comes while none is free, or while others wait, waits; first come first served. Before all of them
//     goes an attempt that is tried again: its message is older.
// Y2. Whose turn it is takes a permit before it returns, or needs none. Those who can go at the end of a turn of the event loop go together:
//     what is done for one is still warm for the next.
// Y3. No more of them go at once than there are permits. Once a circuit is open nobody takes any, and the event loop would stand still for
//     thousands.
// Y4. What is told of a session (`$connect`, `$disconnect`) goes behind all CALLs: a station waits for those. It is given up at once where four times as many
//     wait as there are permits: nothing else bounds it, and it is best effort.
// Y5. Waiting ends with the waiter's patience, also if its turn comes late, or when it is ended before (left-behind.ts, until-deadline.ts).

import type { Time, Timer } from "@cpg/session-registry";
import { Fifo } from "../fifo.ts";
import type { TurnLine } from "../integration.ts";
import type { Endable } from "../until-deadline.ts";

/** Who goes first: attempts that are tried again, then CALLs, then events (Y1, Y4). */
type Line = "retries" | TurnLine;

/** What a waiter hears: one of both, once. */
export interface Turn {
  /** It is theirs, after so many ms. */
  readonly come: (waitedMs: number) => void;
  /** It will not be any more (Y4, Y5). */
  readonly over: (waitedMs: number) => void;
}

/** What it needs. Both hear of the beginning, and of each change. */
export interface TurnPorts {
  readonly time: Pick<Time, "monotonicMs" | "after">;
  readonly onHeld: (permits: number) => void;
  readonly onWaiting: (messages: number) => void;
}

const eventsPerPermit = 4; // Y4

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

/** Those of one backend. */
export class Turns {
  readonly #max: number;
  readonly #ports: TurnPorts;
  readonly #lines: Readonly<Record<Line, Fifo<Waiter>>> = {
    retries: new Fifo(),
    calls: new Fifo(),
    events: new Fifo(),
  };
  #held = 0;
  /** Those in the lines who have not left. */
  #waiting = 0;
  #isComing = false;

  constructor(max: number, ports: TurnPorts) {
    this.#max = max;
    this.#ports = ports;
    ports.onHeld(0);
    ports.onWaiting(0);
  }

  /** Y1 */
  get mustWait(): boolean {
    return this.#waiting > 0 || !this.#isFree;
  }

  /** Takes a permit if one is free. */
  take(): boolean {
    if (!this.#isFree) return false;
    this.#ports.onHeld((this.#held += 1));
    return true;
  }

  /** Gives one back. */
  release(): void {
    this.#ports.onHeld((this.#held -= 1));
    this.#comeIfFree();
  }

  /** Has `turn` told, mostly later. What it gives can be ended until then. `patienceMs` Infinity: only that ends it. */
  wait(line: Line, patienceMs: number, turn: Turn): Endable {
    const { time } = this.#ports;
    const waiter = new Waiter(turn, time.monotonicMs(), patienceMs, this.#over);
    this.#changeWaiting(1);
    if (line === "events" && this.#lines.events.size >= eventsPerPermit * this.#max) {
      this.#over(waiter); // Y4
      return waiter;
    }
    if (patienceMs < Infinity) waiter.timer = time.after(patienceMs, () => this.#over(waiter));
    this.#lines[line].push(waiter);
    return waiter;
  }

  get #isFree(): boolean {
    return this.#held < this.#max;
  }

  get #canGoOn(): boolean {
    return this.#waiting > 0 && this.#isFree;
  }

  #comeIfFree(): void {
    if (this.#isComing || !this.#canGoOn) return;
    this.#isComing = true;
    setImmediate(() => this.#goOn()); // Y2
  }

  #goOn(): void {
    for (let gone = 0; gone < this.#max && this.#canGoOn; gone++) this.#next();
    this.#isComing = false;
    this.#comeIfFree(); // Y3
  }

  #next(): void {
    const { retries, calls, events } = this.#lines;
    const waiter = firstOf(retries) ?? firstOf(calls) ?? firstOf(events); // Y1, Y4
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
    this.#changeWaiting(-1);
    return this.#ports.time.monotonicMs() - waiter.sinceMs;
  }

  #changeWaiting(by: 1 | -1): void {
    this.#ports.onWaiting((this.#waiting += by));
  }
}

function firstOf(line: Fifo<Waiter>): Waiter | undefined {
  let waiter = line.shift();
  while (waiter?.hasLeft === true) waiter = line.shift();
  return waiter;
}
