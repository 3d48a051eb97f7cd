// Ends what dead incarnations left behind. Every edge reaps every dead one: dead is for ever, so several do no harm (R7). Who stopped in order
// is dead as well: it left nothing, but a failover may bring back what it ended last.
//
// E1. First the lease becomes a tombstone, by compare-and-set of what was judged; then, partition by partition, the incarnation is
//     fenced and its rows are ended by compare(incarnation). A reaper that dies in between is no loss: the tombstone is there for the others.
// E2. Whoever of several reapers comes second finds nothing (Z2 of end-rows.ts).
// E3. Shards are worked on side by side and a partition that fails goes to the end of its shard's line: none waits for another.
// E4. When a partition changes its master, every incarnation known to be dead is ended there once more: fence, ended rows and their events
//     may be lost, and nobody else would look again. What is still there finds nothing to do; a repeated event has the same id (R7).
// E5. Tombstones that are found together are worked on one after the other, more or less: whoever begins finds those of a day, one for each edge
//     that was stopped, mostly with nothing left to end. What is left is not routable from the first look on.

import type { Incarnation } from "../model.ts";
import { leasePartitionOf, partitions, type Partition } from "../partition.ts";
import type { LeaseEntry, RegistryStore } from "../store-port.ts";
import type { Random, Time } from "../time.ts";
import { endRows } from "./end-rows.ts";

/** What a reaper needs. */
export interface ReaperContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly random: Random;
  readonly callDeadlineMs: number;
  /** Tombstones older than this are removed, ms. */
  readonly fenceMs: number;
  /** How long others leave the work to the one that buried, ms for each tombstone found together (spread by chance below it). */
  readonly courtesyMs: number;
  buried(entry: LeaseEntry): void;
}

const retryMs = 1000;

/** See the head of this file. */
export class Reaper {
  readonly #context: ReaperContext;
  /** With the monotonic moment at which each may be forgotten, if its tombstone is gone by then. */
  readonly #dead = new Map<Incarnation, number>();
  /** What is to be ended once more where the master changed, by partition (E4). */
  readonly #again = new Map<Partition, Set<Incarnation>>();
  #isStopped = false;

  constructor(context: ReaperContext) {
    this.#context = context;
  }

  /** Whether this edge knows the incarnation to be dead: it is not routable any more. */
  isDead(incarnation: Incarnation): boolean {
    return this.#dead.has(incarnation);
  }

  /** What a read of the leases showed: tombstones of others, and those that are now to be buried. Rejects if one could not be buried. */
  async look(
    partition: Partition,
    entries: readonly LeaseEntry[],
    judged: readonly LeaseEntry[],
  ): Promise<void> {
    const { store, callDeadlineMs, random, courtesyMs } = this.#context;
    this.#prune(partition, entries);
    const tombstones = entries.filter(({ state }) => state.kind === "dead");
    const left = tombstones.filter((entry) => !this.#isOld(partition, entry));
    const found = left.filter(({ incarnation }) => !this.#dead.has(incarnation));
    for (const { incarnation } of found) this.#begin(incarnation, random.next() * courtesyMs * found.length); // E5
    for (const old of tombstones)
      if (!left.includes(old)) await store.forget(partition, old, callDeadlineMs).catch(() => undefined);
    for (const entry of judged) {
      const isMine = await store.bury(partition, entry, callDeadlineMs); // E1
      if (!isMine || this.#dead.has(entry.incarnation)) continue;
      this.#context.buried(entry);
      this.#begin(entry.incarnation, 0);
    }
  }

  /** What was ended in that partition may have come back (E4). */
  changeMaster(partition: Partition): void {
    const line = this.#again.get(partition);
    if (line) for (const incarnation of this.#dead.keys()) line.add(incarnation);
    else if (this.#dead.size > 0) void this.#endAgain(partition, new Set(this.#dead.keys()));
  }

  stop(): void {
    this.#isStopped = true;
  }

  #begin(incarnation: Incarnation, delayMs: number): void {
    const { time, fenceMs } = this.#context;
    this.#dead.set(incarnation, time.monotonicMs() + fenceMs);
    void this.#endAll(incarnation, delayMs);
  }

  /** By the shard's clock, which dated the tombstone. */
  #isOld(partition: Partition, { state }: LeaseEntry): boolean {
    const nowUs = this.#context.store.toShardUs(partition, this.#context.time.monotonicMs());
    return nowUs !== undefined && state.kind === "dead" && nowUs / 1000 - state.atMs > this.#context.fenceMs;
  }

  #prune(partition: Partition, entries: readonly LeaseEntry[]): void {
    const now = this.#context.time.monotonicMs();
    for (const [incarnation, untilMs] of this.#dead) {
      if (now < untilMs || leasePartitionOf(incarnation) !== partition) continue;
      if (!entries.some((entry) => entry.incarnation === incarnation)) this.#dead.delete(incarnation);
    }
  }

  async #endAll(incarnation: Incarnation, delayMs: number): Promise<void> {
    await this.#pause(delayMs);
    const byShard = Map.groupBy(partitions, (partition) => this.#context.store.shardOf(partition));
    const lines = [...byShard.values()].map((line) => new Set(line));
    await Promise.all(
      lines.map((line) => this.#work(line, (partition) => this.#end(partition, incarnation))), // E3
    );
  }

  /** E4. Begins within the courtesy time, as after a tombstone was found: every edge sees a master change, and one of them is enough. */
  async #endAgain(partition: Partition, line: Set<Incarnation>): Promise<void> {
    const { random, courtesyMs } = this.#context;
    this.#again.set(partition, line);
    await this.#pause(random.next() * courtesyMs);
    while (line.size > 0 && !this.#isStopped)
      await this.#work(line, async (incarnation) => {
        if (this.isDead(incarnation)) await this.#end(partition, incarnation); // else forgotten meanwhile
      });
    this.#again.delete(partition);
  }

  /** Works on one after the other until none is left; one that fails goes to the end. */
  async #work<T>(left: Set<T>, work: (one: T) => Promise<void>): Promise<void> {
    for (let failures = 0; !this.#isStopped;) {
      const [one] = left;
      if (one === undefined) return;
      left.delete(one);
      try {
        await work(one);
        failures = 0;
      } catch {
        left.add(one);
        // A whole round that failed: the shard is away.
        failures++;
        if (failures % left.size === 0) await this.#pause(retryMs);
      }
    }
  }

  async #end(partition: Partition, incarnation: Incarnation): Promise<void> {
    await endRows(partition, incarnation, "edge-died", this.#context); // E2
  }

  #pause(delayMs: number): Promise<void> {
    return delayMs <= 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#context.time.after(delayMs, resolve));
  }
}
