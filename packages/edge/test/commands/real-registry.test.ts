// Two routers over the real registry in a real Redis Cluster: what the fakes assume of the ports is true.

import { randomUUID } from "node:crypto";
import {
  createClusterRegistry,
  systemTime,
  type ConnectionId,
  type OwnershipSettings,
  type RedisSettings,
} from "@cpg/session-registry";
import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCommandRouter } from "../../src/commands/command-router.ts";
import { defaultCommandLimits } from "../../src/commands/limits.ts";
import { silentMeter } from "../../src/commands/outcomes.ts";
import { FakeSession, FakeSessions, identityOf } from "./world.ts";

const retry = { baseMs: 20, maxMs: 500 };
const retention = {
  eventsMaxLength: 1000,
  inboxMaxLength: 1000,
  tombstoneMs: 120_000,
  inboxLifeMs: 120_000,
  fenceMs: 3_600_000,
};
const redis: Omit<RedisSettings, "nodes" | "keyPrefix"> = {
  connectTimeoutMs: 2000,
  commandTimeoutMs: 1000,
  socketTimeoutMs: 3000,
  connectionsPerShard: 1,
  permitsPerShard: 64,
  maxWaiters: 4096,
  acquireTimeoutMs: 500,
  slotsRefreshMs: 500,
  retry,
  breaker: { errorThresholdPercent: 50, minimumCalls: 20, windowMs: 5000, resetMs: 500 },
};
const ownershipOf = (edge: string): OwnershipSettings => ({
  edge,
  leaseMs: 15_000,
  leaseRenewMs: 1000,
  leasePollMs: 200,
  inboxPollMs: 200,
  reassertMs: 60_000,
  outagePolicy: "accept",
  maxOwed: 1000,
  replayPerSecond: 1000,
  maxClaimsPerCall: 64,
  gatherMs: 50,
  callDeadlineMs: 5000,
  fenceMs: 3_600_000,
  retry,
});

/** An edge without sockets of its own: the real registry and the real router. */
async function startEdge(name: string, cluster: RedisCluster, keyPrefix: string) {
  const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
  const settings = { ownership: ownershipOf(name), redis: { ...redis, nodes, keyPrefix }, retention };
  const { ownership } = createClusterRegistry(settings);
  const sessions = new FakeSessions();
  const router = createCommandRouter({
    edge: name,
    ownership,
    sessions,
    time: systemTime,
    meter: silentMeter,
    newId: randomUUID,
    limits: defaultCommandLimits,
  });
  const drop = (connection: ConnectionId): void => {
    const at = sessions.all.findIndex((session) => session.connection === connection);
    if (at >= 0) sessions.all.splice(at, 1);
  };
  await ownership.start({
    granted({ key, connection }, epoch) {
      const session = sessions.find(key, connection);
      if (session !== undefined) session.epoch = epoch;
    },
    superseded: ({ connection }) => drop(connection),
    message: (message, ageMs) => router.onPeerMessage(message, ageMs),
  });
  return {
    router,
    ownership,
    sessions,
    connect(id: string): FakeSession {
      const session = new FakeSession(id, randomUUID());
      session.epoch = undefined;
      session.answer = async () => ({ kind: "answered", payload: { by: name } });
      sessions.all.push(session);
      const { identity, key, connection, version, remote } = session;
      const authenticatedAtMs = systemTime.monotonicMs();
      ownership.claim({ identity, key, connection, version, remote, authenticatedAtMs });
      return session;
    },
    /** The socket closes, and the edge forgets to tell the registry: a ghost. */
    drop,
    command: (id: string) =>
      router.command({ identity: identityOf(id), action: "Reset", payloadJson: "{}", timeoutMs: 5000 }),
  };
}

describe("over the real registry", () => {
  let cluster: RedisCluster;
  let a: Awaited<ReturnType<typeof startEdge>>;
  let b: typeof a;
  beforeAll(async () => {
    cluster = await startTestRedisCluster();
    const prefix = uniquePrefix();
    [a, b] = await Promise.all([startEdge("edge-a", cluster, prefix), startEdge("edge-b", cluster, prefix)]);
    await eventually(() => a.ownership.isLeaseValid() && b.ownership.isLeaseValid());
  }, 60_000);
  afterAll(async () => {
    await Promise.all([a, b].map((edge) => edge.ownership.stop(2000)));
    await cluster.stop();
  }, 30_000);

  it("a command posted at one edge is answered by the socket of the other, as verified", async () => {
    const session = b.connect("CP1");
    await eventually(() => session.epoch !== undefined);
    expect(await a.command("CP1")).toEqual({
      kind: "answered",
      payload: { by: "edge-b" },
      ownership: "verified",
      edge: "edge-b",
    });
    expect(await b.command("CP1")).toMatchObject({ kind: "answered", ownership: "verified" });
    expect(session.calls).toHaveLength(2);
  });

  it("follows the charge point to the edge of its newest socket", async () => {
    const old = b.connect("CP2");
    await eventually(() => old.epoch !== undefined);
    const newer = a.connect("CP2");
    await eventually(() => newer.epoch !== undefined);
    expect(await b.command("CP2")).toMatchObject({ kind: "answered", payload: { by: "edge-a" } });
    expect(old.calls).toEqual([]);
  });

  it("purges a ghost on 'not mine', and the next command is offline without asking the owner", async () => {
    const session = b.connect("CP3");
    await eventually(() => session.epoch !== undefined);
    b.drop(session.connection);
    expect(await a.command("CP3")).toEqual({ kind: "offline" });
    expect(await a.router.find(identityOf("CP3"))).toEqual({ kind: "offline" });
  });

  it("closes a socket at the other edge", async () => {
    const session = b.connect("CP4");
    await eventually(() => session.epoch !== undefined);
    expect(await a.router.close(identityOf("CP4"))).toEqual({ kind: "closed" });
    expect(session.closes).toEqual(["operator"]);
    expect(await a.router.close(identityOf("nobody"))).toEqual({ kind: "offline" });
  });

  it("answers a hundred commands at once, each once", async () => {
    const session = b.connect("CP5");
    await eventually(() => session.epoch !== undefined);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => a.command("CP5")));
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(["answered"]));
    expect(session.calls).toHaveLength(100);
    expect([a.router.pending, b.router.pendingForPeers]).toEqual([0, 0]);
  });
});
