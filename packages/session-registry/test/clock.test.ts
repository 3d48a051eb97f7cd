// A shard's clock, of which little is known: what an edge makes of it while it asks once more (C3 of clock.ts).

import type { Identity, IdentityKey } from "@cpg/ocpp";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { noMeter } from "../src/meter.ts";
import type { ConnectionId, Incarnation } from "../src/model.ts";
import { RegistryOwnership } from "../src/ownership/ownership.ts";
import { partitionOf, partitions, type Partition } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemSoon, systemTime } from "../src/time.ts";
import { untilReady } from "./conformance/store.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

const deadlineMs = 5000;
const nobody = "nobody.1" as Incarnation;
const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
/** How long the event loop stands still: a stamp made of what is heard then is half of it too old. */
const standstillMs = 600;

describe("while a shard whose clock is known by a poor sample alone is asked once more", () => {
  let prefix: string;
  let store: RedisStore;
  /** Which knows the clocks well. */
  let other: RedisStore;
  /** Calls of the store that ended, by operation. */
  let calls: string[];
  const open = (): RedisStore => {
    const meter = { ...noMeter, call: (operation: string) => void calls.push(operation) };
    const ports = { time: systemTime, random: systemRandom, meter };
    return new RedisStore(redisSettings(nodes, prefix), retention, ports);
  };
  const isKnown = (partition: Partition): boolean => store.isClockKnown(partition);

  /** One partition of each shard. */
  const firsts = (): Partition[] =>
    [...Map.groupBy(partitions, (partition) => other.shardOf(partition)).values()].map(([first]) => first!);
  const tellTime = (of: RedisStore): Promise<unknown>[] =>
    firsts().map((first) => of.release(first, nobody, [], deadlineMs));

  /** The store hears of each shard first while the event loop stands still. */
  async function hearPoorly(): Promise<void> {
    const page = { after: "", limit: 1 };
    for (const first of firsts()) await store.index(first, nobody, page, deadlineMs); // connected; what it answers tells no time
    const words = tellTime(store);
    await new Promise<void>((resolve) => setImmediate(() => process.nextTick(resolve))); // they leave at the end of this turn
    const endMs = systemTime.monotonicMs() + standstillMs;
    while (systemTime.monotonicMs() < endMs);
    await Promise.all(words);
    expect(partitions.some(isKnown)).toBe(false);
  }

  beforeEach(async () => {
    prefix = uniquePrefix();
    calls = [];
    [store, other] = [open(), open()];
    await untilReady(other);
    await eventually(() => Promise.all(tellTime(other))); // the nodes know the script: one that is sent again is no poor sample
    await eventually(() => partitions.every((partition) => store.shardOf(partition) !== undefined));
    await hearPoorly();
  });
  afterEach(() => Promise.all([store.close(), other.close()]));

  it("none of its partitions takes the poor one for good, and all wait for one answer", async () => {
    const shard = store.shardOf(partitions[0]!);
    const own = partitions.filter((partition) => store.shardOf(partition) === shard);
    calls = [];
    const asking = own.map((partition) => store.syncClock(partition, deadlineMs));
    expect(own.some(isKnown)).toBe(false);
    await Promise.all(asking);
    expect(own.every(isKnown)).toBe(true);
    expect(calls).toEqual(["clock"]);
    await store.syncClock(own[0]!, deadlineMs);
    expect(calls).toEqual(["clock", "clock"]);
  });

  it("the newest socket wins in each of them (R1)", async () => {
    const names = Array.from({ length: 1000 }, (_, n) => `CP-${n}` as IdentityKey);
    const keys = [...Map.groupBy(names, partitionOf).values()].map(([key]) => key!);
    const details = (key: IdentityKey) =>
      ({ key, identity: key as string as Identity, version: "1.6", remote: "" }) as const;
    const told: string[] = [];
    const ports = { store, time: systemTime, random: systemRandom, meter: noMeter, soon: systemSoon };
    const ownership = new RegistryOwnership(ownershipSettings("edge"), ports);
    await ownership.start({
      granted: ({ connection }) => void told.push(connection),
      superseded: ({ connection }) => void told.push(`${connection} superseded`),
      message: () => undefined,
    });
    await eventually(() => ownership.isLeaseValid());
    expect(partitions.every(isKnown)).toBe(false); // but for the shard that keeps the lease
    const elsewhere = { incarnation: "other.1" as Incarnation, edge: "other", epochFloor: 0 };
    for (const key of keys) {
      const stampUs = (systemTime.wallMs() - 100) * 1000; // the nodes are on this machine
      const older = { ...details(key), connection: `older-${key}` as ConnectionId, stampUs };
      await other.claim(partitionOf(key), elsewhere, [older], deadlineMs);
    }
    for (const key of keys) {
      const authenticatedAtMs = systemTime.monotonicMs();
      ownership.claim({ ...details(key), connection: `newer-${key}` as ConnectionId, authenticatedAtMs });
    }
    await eventually(() => expect(told).toHaveLength(keys.length));
    await ownership.stop(1000);
    expect(told.toSorted()).toEqual(keys.map((key) => `newer-${key}`).toSorted());
  });
});
