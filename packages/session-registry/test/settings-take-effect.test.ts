// Each setting of the way to Redis, changed: behaviour changes (DESIGN §4). The load test that this project grew out of had a
// pool size that was read and never applied.

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { IdentityKey } from "@cpg/ocpp";
import {
  eventually,
  startTestRedisCluster,
  uniquePrefix,
  type RedisCluster,
  type RedisNode,
} from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { noMeter } from "../src/meter.ts";
import { partitionOf, partitionSlots } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import type { RedisSettings } from "../src/index.ts";
import { redisSettings, retention } from "./settings.ts";

const key = "CP1" as IdentityKey;
const partition = partitionOf(key);
const password = "opensesame";

let cluster: RedisCluster;
let admin: Redis;
/** The master that serves `key`. */
let master: RedisNode;
const stores: RedisStore[] = [];

beforeAll(async () => {
  cluster = await startTestRedisCluster({ replicas: 0 });
  master = await cluster.masterOfSlot(partitionSlots[partition] ?? 0);
  admin = new Redis(master.port, master.host);
  for (const { host, port } of cluster.nodes) {
    const node = new Redis(port, host);
    await node.call("ACL", "SETUSER", "gateway", "on", `>${password}`, "~*", "&*", "+@all");
    await node.call(
      "ACL",
      "SETUSER",
      "stranger",
      "on",
      `>${password}`,
      "~*",
      "&*",
      "+@connection",
      "+cluster",
      "+info",
    );
    node.disconnect();
  }
});
afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));
afterAll(async () => {
  admin?.disconnect();
  await cluster?.stop();
});

function open(changes: Partial<RedisSettings> = {}, random = systemRandom): RedisStore {
  const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
  const settings = redisSettings(nodes, uniquePrefix(), changes);
  const store = new RedisStore(settings, retention, {
    time: systemTime,
    random,
    meter: noMeter,
  });
  stores.push(store);
  return store;
}

/** Waits until the store's connections are open; whether a command is allowed is another matter. */
const connected = (store: RedisStore): Promise<unknown> =>
  eventually(async () => {
    const failure = await store.row(key, 500).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) expect(failure).toMatchObject({ code: "REFUSED" });
  });
const clientsNamed = async (name: string): Promise<number> => {
  const list = (await admin.client("LIST")) as string;
  return list.split("\n").filter((line) => line.includes(`name=${name} `)).length;
};

describe("settings of the way to Redis", () => {
  it("redis.username, redis.password: that user's rights decide, and a wrong password is told as such", async () => {
    const right = open({ username: "gateway", password });
    await connected(right);
    expect((await right.row(key, 2000)).kind).toBe("absent");
    const powerless = open({ username: "stranger", password });
    await connected(powerless);
    await expect(powerless.row(key, 2000)).rejects.toMatchObject({ code: "REFUSED", retryable: false });
    const wrong = open({ username: "gateway", password: "wrong" });
    await expect(wrong.row(key, 500)).rejects.toThrowError(/WRONGPASS.*redis\.password/);
  });

  it("redis.keyPrefix: two gateways in one cluster do not see each other's charge points", async () => {
    const [one, two] = [open({ keyPrefix: "one:" }), open({ keyPrefix: "two:" })];
    await Promise.all([connected(one), connected(two)]);
    const claim = {
      key,
      identity: key as never,
      connection: "conn-1" as never,
      version: "1.6",
      remote: "",
      stampUs: 1,
    } as const;
    await one.claim(partition, { incarnation: "inc-1" as never, edge: "e", epochFloor: 0 }, [claim], 2000);
    expect((await one.row(key, 2000)).kind).toBe("found");
    expect((await two.row(key, 2000)).kind).toBe("absent");
    expect((await admin.keys("one:*")).length).toBeGreaterThan(0);
  });

  it("redis.connectionsPerShard: so many connections are open to a master", async () => {
    await eventually(async () => expect(await clientsNamed("cpg-data")).toBe(0)); // those of other tests are gone
    await connected(open({ connectionsPerShard: 3 }));
    await eventually(async () => expect(await clientsNamed("cpg-data")).toBe(3));
  });

  it("redis.permitsPerShard, redis.maxWaiters, redis.acquireTimeoutMs: so many calls fly, wait, and for so long", async () => {
    const store = open({
      permitsPerShard: 2,
      maxWaiters: 3,
      acquireTimeoutMs: 100,
      retry: { baseMs: 1, maxMs: 1 },
    });
    await connected(store);
    await store.row(key, 2000);
    master.pause();
    try {
      const calls = Array.from({ length: 8 }, () => store.row(key, 300).catch((error: unknown) => error));
      await eventually(() => expect(store.shardStates()[0]).toMatchObject({ inUse: 2, waiting: 3 }));
      const codes = (await Promise.all(calls)).map((end) => (end as { code?: string }).code);
      // Two are sent and three wait too long; what found the line full tries again until its time is up.
      expect(codes.every((code) => code === "DEADLINE" || code?.startsWith("POOL_"))).toBe(true);
    } finally {
      master.resume();
    }
  });

  it("redis.commandTimeoutMs: an attempt that is not answered ends after it", async () => {
    const waitedWith = async (commandTimeoutMs: number): Promise<number> => {
      const store = open({ commandTimeoutMs, retry: { baseMs: 10_000, maxMs: 10_000 } }, { next: () => 0.9 });
      await connected(store);
      await store.row(key, 2000);
      master.pause();
      const beganAtMs = systemTime.monotonicMs();
      try {
        // No time is left for a second attempt after a back-off that long, so what comes is the first one's end.
        await expect(store.row(key, 3000)).rejects.toMatchObject({ isOutcomeUnknown: true });
        return systemTime.monotonicMs() - beganAtMs;
      } finally {
        master.resume();
      }
    };
    const [short, long] = [await waitedWith(100), await waitedWith(1000)];
    expect(long - short).toBeGreaterThan(500);
  });

  it("a cluster that does not cover the slot: a typed error that says how to look at it", async () => {
    const slot = partitionSlots[partition] ?? 0;
    try {
      await eventually(() => isForgotten(slot));
      await expect(open().row(key, 2000)).rejects.toMatchObject({
        retryable: true,
        message: expect.stringMatching(/redis-cli --cluster check/) as string,
      });
    } finally {
      await admin.cluster("ADDSLOTS", slot);
    }
  });

  it("redis.nodes, redis.tls: that address is spoken to, and with TLS if so set", async () => {
    const first = await firstByteTo((address) => void open({ nodes: [address] }));
    expect(first).toBe("*".charCodeAt(0)); // a RESP array
    const second = await firstByteTo(
      (address) => void open({ nodes: [address], tls: { serverName: "redis.example" } }),
    );
    expect(second).toBe(22); // a TLS handshake record
  });
});

/**
 * Whether no node believes any longer that somebody serves `slot`. Has them forget it: one that hears a heartbeat late, which the
 * owner sent before, learns it anew.
 */
async function isForgotten(slot: number): Promise<boolean> {
  const believing = await Promise.all(
    cluster.nodes.map(async ({ host, port }) => {
      const node = new Redis(port, host);
      const forgot = await node.cluster("DELSLOTS", slot).catch(() => undefined); // an error where it is unassigned
      node.disconnect();
      return forgot !== undefined;
    }),
  );
  return !believing.includes(true);
}

/** The first byte that a client sends to a server of its own. */
async function firstByteTo(openClient: (address: string) => void): Promise<number | undefined> {
  let first: number | undefined;
  const server = createServer((socket) => {
    socket.on("error", () => undefined).on("data", (data) => (first ??= data[0]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    openClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    await eventually(() => expect(first).toBeDefined());
    return first;
  } finally {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    server.close();
  }
}
