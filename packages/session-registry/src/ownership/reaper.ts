// Ends what dead incarnations left behind. Every edge reaps every dead one: dead is for ever, so several do no harm (R7).
//
// E1. First the lease becomes a tombstone, by compare-and-set of what was judged; then, partition by partition, the incarnation is
//     fenced and its rows are ended by compare(incarnation). A reaper that dies in between is no loss: the tombstone is there for the others.
// E2. A row and its `disconnected` event go in one script, so whoever of several reapers comes second finds nothing.

import { RegistryError } from "../errors.ts";
import type { Incarnation } from "../model.ts";
import { partitions, type Partition } from "../partition.ts";
import type { LeaseEntry, RegistryStore } from "../store-port.ts";
import type { Random, Time } from "../time.ts";

/** What a reaper needs. */
export interface ReaperContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly random: Random;
  readonly callDeadlineMs: number;
  /** Tombstones older than this are removed, ms. */
  readonly fenceMs: number;
  /** How long others leave the work to the one that buried, ms (spread by chance below it). */
  readonly courtesyMs: number;
  buried(entry: LeaseEntry): void;
}

/** Rows ended in one call. */
const batchSize = 128;
const retryMs = 1000;

/** See the head of this file. */
export class Reaper {
  readonly #context: ReaperContext;
  readonly #dead = new Set<Incarnation>();
  #isStopped = false;

  constructor(context: ReaperContext) {
    this.#context = context;
  }

  /** Whether this edge knows the incarnation to be dead: it is not routable any more. */
  isDead(incarnation: Incarnation): boolean {
    return this.#dead.has(incarnation);
  }

  /** What a read of the leases showed: tombstones of others, and those that are now to be buried. Never rejects. */
  async look(
    partition: Partition,
    entries: readonly LeaseEntry[],
    judged: readonly LeaseEntry[],
  ): Promise<void> {
    const { store, callDeadlineMs, fenceMs, time } = this.#context;
    for (const entry of entries) {
      if (entry.state.kind !== "dead") continue;
      if (time.wallMs() - entry.state.atMs > fenceMs) {
        await store.forget(partition, entry, callDeadlineMs).catch(() => undefined);
        this.#dead.delete(entry.incarnation);
      } else if (!this.#dead.has(entry.incarnation)) {
        this.#dead.add(entry.incarnation);
        void this.#endAll(entry.incarnation, this.#context.random.next() * this.#context.courtesyMs);
      }
    }
    for (const entry of judged) {
      const isMine = await store.bury(partition, entry, callDeadlineMs).catch(() => false);
      if (!isMine || this.#dead.has(entry.incarnation)) continue;
      this.#dead.add(entry.incarnation);
      this.#context.buried(entry);
      void this.#endAll(entry.incarnation, 0);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #endAll(incarnation: Incarnation, delayMs: number): Promise<void> {
    await this.#pause(delayMs);
    for (const partition of partitions) {
      while (!this.#isStopped) {
        try {
          if (await this.#endSome(partition, incarnation)) break;
        } catch (error) {
          if (error instanceof RegistryError && error.code === "CLOSED") return;
          await this.#pause(retryMs);
        }
      }
    }
  }

  /** True when nothing is left in that partition. */
  async #endSome(partition: Partition, incarnation: Incarnation): Promise<boolean> {
    const { store, callDeadlineMs } = this.#context;
    const keys = await store.fence(partition, incarnation, batchSize, callDeadlineMs);
    if (keys.length === 0) return true;
    const releases = keys.map((key) => ({
      key,
      connection: undefined,
      epoch: undefined,
      cause: "edge-died" as const,
    }));
    await store.release(partition, incarnation, releases, callDeadlineMs); // E2
    return keys.length < batchSize;
  }

  #pause(delayMs: number): Promise<void> {
    return delayMs <= 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#context.time.after(delayMs, resolve));
  }
}
