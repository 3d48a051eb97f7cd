// The run's shared Redis Cluster, and clusters of a test's own.
import { Cluster, Redis } from "ioredis";
import { describe, expect, inject, onTestFinished, test } from "vitest";

import { eventually, startTestRedisCluster, uniquePrefix } from "../src/index.ts";

function connect(nodes: readonly { host: string; port: number }[]): Cluster {
  const cluster = new Cluster([...nodes], { slotsRefreshInterval: 500, retryDelayOnClusterDown: 50 });
  onTestFinished(() => cluster.disconnect());
  return cluster;
}

describe("the cluster of the run", () => {
  test("every test is given its nodes, three masters and three replicas", () => {
    const roles = inject("redisNodes").map((node) => node.role);
    expect(roles.toSorted()).toEqual(["master", "master", "master", "replica", "replica", "replica"]);
  });

  test("it stores in every shard, because all slots are served", async () => {
    const cluster = connect(inject("redisNodes"));
    const prefix = uniquePrefix();
    const keys = Array.from({ length: 60 }, (_, index) => `${prefix}${index}`);
    await Promise.all(keys.map((key) => cluster.set(key, key)));
    expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys);
    const sizes = await Promise.all(cluster.nodes("master").map((node) => node.dbsize()));
    expect(sizes).toHaveLength(3);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  test("its nodes run with the settings of infra/redis/redis.conf, not with Redis' defaults", async () => {
    const [first] = inject("redisNodes");
    const node = new Redis({ port: first?.port ?? 0, host: "127.0.0.1" });
    onTestFinished(() => node.disconnect());
    const wanted = {
      maxclients: "10000",
      "tcp-backlog": "511",
      "tcp-keepalive": "300",
      timeout: "0",
      "maxmemory-policy": "noeviction",
      appendonly: "yes",
      appendfsync: "everysec",
      "cluster-node-timeout": "2000",
      "cluster-require-full-coverage": "no",
    };
    for (const [name, value] of Object.entries(wanted)) {
      expect(await node.config("GET", name)).toEqual([name, value]);
    }
  });
});

describe("a cluster of a test's own", () => {
  test("a killed master is replaced by its replica, and comes back as one", { timeout: 40_000 }, async () => {
    const own = await startTestRedisCluster();
    onTestFinished(() => own.stop());
    const client = connect(own.addresses);
    await client.set("before", "1");
    const old = await own.masterOfSlot(0);
    const oldPid = old.pid();
    await old.kill();
    expect(old.running()).toBe(false);
    const next = await eventually(() => own.masterOfSlot(0), { timeoutMs: 15_000, intervalMs: 100 });
    expect(next.port).not.toBe(old.port);
    await old.restart();
    expect(old.pid()).not.toBe(oldPid);
    await own.untilHealthy();
    expect((await own.masterOfSlot(0)).port).toBe(next.port);
    expect(await client.get("before")).toBe("1");
  });

  test(
    "a paused node keeps its sockets and answers nothing, a resumed one answers",
    { timeout: 20_000 },
    async () => {
      const own = await startTestRedisCluster({ masters: 3, replicas: 0 });
      onTestFinished(() => own.stop());
      const node = await own.masterOfSlot(0);
      const redis = new Redis({
        port: node.port,
        host: node.host,
        commandTimeout: 300,
        maxRetriesPerRequest: 0,
      });
      onTestFinished(() => redis.disconnect());
      expect(await redis.ping()).toBe("PONG");
      node.pause();
      await expect(redis.ping()).rejects.toThrow("timed out");
      expect(redis.status).toBe("ready");
      node.resume();
      await eventually(async () => expect(await redis.ping()).toBe("PONG"));
    },
  );
});
