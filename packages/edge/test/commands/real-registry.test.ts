// Two routers over the real registry in a real Redis Cluster: what the fakes assume of the ports is true.

import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRealEdge, type RealEdge } from "./real-edge.ts";
import { identityOf } from "./world.ts";

describe("over the real registry", () => {
  let cluster: RedisCluster;
  let a: RealEdge;
  let b: RealEdge;
  beforeAll(async () => {
    cluster = await startTestRedisCluster();
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    const place = { nodes, keyPrefix: uniquePrefix() };
    [a, b] = await Promise.all([startRealEdge("edge-a", place), startRealEdge("edge-b", place)]);
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
