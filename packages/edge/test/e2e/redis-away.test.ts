// Redis away, at the start and later: sockets stay, new charge points are served, readiness says why, everything is registered after its return (R8).

import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { command, startStack, untilReady, type EdgeProcess, type Stack } from "./support/stack.ts";
import { connectStation } from "./support/station.ts";

let redis: RedisCluster;
let stack: Stack;
const edge = (i: number): EdgeProcess => {
  const one = stack.edges[i];
  if (!one) throw new Error("no such edge");
  return one;
};

beforeAll(async () => {
  redis = await startTestRedisCluster();
  await Promise.all(redis.nodes.map((node) => node.kill()));
  stack = await startStack({
    edges: 2,
    redisNodes: redis.addresses,
    keyPrefix: uniquePrefix(),
    routes: { integrations: { demo: { type: "local", handler: "demo" } }, routes: { $default: "demo" } },
    untilReady: false,
  });
}, 60_000);
afterAll(async () => {
  await stack?.stop();
  await redis?.stop();
});

const readiness = async (i: number): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${edge(i).api}/readyz`);
  return { status: response.status, text: await response.text() };
};
const accepting = { handlers: { Reset: () => ({ status: "Accepted" }) } };
// Short: a command on its way when Redis goes or returns ends as 504 `unknown` only after its own time.
const reset = { action: "Reset", payload: { type: "Soft" }, timeoutMs: 3000 };

it("starts without Redis, says that it is not ready and why, and serves charge points all the same", async () => {
  const { status, text } = await readiness(0);
  expect(status).toBe(503);
  expect(text).toMatch(/Redis/);
  const early = await connectStation(edge(0), "CP-EARLY", accepting);
  expect(await early.call("Heartbeat", {})).toHaveProperty("currentTime");
  expect(await command(edge(0), "CP-EARLY", reset)).toMatchObject({
    status: 200,
    body: { status: "answered", ownership: "unverified" },
  });
  expect(await command(edge(1), "CP-EARLY", reset)).toMatchObject({ status: 503 });
}, 30_000);

it("registers everybody when Redis comes, so that the other edge reaches them", async () => {
  await Promise.all(redis.nodes.map((node) => node.restart()));
  await redis.untilHealthy(30_000);
  await Promise.all(stack.edges.map(untilReady));
  await eventually(
    async () => {
      expect(await command(edge(1), "CP-EARLY", reset)).toMatchObject({
        status: 200,
        body: { ownership: "verified" },
      });
    },
    { timeoutMs: 15_000 },
  );
}, 90_000);

it("keeps sockets, serves newcomers and answers local commands while Redis is away, and registers them after", async () => {
  const before = await connectStation(edge(0), "CP-BEFORE", accepting);
  await eventually(async () => expect((await command(edge(1), "CP-BEFORE", reset)).status).toBe(200));
  await Promise.all(redis.nodes.map((node) => node.kill()));
  const newcomer = await connectStation(edge(1), "CP-NEWCOMER", accepting);
  expect(await newcomer.call("Heartbeat", {})).toHaveProperty("currentTime");
  expect(await before.call("Heartbeat", {})).toHaveProperty("currentTime");
  expect((await command(edge(0), "CP-BEFORE", reset)).status).toBe(200);
  await eventually(async () => expect((await readiness(0)).status).toBe(503), { timeoutMs: 25_000 });

  await Promise.all(redis.nodes.map((node) => node.restart()));
  await redis.untilHealthy(30_000);
  await Promise.all(stack.edges.map(untilReady));
  await eventually(
    async () => {
      expect((await command(edge(0), "CP-NEWCOMER", reset)).status).toBe(200);
      expect((await command(edge(1), "CP-BEFORE", reset)).status).toBe(200);
    },
    { timeoutMs: 15_000 },
  );
  expect(before.state).toBe(1); // the very socket of before the outage
}, 120_000);
