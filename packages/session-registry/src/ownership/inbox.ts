// What comes to this incarnation: evictions, and messages of other edges.
//
// X1. A wake-up only hastens: every inbox is read at least every pollMs, so a lost one, or a subscriber that died silently, costs time, nothing else.
// X2. One read of a partition at a time, in order. After a change of master a partition is read from its beginning: what the new one
//     numbers may lie below what the old one had numbered. A read of the old one that ends later is taken, unless X8, and moves nobody's
//     place on the new one. Receivers know what they have seen (evictions by epoch, messages by id: R11).
// X3. The own channel is probed after `silenceMs` without any wake-up of that shard, and soon after a poll found what no wake-up had told
//     of; silence then is told, and the subscriber begins anew.
// X4. A message may be told over the channel and lie in no inbox. It may overtake what lies there: nothing depends on their order (X2).
// X5. What was read is trimmed at the next poll: once for many, the last one too (X2 would bring it again). Failing to trim costs memory
//     until the inbox's life ends.
// X6. A poll asks for all inboxes of a shard at once: one call, where 64 in half a second were most of what an edge at rest did.
// X7. A subscriber that begins anew is a new one for every shard, and hears nothing until it listens. So all are probed at the next turn
//     and not in this one: each probe would come too early, for ever at an edge that nobody wakes. The channel is well again when
//     every shard was heard, but those that are away themselves.
// X8. Nothing is taken while the shard's clock is not known: what it is read from may be the beginning (X2), and a command of any age would
//     seem to have been sent just now (R11). The clock is asked for; the next poll takes what lies there.
// X9. A probe that Redis refuses (a user without a right to channels) will not be heard: the channel is silent at once, and says why.

import { RegistryError } from "../errors.ts";
import type { Incarnation } from "../model.ts";
import type { RegistryMeter } from "../meter.ts";
import { partitions, type Partition } from "../partition.ts";
import {
  inboxPage,
  type InboxEntry,
  type InboxPlace,
  type OnWake,
  type RegistryStore,
} from "../store-port.ts";
import type { Time, Timer } from "../time.ts";

/** What the inbox needs. */
export interface InboxContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly meter: RegistryMeter;
  readonly pollMs: number;
  incarnation(): Incarnation;
  /** The fields of an entry; of what was told, the same. `ageMs`: how long it was on the way, by the shard's clock. */
  received(fields: InboxEntry["fields"], ageMs: number): void;
}

/** A shard whose channel was silent this long is probed. */
const silenceMs = 30_000;
/** A probe that was not heard within this is a dead channel; a wake-up takes milliseconds. */
const probeMs = 5000;
/** What a poll finds and is older than this, a wake-up should have told of. */
const untoldMs = 100;

/** Where a reader stands who has read nothing. */
const fromTheBeginning = "0";

/** How far one partition's inbox was read, on one master (X2). */
interface Reader extends InboxPlace {
  afterId: string;
}

interface Channel {
  /** `never`: not since the subscriber began, or not to be believed. */
  heardAtMs: number;
  probedAtMs: number | undefined;
}

const never = Number.NEGATIVE_INFINITY;
/** To be probed, and not taken for silent. */
const unjudged = (nowMs: number): Channel => ({ heardAtMs: nowMs - silenceMs, probedAtMs: undefined });

/** See the head of this file. */
export class Inbox {
  readonly #context: InboxContext;
  readonly #readers = new Map<Partition, Reader>();
  readonly #reading = new Set<Partition>();
  readonly #again = new Set<Partition>();
  readonly #untrimmed = new Set<Partition>();
  readonly #channels = new Map<string, Channel>();
  readonly #timers: Timer[] = [];
  #of: Incarnation | undefined;
  #isChannelAlive = true;
  #refusal: string | undefined;

  constructor(context: InboxContext) {
    this.#context = context;
  }

  get isChannelAlive(): boolean {
    return this.#isChannelAlive;
  }

  /** Why the channel cannot be alive, in Redis' words; undefined: nothing is known of that (X9). */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  start(): void {
    const { time, pollMs } = this.#context;
    this.changeIncarnation();
    this.#timers.push(
      time.every(pollMs, () => this.#pollAll()),
      time.every(probeMs, () => this.#probe()),
    );
  }

  /** Reads the present incarnation's inboxes from their beginning, and listens for it. */
  changeIncarnation(): void {
    const incarnation = this.#context.incarnation();
    if (incarnation === this.#of) return;
    this.#of = incarnation;
    this.#readers.clear();
    this.#untrimmed.clear();
    this.#listen(incarnation);
  }

  /** Reads a partition from its beginning next time (X2), and probes its shard's channel: subscriptions may have gone with the old master. */
  changeMaster(partition: Partition): void {
    this.#readers.delete(partition);
    this.#untrimmed.delete(partition);
    this.#channels.delete(this.#context.store.shardOf(partition) ?? "");
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#of = undefined;
  }

  readonly #onWake: OnWake = (partition, told) => {
    this.#heard(partition);
    if (told === undefined) void this.#read(partition);
    else if (this.#of !== undefined)
      this.#context.received({ m: told.message }, this.#ageMs(partition, told.atUs / 1000)); // X4
  };

  #heard(partition: Partition): void {
    const shard = this.#context.store.shardOf(partition);
    if (shard === undefined) return;
    const now = this.#context.time.monotonicMs();
    const channel = this.#channels.get(shard);
    if (channel && channel.probedAtMs === undefined && this.#isChannelAlive) {
      channel.heardAtMs = now;
      return;
    }
    if (channel?.probedAtMs !== undefined)
      this.#context.meter.ownChannelProbe("answered", now - channel.probedAtMs);
    this.#channels.set(shard, { heardAtMs: now, probedAtMs: undefined });
    this.#isChannelAlive ||= [...this.#channels.values()].every((other) => !this.#isSilent(other)); // X7
    if (this.#isChannelAlive) this.#refusal = undefined;
  }

  #pollAll(): void {
    this.#trim();
    const byShard = Map.groupBy(partitions, (partition) => this.#context.store.shardOf(partition));
    for (const [shard, together] of byShard) if (shard !== undefined) void this.#poll(together); // X1
  }

  /** X6. What is being read already needs no poll. */
  async #poll(asked: readonly Partition[]): Promise<void> {
    const { store, pollMs } = this.#context;
    const of = this.#of;
    const free = asked.filter((partition) => !this.#reading.has(partition));
    if (!of || free.length === 0) return;
    for (const partition of free) this.#reading.add(partition); // X2
    const readers = free.map((partition) => this.#reader(partition));
    let found: readonly (readonly InboxEntry[] | undefined)[] = [];
    try {
      found = await store.readInboxes(readers, of, 2 * pollMs);
      if (of === this.#of)
        for (const [at, reader] of readers.entries()) this.#takePolled(reader, found[at] ?? []);
    } catch {
      // The next poll tries again.
    } finally {
      for (const partition of free) this.#reading.delete(partition);
    }
    for (const [at, partition] of free.entries())
      if ((found[at]?.length ?? 0) >= inboxPage || this.#again.has(partition)) void this.#read(partition);
  }

  #takePolled(reader: Reader, entries: readonly InboxEntry[]): void {
    const { partition } = reader;
    if (entries.some((entry) => this.#ageMs(partition, writtenMs(entry)) > untoldMs)) this.#doubt(partition);
    this.#takeAll(reader, entries);
  }

  /** False: none was taken, they are to be read again (X8). */
  #takeAll(reader: Reader, entries: readonly InboxEntry[]): boolean {
    const { store, time, pollMs } = this.#context;
    const { partition } = reader;
    if (entries.length > 0 && store.toShardUs(partition, time.monotonicMs()) === undefined) {
      void store.syncClock(partition, 2 * pollMs).catch(() => undefined);
      return false;
    }
    for (const entry of entries) this.#take(reader, entry);
    return true;
  }

  /** X5. */
  #trim(): void {
    const { store, pollMs } = this.#context;
    for (const partition of this.#untrimmed) {
      const { afterId } = this.#reader(partition);
      if (this.#of && afterId !== fromTheBeginning)
        void store.trimInbox(partition, this.#of, idAfter(afterId), 2 * pollMs).catch(() => undefined);
    }
    this.#untrimmed.clear();
  }

  #reader(partition: Partition): Reader {
    const known = this.#readers.get(partition);
    if (known !== undefined) return known;
    const reader: Reader = { partition, afterId: fromTheBeginning };
    this.#readers.set(partition, reader);
    return reader;
  }

  async #read(partition: Partition): Promise<void> {
    if (this.#reading.has(partition)) {
      this.#again.add(partition);
      return;
    }
    this.#reading.add(partition); // X2
    try {
      do this.#again.delete(partition);
      while ((await this.#readOnce(partition)) || this.#again.has(partition));
    } catch {
      // The next poll tries again.
    } finally {
      this.#reading.delete(partition);
    }
  }

  /** True when there may be more. */
  async #readOnce(partition: Partition): Promise<boolean> {
    const { store, pollMs } = this.#context;
    const of = this.#of;
    if (!of) return false;
    const reader = this.#reader(partition);
    const entries = await store.readInbox(partition, of, reader.afterId, 2 * pollMs);
    if (of !== this.#of) return false;
    return this.#takeAll(reader, entries) && entries.length >= inboxPage;
  }

  #take(reader: Reader, entry: InboxEntry): void {
    const { partition } = reader;
    reader.afterId = entry.id;
    this.#untrimmed.add(partition);
    this.#context.received(entry.fields, this.#ageMs(partition, writtenMs(entry)));
  }

  #ageMs(partition: Partition, sinceMs: number): number {
    const nowUs = this.#context.store.toShardUs(partition, this.#context.time.monotonicMs());
    return nowUs === undefined ? 0 : Math.max(0, nowUs / 1000 - sinceMs);
  }

  /** X3: probed next time, unless it is heard before. */
  #doubt(partition: Partition): void {
    const channel = this.#channels.get(this.#context.store.shardOf(partition) ?? "");
    if (channel) channel.heardAtMs = never;
  }

  /** X3. */
  #probe(): void {
    const now = this.#context.time.monotonicMs();
    const shards = this.#oneOfEachShard();
    for (const shard of this.#channels.keys()) if (!shards.has(shard)) this.#channels.delete(shard);
    const silent = [...this.#channels.values()].filter(({ probedAtMs }) => probedAtMs !== undefined);
    for (const _ of silent) this.#context.meter.ownChannelProbe("silent");
    if (silent.length > 0) this.#isChannelAlive = false;
    if (silent.length > 0 && this.#of) return this.#listen(this.#of); // X7
    for (const [shard, partition] of shards) {
      const channel = this.#channels.get(shard) ?? unjudged(now);
      this.#channels.set(shard, channel);
      if ((this.#isChannelAlive && now - channel.heardAtMs < silenceMs) || !this.#of) continue;
      channel.probedAtMs = now;
      this.#context.store.probe(partition, this.#of, probeMs).catch((error: unknown) => {
        if (error instanceof RegistryError && error.code === "REFUSED")
          this.#refused(channel, error); // X9
        else Object.assign(channel, unjudged(now)); // the shard is away: that says nothing about the channel
      });
    }
  }

  /** X9. It stays probed, so the next turn listens anew: the right may have been given by then. */
  #refused(channel: Channel, { message }: RegistryError): void {
    channel.heardAtMs = never;
    this.#isChannelAlive = false;
    this.#refusal = message;
  }

  /** X7. */
  #listen(incarnation: Incarnation): void {
    for (const shard of this.#channels.keys())
      this.#channels.set(shard, { heardAtMs: never, probedAtMs: undefined });
    this.#context.store.listen(incarnation, this.#onWake);
  }

  #isSilent({ heardAtMs, probedAtMs }: Channel): boolean {
    if (heardAtMs === never) return true;
    return probedAtMs !== undefined && this.#context.time.monotonicMs() - probedAtMs >= probeMs;
  }

  #oneOfEachShard(): Map<string, Partition> {
    const chosen = new Map<string, Partition>();
    for (const partition of partitions) {
      const shard = this.#context.store.shardOf(partition);
      if (shard !== undefined && !chosen.has(shard)) chosen.set(shard, partition);
    }
    return chosen;
  }
}

/** The least id above this one. */
function idAfter(id: string): string {
  const [ms, serial] = id.split("-");
  return `${ms}-${Number(serial ?? 0) + 1}`;
}

/** ms in the shard's clock. */
function writtenMs({ id }: InboxEntry): number {
  return Number(id.split("-")[0]);
}
