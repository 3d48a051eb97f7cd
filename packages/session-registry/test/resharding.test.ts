// A slot that migrates to a node which does not answer: calls there fail, and nothing else does. A cluster of its own.

import {
  eventually,
  startTestRedisCluster,
  uniquePrefix,
  type RedisCluster,
  type RedisNode,
} from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";
import { partitionSlots, partitionTags } from "../src/partition.ts";
import { openClient, type RegistryClient } from "../src/redis/client.ts";
import { redisSettings } from "./settings.ts";

const slot = partitionSlots[5] ?? 0;
/** Not there, so its slot's master asks for patience: it may have migrated already (ASK). */
const absent = `{${partitionTags[5] ?? ""}}nothing`;

let cluster: RedisCluster;
let target: RedisNode;
let client: RegistryClient;
let redirected: string[];
/** What would end an edge: nobody looks at the promise. */
let unhandled: unknown[];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(async () => {
  [redirected, unhandled] = [[], []];
  process.on("unhandledRejection", note);
  cluster = await startTestRedisCluster({ replicas: 0 });
  const source = await cluster.masterOfSlot(slot);
  target = await cluster.masterOfSlot(partitionSlots[60] ?? 0);
  const nodes = cluster.addresses.map(({ host, port }) => `${host}:${String(port)}`);
  client = openClient(redisSettings(nodes, uniquePrefix(), { commandTimeoutMs: 300 }), "test", {
    redirected: (kind) => void redirected.push(kind),
  });
  client.on("error", () => undefined);
  const [from, to] = [new Redis(source.port, source.host), new Redis(target.port, target.host)];
  const [fromId, toId] = [await from.cluster("MYID"), await to.cluster("MYID")];
  await to.cluster("SETSLOT", slot, "IMPORTING", fromId);
  await from.cluster("SETSLOT", slot, "MIGRATING", toId);
  for (const node of [from, to]) node.disconnect();
  await eventually(async () => expect(await client.get(absent)).toBeNull()); // by way of the target
  redirected.length = 0;
}, 60_000);
afterEach(async () => {
  process.off("unhandledRejection", note);
  client?.disconnect();
  target?.resume();
  await cluster?.stop();
});

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
