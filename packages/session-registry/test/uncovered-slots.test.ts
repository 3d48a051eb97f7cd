// Slots that nobody serves, in a cluster that says it is well all the same (cluster-require-full-coverage no). A cluster of its own.

import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Keyspace } from "../src/keyspace.ts";
import { noMeter } from "../src/meter.ts";
import type { Incarnation } from "../src/model.ts";
import { partitions, partitionSlots, type Partition } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { redisSettings, retention } from "./settings.ts";

const prefix = uniquePrefix();
const incarnation = "inc-uncovered" as Incarnation;
const uncovered = 7 as Partition;
const slot = partitionSlots[uncovered] ?? 0;
/** The nodes tell each other of the slot in their own time. */
const patience = { timeoutMs: 15_000 };
const channelOf = (partition: Partition): string => new Keyspace(prefix).wake(partition, incarnation);

let cluster: RedisCluster;
let nodes: readonly Redis[];
let store: RedisStore;

beforeAll(async () => {
  cluster = await startTestRedisCluster({ replicas: 0 });
  nodes = cluster.nodes.map(({ host, port }) => new Redis(port, host));
  await eventually(async () => (await isForgotten()) && (await isForgotten()));
  const addresses = cluster.addresses.map(({ host, port }) => `${host}:${String(port)}`);
  const ports = { time: systemTime, random: systemRandom, meter: noMeter };
  store = new RedisStore(redisSettings(addresses, prefix), retention, ports);
}, 60_000);
afterAll(async () => {
  await store?.close();
  for (const node of nodes ?? []) node.disconnect();
  await cluster?.stop();
});

/** One that hears a heartbeat late, which the owner sent before, learns it anew: so all are asked until none believes in it. */
async function isForgotten(): Promise<boolean> {
  const forgot = await Promise.all(
    nodes.map((node) =>
      node.cluster("DELSLOTS", slot).then(
        () => true,
        () => false, // it is unassigned there
      ),
    ),
  );
  return !forgot.includes(true);
}

const listenedTo = async (): Promise<string[]> => {
  const lists = await Promise.all(nodes.map((node) => node.call("PUBSUB", "SHARDCHANNELS", `*${prefix}*`)));
  return (lists as string[][]).flat().sort();
};
const channels = (those: readonly Partition[]): string[] => those.map(channelOf).sort();

it("an incarnation is listened for wherever somebody serves the slot, and where nobody did, once somebody does (W3)", async () => {
  const heard: Partition[] = [];
  store.listen(incarnation, (partition) => void heard.push(partition));
  const covered = partitions.filter((partition) => partition !== uncovered);
  await eventually(async () => expect(await listenedTo()).toEqual(channels(covered)), patience);
  await nodes[0]?.cluster("ADDSLOTS", slot);
  await eventually(async () => expect(await listenedTo()).toEqual(channels(partitions)), patience);
  await store.probe(uncovered, incarnation, patience.timeoutMs);
  await eventually(() => expect(heard).toContain(uncovered));
}, 60_000);
