// Reads all leases at an interval, and hands on what the reading shows: to the view, the death watch, the reaper.
//
// A1. A read that fails, or a judgement that could not be written, begins the counts of that partition anew (D2 of death-watch.ts):
//     a shard that answers reads and refuses writes would otherwise kill every edge the moment it takes writes again.

import type { Incarnation } from "../model.ts";
import { leasePartitions, type Partition } from "../partition.ts";
import type { RegistryStore } from "../store-port.ts";
import type { Time, Timer } from "../time.ts";
import type { DeathWatch } from "./death-watch.ts";
import type { Reaper } from "./reaper.ts";
import type { RegistryView } from "./registry-view.ts";
import type { Strangers } from "./strangers.ts";

/** What it reads and whom it tells. */
export interface LeaseWatchContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly pollMs: number;
  readonly watch: DeathWatch;
  readonly reaper: Reaper;
  readonly view: RegistryView;
  readonly strangers: Strangers;
  ownIncarnation(): Incarnation;
  /** Whether this edge has a lease. */
  hasLease(): boolean;
}

/** See the head of this file. */
export class LeaseWatch {
  readonly #context: LeaseWatchContext;
  #timer: Timer | undefined;

  constructor(context: LeaseWatchContext) {
    this.#context = context;
  }

  start(): void {
    const readAll = (): void => {
      for (const partition of leasePartitions) void this.#read(partition);
    };
    this.#timer = this.#context.time.every(this.#context.pollMs, readAll);
    readAll();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #read(partition: Partition): Promise<void> {
    const { store, time, pollMs, watch, reaper, view, strangers } = this.#context;
    const hadLease = this.#context.hasLease();
    try {
      const entries = await store.leases(partition, pollMs);
      view.remember(partition, entries);
      strangers.look(partition, entries, hadLease);
      const judged = watch.observe(partition, entries, time.monotonicMs());
      const others = judged.filter((entry) => entry.incarnation !== this.#context.ownIncarnation());
      await reaper.look(partition, entries, others);
    } catch {
      watch.missed(partition); // A1
    }
  }
}
