// Leaving in order (SIGTERM): not ready → stop accepting → finish what is in flight → close in paced slices → release.
//
// G1. A socket with a CALL open in either direction is left alone until it is idle or the deadline has come. It takes no more commands meanwhile: callers
//     that follow one another would keep it to the deadline. What stations left behind when they went by themselves is waited for as well.
// G2. Sockets are closed in slices with a pause: closed at once, the fleet would come back in one second (FACTS §8).
// G3. At the deadline everything left is closed, busy or not. `hurry` (a second signal, `stop`) is a deadline now.
// G4. The `$disconnect`s of the sockets closed last have a second to reach their backend.

import type { Ownership, Time, Timer } from "@cpg/session-registry";
import { within } from "./within.ts";
import type { CloseCause } from "./session-port.ts";

/** What a drain needs. */
export interface DrainPorts {
  readonly deadlineMs: number;
  readonly sliceSize: number;
  readonly sliceIntervalMs: number;
  readonly time: Time;
  readonly sessions: Iterable<DrainingSession> & { readonly size: number };
  /** CALLs whose stations have left, and which their backends are still to have. */
  readonly leftBehind: { readonly size: number };
  /** CALLs that are about to go there, of whomever. */
  readonly departures: { readonly isEmpty: boolean };
  readonly listener: { stopAccepting(): void };
  readonly ownership: Pick<Ownership, "setDraining">;
  readonly lifetimes: { allTold(): Promise<void> };
  readonly logger: { info(fields: object, message: string): void };
}

/** What a drain sees of a session. */
export interface DrainingSession {
  readonly isBusy: boolean;
  /** No more commands: those in line and those to come were not sent. */
  takeNoMore(): void;
  close(cause: CloseCause): void;
}

const lastWordsMs = 1_000; // G4

/** How it went. */
export interface Drained {
  readonly closed: number;
  readonly forced: number;
}

/** The drain of one edge; runs once. */
export class Drain {
  readonly #ports: DrainPorts;
  #run: Promise<Drained> | undefined;
  #closed = 0;
  #finish: (() => void) | undefined;
  #isHurried = false;

  constructor(ports: DrainPorts) {
    this.#ports = ports;
  }

  /** Begins the drain, or joins the one that runs. Never rejects. */
  run(): Promise<Drained> {
    this.#run ??= this.#begin();
    return this.#run;
  }

  /** G3 */
  hurry(): void {
    this.#isHurried = true;
    this.#finish?.();
  }

  async #begin(): Promise<Drained> {
    const { ownership, lifetimes, listener, sessions, leftBehind, logger, time, deadlineMs } = this.#ports;
    logger.info({ sessions: sessions.size, deadlineMs }, "draining");
    ownership.setDraining();
    listener.stopAccepting();
    if (!this.#isHurried) await this.#paced();
    const givenUp = leftBehind.size;
    const forced = this.#closeAll();
    await within(time, lastWordsMs, () => lifetimes.allTold()); // G4
    logger.info({ closed: this.#closed, forced, givenUp }, "drained");
    return { closed: this.#closed, forced };
  }

  #paced(): Promise<void> {
    const { time, sliceIntervalMs, deadlineMs } = this.#ports;
    return new Promise((resolve) => {
      const timers: Timer[] = [];
      this.#finish = () => {
        for (const timer of timers) timer.cancel();
        resolve();
      };
      timers.push(time.after(deadlineMs, this.#finish)); // G3
      timers.push(time.every(sliceIntervalMs, () => this.#slice())); // G2
      this.#slice();
    });
  }

  #slice(): void {
    const { sessions, leftBehind, departures, sliceSize } = this.#ports;
    const idle: DrainingSession[] = [];
    for (const session of sessions) {
      if (idle.length >= sliceSize) break;
      if (session.isBusy)
        session.takeNoMore(); // G1
      else idle.push(session);
    }
    for (const session of idle) session.close("draining");
    this.#closed += idle.length;
    if (sessions.size === 0 && leftBehind.size === 0 && departures.isEmpty) this.#finish?.();
  }

  #closeAll(): number {
    const left = [...this.#ports.sessions];
    for (const session of left) session.close("draining"); // G3
    return left.length;
  }
}
