// CALLs of a generator's stations: as fast as they are answered, or at a pace. Owns a timer while it runs.
//
// T1. One open CALL per station, as OCPP-J has it: a station that waits is passed over.
// T2. A paced CALL that finds no idle station is not sent; it shows as a rate below the one asked for.

import { Histogram, type HistogramWire } from "../measure/histogram.ts";
import { nowMs } from "../time.ts";
import type { Station } from "./station.ts";

/** What to send. */
export interface TrafficPlan {
  /** What follows the id in each CALL: `,"Heartbeat",{}]`. */
  readonly tail: string;
  /** CALLs per second of this generator; 0: each station sends its next as soon as it is answered. */
  readonly rate: number;
}

/** What happened since the last look. */
export interface TrafficCount {
  readonly sent: number;
  readonly answered: number;
  readonly wrong: number;
  /** The first wrong answer, to be shown. */
  readonly wrongText: string | undefined;
  /** CALLs that wait for their answer at this moment. */
  readonly waiting: number;
  /** µs from CALL to answer. */
  readonly latencies: HistogramWire;
}

/** One stretch of traffic. */
export class Traffic {
  readonly #stations: readonly Station[];
  #plan: TrafficPlan | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #due = 0;
  #next = 0;
  #sent = 0;
  #answered = 0;
  #wrong = 0;
  #wrongText: string | undefined;
  #latencies = new Histogram();

  constructor(stations: readonly Station[]) {
    this.#stations = stations;
  }

  start(plan: TrafficPlan): void {
    this.#plan = plan;
    this.#startedMs = nowMs();
    if (plan.rate > 0) {
      this.#timer = setInterval(() => this.#sendDue(plan), 1);
      return;
    }
    for (const station of this.#stations) this.#send(station, plan);
  }

  stop(): void {
    this.#plan = undefined;
    clearInterval(this.#timer);
  }

  answered(station: Station, microseconds: number): void {
    this.#answered += 1;
    this.#latencies.record(microseconds);
    if (this.#plan?.rate === 0) this.#send(station, this.#plan);
  }

  wrong(station: Station, text: string): void {
    this.#wrong += 1;
    this.#wrongText ??= text;
    if (this.#plan?.rate === 0) this.#send(station, this.#plan);
  }

  /** What happened since the last call. */
  take(): TrafficCount {
    const count: TrafficCount = {
      sent: this.#sent,
      answered: this.#answered,
      wrong: this.#wrong,
      wrongText: this.#wrongText,
      waiting: this.#stations.filter((station) => station.isWaiting).length,
      latencies: this.#latencies.toWire(),
    };
    this.#sent = 0;
    this.#answered = 0;
    this.#wrong = 0;
    this.#latencies = new Histogram();
    return count;
  }

  #sendDue(plan: TrafficPlan): void {
    const due = Math.floor(((nowMs() - this.#startedMs) / 1000) * plan.rate);
    for (; this.#due < due; this.#due++) {
      const station = this.#nextIdle();
      if (station === undefined) {
        this.#due = due; // T2
        return;
      }
      this.#send(station, plan);
    }
  }

  #nextIdle(): Station | undefined {
    for (let tries = 0; tries < this.#stations.length; tries++) {
      const station = this.#stations[(this.#next += 1) % this.#stations.length];
      if (station?.isOpen === true && !station.isWaiting) return station;
    }
    return undefined;
  }

  #send(station: Station, plan: TrafficPlan): void {
    if (!station.isOpen || station.isWaiting) return; // T1
    this.#sent += 1;
    station.call(plan.tail);
  }
}
