// The last seconds of a shipped edge: what its callers get, and that nothing that hangs keeps the process.

import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { eventually, startTestRedisCluster, uniquePrefix } from "@cpg/testkit";
import { expect, inject, onTestFinished, test } from "vitest";
import { command, startStack, type EdgeProcess, type Stack, type StackOptions } from "./support/stack.ts";
import { connectStation } from "./support/station.ts";

const demo = {
  integrations: { demo: { type: "local", handler: "demo" } },
  routes: { $default: "demo" },
};

async function start(options: Omit<StackOptions, "keyPrefix" | "routes">): Promise<Stack> {
  const stack = await startStack({ ...options, keyPrefix: uniquePrefix(), routes: demo });
  onTestFinished(() => stack.stop());
  return stack;
}

const reset = { action: "Reset", payload: { type: "Soft" }, timeoutMs: 20_000 };

test("a command that is open at another edge is answered, and new ones are refused meanwhile", async () => {
  const stack = await start({ edges: 2, redisNodes: inject("redisNodes") });
  const [a, b] = stack.edges as [EdgeProcess, EdgeProcess];
  let asked = false;
  let answer: (value: object) => void = () => undefined;
  const station = await connectStation(b, "CP-SLOW", {
    handlers: { Reset: () => ((asked = true), new Promise((resolve) => (answer = resolve))) },
  });
  await eventually(async () => expect((await fetch(`${a.api}/v1/charge-points/CP-SLOW`)).status).toBe(200));
  const open = command(a, "CP-SLOW", reset);
  await eventually(() => expect(asked).toBe(true));
  a.process.signal("SIGTERM");
  await eventually(async () =>
    expect(await command(a, "CP-NOBODY", reset)).toMatchObject({
      status: 503,
      body: { type: "urn:cpg:problem:stopping" },
    }),
  );
  answer({ status: "Accepted" });
  expect(await open).toMatchObject({ status: 200, body: { status: "answered", edge: b.name } });
  expect(await a.process.exited).toMatchObject({ code: 0 });
  await station.close({ force: true });
}, 60_000);

test("a Redis and a collector that hang keep the process for no more than 5 s", async () => {
  const redis = await startTestRedisCluster();
  onTestFinished(() => redis.stop());
  const collector = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(collector, "listening");
  onTestFinished(() => void collector.close());
  const { port } = collector.address() as AddressInfo;
  const stack = await start({
    edges: 1,
    redisNodes: redis.addresses,
    arguments: [
      "--drain-deadline-ms=500",
      "--drain-slice-size=100000",
      `--telemetry-otlp-endpoint=http://127.0.0.1:${port}`,
    ],
  });
  const [edge] = stack.edges as [EdgeProcess];
  const station = await connectStation(edge, "CP1", {});
  for (const node of redis.nodes) node.pause();
  const toldMs = performance.now();
  expect(await edge.process.kill("SIGTERM")).toMatchObject({ code: 0 });
  expect(performance.now() - toldMs).toBeLessThan(500 + 5_000 + 1_500); // and what a busy machine adds; it was 14 s
  await station.close({ force: true });
  for (const node of redis.nodes) node.resume();
}, 60_000);
