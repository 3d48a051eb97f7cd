// When messages leave for their backends and streams, and when their answers go on to the stations: in a crowd those that come close together
// leave together, and come back together. Timers by port.
//
// One that leaves alone costs a waking on its way there, one for its answer, and cold caches in between; those that leave together share
// all of that, and to a stream a pipeline and its WAIT as well (bench/README.md, *History*). All that is done for a message on its way
// is done when it leaves, and for its answer when it is back: what is done for one is still warm for the next.
//
// G1. Without a crowd everybody leaves at once: a quiet edge never makes anybody wait.
// G2. In a crowd there is one departure within `gatherMs`, of all who came meanwhile, in the order in which they came. So nobody waits
//     for longer than that.
// G3. Who came leaves, also if its socket is gone by then: it was received, and the backend is to hear of it.
// G4. One that throws is a bug: told, and the others leave, or come back, all the same.
// G5. Who left with others waits for them on the way back, but for no longer than `gatherMs` after they left: behind a backend that takes longer
//     than that nobody waits, and a slow answer holds the others up for no longer.

import type { Time, Timer } from "@cpg/session-registry";

/** Sends what is to leave; `party`: those it leaves with, undefined where it leaves alone. */
export type Depart = (party: Party | undefined) => void;

/** Those who left together (G5). */
export class Party {
  readonly #onBug: (error: unknown) => void;
  #away = 0;
  #back: (() => void)[] = [];
  #isOver = false;
  #timer: Timer | undefined;

  constructor(onBug: (error: unknown) => void) {
    this.#onBug = onBug;
  }

  /** One of them will come back. */
  expect(): void {
    this.#away += 1;
  }

  /** One of those expected is back: has `goOn` called with the others, or at once if nobody waits any longer. */
  cameBack(goOn: () => void): void {
    this.#away -= 1;
    this.#back.push(goOn);
    if (this.#away === 0 || this.#isOver) this.#end();
  }

  /** All have left. */
  waitFor(ms: number, time: Pick<Time, "after">): void {
    if (this.#away > 0) this.#timer = time.after(ms, () => this.#end());
  }

  #end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    const back = this.#back;
    this.#back = [];
    for (const goOn of back) safely(goOn, this.#onBug);
  }
}

// Three others within 5 ms are 600 a second, 5 % of what one core carries: below, there is nothing worth saving.
const crowd = 3;

/** One for all backends and streams of an edge: they share the wakings too. */
export class Departures {
  readonly #gatherMs: number;
  readonly #time: Pick<Time, "monotonicMs" | "after">;
  readonly #onBug: (error: unknown) => void;
  /** When the latest came, in no order: the oldest stands at `#oldest`. */
  readonly #cameAtMs = Array.from({ length: crowd }, () => Number.NEGATIVE_INFINITY);
  #oldest = 0;
  #leftAtMs = Number.NEGATIVE_INFINITY;
  #waiting: Depart[] = [];

  /** `gatherMs` 0: nobody ever waits. */
  constructor(gatherMs: number, time: Pick<Time, "monotonicMs" | "after">, onBug: (error: unknown) => void) {
    this.#gatherMs = gatherMs;
    this.#time = time;
    this.#onBug = onBug;
  }

  /** Nobody waits to leave. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Has `depart` called, now or within `gatherMs`. */
  add(depart: Depart): void {
    const nowMs = this.#time.monotonicMs();
    const isCrowd = this.#came(nowMs);
    if (this.#waiting.length > 0) {
      this.#waiting.push(depart);
      return;
    }
    const waitMs = this.#leftAtMs + this.#gatherMs - nowMs;
    if (!isCrowd || waitMs <= 0) {
      this.#leftAtMs = nowMs;
      safely(depart, this.#onBug); // G1
      return;
    }
    this.#waiting.push(depart);
    this.#time.after(waitMs, () => this.#leave()); // G2
  }

  /** Notes that one came; true if enough others did within `gatherMs` before. */
  #came(nowMs: number): boolean {
    const others = this.#cameAtMs[this.#oldest] ?? Number.NEGATIVE_INFINITY;
    this.#cameAtMs[this.#oldest] = nowMs;
    this.#oldest = (this.#oldest + 1) % crowd;
    return nowMs - others < this.#gatherMs;
  }

  #leave(): void {
    const leaving = this.#waiting;
    this.#waiting = [];
    this.#leftAtMs = this.#time.monotonicMs();
    const party = leaving.length > 1 ? new Party(this.#onBug) : undefined;
    for (const depart of leaving) safely(depart, this.#onBug, party);
    party?.waitFor(this.#gatherMs, this.#time); // G5
  }
}

/** G4 */
function safely(act: Depart, onBug: (error: unknown) => void, party?: Party): void {
  try {
    act(party);
  } catch (error) {
    onBug(error);
  }
}
