import { uniquePrefix } from "@cpg/testkit";
import { Cluster } from "ioredis";
import { expect, inject, test } from "vitest";
import { Keyspace } from "../src/keyspace.ts";
import { MemoryBackend } from "../src/memory/memory-backend.ts";
import { MemoryStore } from "../src/memory/memory-store.ts";
import { noMeter } from "../src/meter.ts";
import type { Incarnation } from "../src/model.ts";
import { partitions } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { describeStore, untilReady } from "./conformance/store.ts";
import { aRedisUser, memorySabotage, redisSabotage } from "./sabotage.ts";
import { redisSettings, retention } from "./settings.ts";

const backend = new MemoryBackend(
  retention,
  () => (performance.timeOrigin + systemTime.monotonicMs()) * 1000,
);
describeStore("the in-process store", () => new MemoryStore(backend, systemTime), memorySabotage(backend));

const prefix = uniquePrefix();
const nodes = inject("redisNodes");
const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
const ports = { time: systemTime, random: systemRandom, meter: noMeter };
const user = await aRedisUser(nodes, `store-${process.pid}`);
describeStore(
  "the store in Redis Cluster",
  () => new RedisStore(redisSettings(addresses, prefix, user), retention, ports),
  redisSabotage(nodes, prefix, user),
);

test("an inbox that cannot be read costs the others of its shard nothing", async () => {
  const store = new RedisStore(redisSettings(addresses, prefix), retention, ports);
  const cluster = new Cluster([...nodes]);
  try {
    await untilReady(store);
    const to = `inc-unreadable-${process.pid}` as Incarnation;
    const shards = Map.groupBy(partitions, (partition) => store.shardOf(partition));
    const [bad, good] = [...shards.values()].find(({ length }) => length > 1) ?? [];
    if (bad === undefined || good === undefined) throw new Error("every partition has a shard of its own");
    await cluster.set(new Keyspace(prefix).inbox(bad, to), "not a stream");
    await store.post(good, to, "m", 5_000);
    const places = [bad, good].map((partition) => ({ partition, afterId: "0" }));
    expect(await store.readInboxes(places, to, 5_000)).toMatchObject([undefined, [{ fields: { m: "m" } }]]);
    await expect(store.readInboxes(places.slice(0, 1), to, 5_000)).rejects.toThrow("WRONGTYPE");
  } finally {
    cluster.disconnect();
    await store.close();
  }
});
