// The permits of one backend and the line before it, for messages of which nothing was made yet: no headers, no promise, no state of a deadline.
// Timers by port.
//
// In a crowd most of an edge's messages wait. What waits for longer than from one collection of the young generation to the next is copied by
// it, and later collected with the old: so what waits is the message, and little more (bench/README.md, *History*).
//
// Y1. At most `max` permits are held. A message that comes while none is free, or while others wait, waits; first come first served. So does an attempt
//     that is tried again, in a line of its own: those two lines take turns. Its message is older; but one action that always fails is
//     tried again so often that nobody else would ever have a turn.
// Y2. Whose turn it is takes a permit before it returns, or needs none. Those who can go at the end of a turn of the event loop go together:
//     what is done for one is still warm for the next.
// Y3. No more of them go at once than there are permits. Once a circuit is open nobody takes any, and the event loop would stand still for
//     thousands.
// Y4. What is told of a session (`$connect`, `$disconnect`) goes behind all others: a station waits for those. It is given up at once where four times as many
//     wait as there are permits: nothing else bounds it, and it is best effort.
// Y5. Waiting ends with the waiter's patience, also if its turn comes late, or when it is ended before (left-behind.ts, until-deadline.ts). Who
//     leaves leaves nothing behind: neither its message nor a place that Y4 would count.

import type { Time, Timer } from "@cpg/session-registry";
import type { TurnLine } from "../integration.ts";
import type { Endable } from "../until-deadline.ts";
import { WaitingLine, type InLine } from "./waiting-line.ts";

type LineName = "retries" | TurnLine;

/** What a waiter hears: one of both, once. */
export interface Turn {
  /** It is theirs, after so many ms. */
  readonly come: (waitedMs: number) => void;
  /** It will not be any more (Y4, Y5). */
  readonly over: () => void;
}

/** What it needs. Both hear of the beginning, and of each change. */
export interface TurnPorts {
  readonly time: Pick<Time, "monotonicMs" | "after">;
  readonly onHeld: (permits: number) => void;
  readonly onWaiting: (messages: number) => void;
}

const eventsPerPermit = 4; // Y4

class Waiter implements Endable, InLine {
  before: this | undefined;
  behind: this | undefined;
  timer: Timer | undefined;
  /** Where it waits; undefined once it has left. */
  line: WaitingLine<Waiter> | undefined;
  readonly turn: Turn;
  readonly sinceMs: number;
  readonly patienceMs: number;
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
  readonly #lines: Readonly<Record<LineName, WaitingLine<Waiter>>> = {
    retries: new WaitingLine(),
    calls: new WaitingLine(),
    events: new WaitingLine(),
  };
  #held = 0;
  #waiting = 0;
  /** Y1 */
  #isRetryNext = true;
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

  /** Has `turn` told, mostly later. What it gives can be ended until then. */
  wait(name: LineName, patienceMs: number, turn: Turn): Endable {
    const { time } = this.#ports;
    const line = this.#lines[name];
    const waiter = new Waiter(turn, time.monotonicMs(), patienceMs, this.#over);
    if (name === "events" && line.size >= eventsPerPermit * this.#max) {
      turn.over(); // Y4
      return waiter;
    }
    waiter.timer = time.after(patienceMs, () => this.#over(waiter));
    waiter.line = line;
    line.push(waiter);
    this.#ports.onWaiting((this.#waiting += 1));
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
    const retry = this.#isRetryNext ? retries.first : undefined;
    const waiter = retry ?? calls.first ?? retries.first ?? events.first; // Y1, Y4
    if (waiter === undefined) return;
    this.#isRetryNext = waiter.line !== retries;
    const waitedMs = this.#leave(waiter);
    if (waitedMs < waiter.patienceMs) waiter.turn.come(waitedMs);
    else waiter.turn.over(); // Y5
  }

  // A property, so that no waiter makes a function for it.
  readonly #over = (waiter: Waiter): void => {
    if (waiter.line === undefined) return;
    this.#leave(waiter);
    waiter.turn.over(); // Y5
  };

  /** Gives how long it waited, ms. */
  #leave(waiter: Waiter): number {
    waiter.line?.remove(waiter);
    waiter.line = undefined;
    waiter.timer?.cancel();
    this.#ports.onWaiting((this.#waiting -= 1));
    return this.#ports.time.monotonicMs() - waiter.sinceMs;
  }
}
