// A clock that moves when told: all edges of a test live by it, each with a beginning of its own, and can be paused or killed.

import type { Time, Timer } from "../src/index.ts";

interface Due {
  readonly atMs: number;
  readonly serial: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** The one time line. */
export class VirtualClock {
  nowMs = 0;
  #serial = 0;
  readonly #due: Due[] = [];

  after(delayMs: number, run: () => void): Timer {
    const due: Due = {
      atMs: this.nowMs + Math.max(0, delayMs),
      serial: ++this.#serial,
      run,
      isCancelled: false,
    };
    let at = this.#due.length;
    while (at > 0 && this.#due[at - 1]!.atMs > due.atMs) at--;
    this.#due.splice(at, 0, due);
    return { cancel: () => void (due.isCancelled = true) };
  }

  /** Moves on, one moment at a time; after each everything that follows of itself is waited for. */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    while (this.#due[0] && this.#due[0].atMs <= endMs) {
      const { atMs } = this.#due[0];
      this.nowMs = Math.max(this.nowMs, atMs);
      while (this.#due[0] && this.#due[0].atMs <= this.nowMs) {
        const due = this.#due.shift();
        if (due && !due.isCancelled) due.run();
      }
      await settle();
    }
    this.nowMs = endMs;
  }
}

/** One process's view of it. */
export class ProcessTime implements Time {
  readonly #clock: VirtualClock;
  readonly #startMs: number;
  #state: "running" | "paused" | "dead" = "running";
  #missed: (() => void)[] = [];

  constructor(clock: VirtualClock, startMs: number) {
    this.#clock = clock;
    this.#startMs = startMs;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  monotonicMs(): number {
    return this.#clock.nowMs + this.#startMs;
  }

  wallMs(): number {
    return this.#clock.nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, () => this.#whenRunning(run));
  }

  every(intervalMs: number, run: () => void): Timer {
    let isCancelled = false;
    let timer: Timer;
    const again = (): void => {
      timer = this.after(intervalMs, () => {
        if (isCancelled) return;
        again();
        run();
      });
    };
    again();
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** As under SIGSTOP: what falls due waits. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const run of this.#missed.splice(0)) run();
  }

  /** As under kill -9: nothing happens any more. */
  kill(): void {
    this.#state = "dead";
    this.#missed = [];
  }

  #whenRunning(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "paused") this.#missed.push(run);
  }
}
