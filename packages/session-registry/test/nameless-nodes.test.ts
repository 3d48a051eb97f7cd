// A cluster whose nodes do not tell their address: one that never met another does not know it. A cluster of its own.

import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClusterRegistry } from "../src/index.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

let cluster: RedisCluster;
let node: Redis;

beforeAll(async () => {
  cluster = await startTestRedisCluster({ masters: 1, replicas: 0 });
  const [{ host, port } = { host: "", port: 0 }] = cluster.addresses;
  node = new Redis(port, host);
}, 60_000);
afterAll(async () => {
  node?.disconnect();
  await cluster?.stop();
});

it("health says that the nodes do not tell their address, and what to set; once they do, all is well", async () => {
  const told = async () => (await node.cluster("SLOTS"))[0]?.[2]?.[0];
  expect(await told()).toBe("");
  const nodes = cluster.addresses.map(({ host, port }) => `${host}:${port}`);
  const { ownership } = createClusterRegistry({
    ownership: ownershipSettings("edge-a"),
    redis: redisSettings(nodes, uniquePrefix()),
    retention,
  });
  const nothing = (): void => undefined;
  const started = ownership.start({ granted: nothing, superseded: nothing, message: nothing });
  try {
    await eventually(() =>
      expect(ownership.health().problems.join()).toMatch(/do not tell their address.*cluster-announce-ip/),
    );
    await node.config("SET", "cluster-announce-ip", "127.0.0.1");
    await eventually(() => expect(ownership.health().problems).toEqual([]));
    await started;
  } finally {
    await ownership.stop(500);
  }
});
