// Slot maps over what really happens to masters: a planned failover, a death too short for one, and one that is for good. A cluster of its own.

import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { Redis, type Cluster } from "ioredis";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openLoneClient, systemRandom, systemTime } from "../src/index.ts";
import { noMeter } from "../src/meter.ts";
import { partitionSlots, partitionTags, type Partition } from "../src/partition.ts";
import { ShardCircuit } from "../src/policy/breaker.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { uneasyMs } from "../src/redis/slot-maps.ts";
import { untilReady } from "./conformance/store.ts";
import { redisSettings, retention } from "./settings.ts";

let cluster: RedisCluster;
let node: Redis;
let client: Cluster;
const prefix = uniquePrefix();

beforeAll(async () => {
  cluster = await startTestRedisCluster();
  const [{ host, port }] = cluster.addresses as [{ host: string; port: number }];
  node = new Redis(port, host);
  const replicated = async (): Promise<void> => {
    for (const [, , , replica] of await node.cluster("SLOTS")) expect(replica).toBeDefined();
  };
  await eventually(replicated, { timeoutMs: 30_000 });
  const nodes = cluster.addresses.map((each) => `${each.host}:${each.port}`);
  client = openLoneClient(redisSettings(nodes, prefix), "test", { time: systemTime, random: systemRandom });
  client.on("error", () => undefined);
  await eventually(() => expect(client.status).toBe("ready"), { timeoutMs: 10_000 });
}, 60_000);
afterAll(async () => {
  client?.disconnect();
  node?.disconnect();
  await cluster?.stop();
});

const holdsFirst = ([first, last]: readonly [number, number, ...unknown[]]): boolean =>
  first <= partitionSlots[0]! && partitionSlots[0]! <= last;

const masterOf = async (partition: number): Promise<string> => {
  const { host, port } = await cluster.masterOfSlot(partitionSlots[partition]!);
  return `${host}:${port}`;
};
const known = (partition: number): readonly string[] | undefined => client.slots[partitionSlots[partition]!];

/** Keys of two slots of one master: a pipeline with both is refused unless the client knows that they go together. */
const together = (partitions: readonly number[]): string[] =>
  partitions.map((partition) => `${prefix}{${partitionTags[partition]}}:k`);

async function pipelined(keys: readonly string[]): Promise<void> {
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.incr(key);
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
}

async function neighboursOf(partition: number): Promise<number[]> {
  const master = await masterOf(partition);
  const all = await Promise.all(
    partitionSlots.map(async (_, other) => ((await masterOf(other)) === master ? [other] : [])),
  );
  return all.flat();
}

it("after a planned failover the map is the cluster's, though one redirection made it look nearly so", async () => {
  const neighbours = (await neighboursOf(0)).slice(0, 2);
  const before = await masterOf(0);
  const [, , , [host, port] = []] = (await node.cluster("SLOTS")).find(holdsFirst) ?? [];
  const replica = `${host}:${port}`;
  const itself = new Redis(Number(port), String(host));
  await itself.call("CLUSTER", "FAILOVER");
  await eventually(async () => expect(await masterOf(0)).toBe(replica), { timeoutMs: 10_000 });
  const isRead = async (): Promise<void> => {
    await client.get(together(neighbours)[0]!); // meets the redirection, once the old master knows of it
    expect(known(0)?.[0]).toBe(replica);
    expect(known(0)?.slice(1)).not.toContain(replica); // the list that the redirection leaves names it twice
    expect(client.nodes("master").map(({ options }) => `${options.host}:${options.port}`)).not.toContain(
      before,
    );
  };
  await eventually(isRead, { timeoutMs: 10_000 });
  await eventually(() => pipelined(together(neighbours)), { timeoutMs: 10_000 });
  itself.disconnect();
}, 60_000);

it("a master that is back before anybody took over is connected to again, by a lane that only pipelines", async () => {
  const victim = await cluster.masterOfSlot(partitionSlots[1]!);
  const keys = together((await neighboursOf(1)).slice(0, 2));
  await eventually(() => pipelined(keys), { timeoutMs: 10_000 });
  await victim.kill();
  await expect(pipelined(keys)).rejects.toThrow();
  await victim.restart();
  await eventually(() => pipelined(keys), { timeoutMs: 10_000 });
}, 60_000);

/** How often the nodes that live were asked for the slot map so far. */
async function looks(): Promise<number> {
  const asked = cluster.nodes.map(async ({ host, port }) => {
    const each = new Redis(port, host, { retryStrategy: null, lazyConnect: true });
    each.on("error", () => undefined);
    const stats = await each.info("commandstats").catch(() => "");
    each.disconnect();
    return Number(/cmdstat_cluster\|slots:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  });
  return (await Promise.all(asked)).reduce((sum, calls) => sum + calls, 0);
}

it("once another took over, the dead master's circuit is nobody's concern: no gauge shows it, nobody looks for ever, and it is let go", async () => {
  client.disconnect();
  await cluster.untilHealthy(30_000);
  const partition = 2 as Partition;
  const settings = redisSettings(
    cluster.addresses.map(({ host, port }) => `${host}:${port}`),
    prefix,
    { breaker: { errorThresholdPercent: 50, minimumCalls: 3, windowMs: 5000, resetMs: 500 } },
  );
  const ports = { time: systemTime, random: systemRandom, meter: noMeter };
  const store = new RedisStore(settings, retention, ports);
  const letGo = vi.spyOn(ShardCircuit.prototype, "shutdown");
  try {
    await untilReady(store);
    const dead = await cluster.masterOfSlot(partitionSlots[partition]!);
    const name = `${dead.host}:${dead.port}`;
    await dead.kill();
    const failing = async (): Promise<void> => {
      await store.events(partition, "0", 1, 300).catch(() => undefined);
      expect(store.openCircuits()).toEqual([name]);
    };
    await eventually(failing, { timeoutMs: 10_000, intervalMs: 1 });
    await eventually(() => expect(store.shardOf(partition)).not.toBe(name), { timeoutMs: 30_000 });
    await eventually(() => store.events(partition, "0", 1, 1000), { timeoutMs: 10_000 });
    expect(store.shardStates().map(({ shard }) => shard)).not.toContain(name);
    const isQuiet = async (): Promise<void> => {
      const before = await looks();
      await new Promise((resolve) => setTimeout(resolve, 4 * settings.slotsRefreshMs));
      expect(await looks()).toBe(before);
    };
    await eventually(isQuiet, { timeoutMs: 5 * uneasyMs });
    expect(letGo).toHaveBeenCalledTimes(1);
  } finally {
    letGo.mockRestore();
    await store.close();
  }
}, 90_000);
