// A slot that migrates: calls to a target that does not answer fail, and nothing else does; a message waits until it has moved. A cluster of
// its own.

import {
  eventually,
  startTestRedisCluster,
  uniquePrefix,
  type RedisCluster,
  type RedisNode,
} from "@cpg/testkit";
import { Redis } from "ioredis";
import type { IdentityKey } from "@cpg/ocpp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Keyspace } from "../src/keyspace.ts";
import { noMeter } from "../src/meter.ts";
import type { Incarnation } from "../src/model.ts";
import { partitionOf, partitionSlots, partitionTags, type Partition } from "../src/partition.ts";
import { openClient, type RegistryClient } from "../src/redis/client.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { redisSettings, retention } from "./settings.ts";

const slot = partitionSlots[5] ?? 0;
/** Not there, so its slot's master asks for patience: it may have migrated already (ASK). */
const absent = `{${partitionTags[5] ?? ""}}nothing`;

let cluster: RedisCluster;
let source: RedisNode;
let target: RedisNode;
let nodes: readonly string[];
let client: RegistryClient;
let store: RedisStore;
let redirected: string[];
/** What would end an edge: nobody looks at the promise. */
let unhandled: unknown[];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(async () => {
  [redirected, unhandled] = [[], []];
  process.on("unhandledRejection", note);
  cluster = await startTestRedisCluster({ replicas: 0 });
  source = await cluster.masterOfSlot(slot);
  target = await cluster.masterOfSlot(partitionSlots[60] ?? 0);
  nodes = cluster.addresses.map(({ host, port }) => `${host}:${String(port)}`);
  client = openClient(redisSettings(nodes, uniquePrefix(), { commandTimeoutMs: 300 }), "test", {
    redirected: (kind) => void redirected.push(kind),
  });
  client.on("error", () => undefined);
  await withNodes(beginMigration);
  await eventually(async () => expect(await client.get(absent)).toBeNull()); // by way of the target
  redirected.length = 0;
}, 60_000);
afterEach(async () => {
  process.off("unhandledRejection", note);
  client?.disconnect();
  await store?.close();
  target?.resume();
  await cluster?.stop();
});

/** With connections to the two nodes themselves. */
async function withNodes(work: (from: Redis, to: Redis) => Promise<void>): Promise<void> {
  const [from, to] = [new Redis(source.port, source.host), new Redis(target.port, target.host)];
  await work(from, to).finally(() => [from, to].forEach((node) => node.disconnect()));
}

async function beginMigration(from: Redis, to: Redis): Promise<void> {
  await to.cluster("SETSLOT", slot, "IMPORTING", await from.cluster("MYID"));
  await from.cluster("SETSLOT", slot, "MIGRATING", await to.cluster("MYID"));
}

async function endMigration(from: Redis, to: Redis): Promise<void> {
  for (const node of [to, from]) await node.cluster("SETSLOT", slot, "NODE", await to.cluster("MYID"));
}

it("a target that stands still makes the redirected call time out, and no promise is left to itself (I5)", async () => {
  target.pause();
  await expect(client.get(absent)).rejects.toThrow("Command timed out");
  expect(redirected).toEqual(["ask"]);
  target.resume();
  await eventually(async () => expect(await client.get(absent)).toBeNull());
  expect(unhandled).toEqual([]);
});

it("a target that dies with the redirected call on its way fails it, and no promise is left to itself (I5)", async () => {
  target.pause();
  const call = client.get(absent).catch((error: unknown) => error);
  await eventually(() => expect(redirected).toEqual(["ask"]));
  await target.kill();
  expect(await call).toBeInstanceOf(Error);
  await expect(client.get(absent)).rejects.toThrow();
  expect(unhandled).toEqual([]);
});

it("a message to be handed over waits until its slot has moved, and is brought once: no attempt did anything before (R11)", async () => {
  const prefix = uniquePrefix();
  const keys = new Keyspace(prefix);
  const [partition, owner, asker] = [5 as Partition, "inc-owner" as Incarnation, "inc-asker" as Incarnation];
  const row = keys.row(partition, keyOf(partition));
  const fields = {
    v: "1",
    epoch: 1,
    inc: owner,
    conn: "conn",
    stamp: 1,
    edge: "edge-a",
    id: "CP",
    ver: "1.6",
  };
  let retries = 0;
  const meter = { ...noMeter, retry: () => void retries++ };
  const ports = { time: systemTime, random: systemRandom, meter };
  store = new RedisStore(redisSettings(nodes, prefix), retention, ports);
  await withNodes(async (from, to) => {
    for (const node of [from, to]) await node.cluster("SETSLOT", slot, "STABLE");
    await from.hset(row, fields);
    await beginMigration(from, to);
    await eventually(() => expect(store.shardOf(partition)).toBeDefined());
    const end = store.handOver([keyOf(partition)], asker, "content", 10_000);
    await eventually(() => expect(retries).toBeGreaterThan(1));
    await from.migrate(target.host, target.port, row, 0, 1000);
    await endMigration(from, to);
    expect(await end).toMatchObject({ kind: "delivered" });
    expect(await to.xlen(keys.inbox(partition, owner))).toBe(1);
  });
});

function keyOf(partition: Partition): IdentityKey {
  for (let n = 0; ; n++) if (partitionOf(`CP-${n}`) === partition) return `CP-${n}` as IdentityKey;
}
