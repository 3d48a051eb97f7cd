// 200 stations, 60 s of mixed traffic on two edges: nothing is lost, nothing is counted twice, nobody complains.

import { uniquePrefix } from "@cpg/testkit";
import type { RPCClient } from "ocpp-rpc";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startBackend, type Backend } from "./support/backend.ts";
import { command, metric, startStack, type Stack } from "./support/stack.ts";
import { connectStation } from "./support/station.ts";

const stations = 200;
const durationMs = 60_000;
const pauseMs = 500;

let backend: Backend;
let stack: Stack;
beforeAll(async () => {
  backend = await startBackend();
  stack = await startStack({
    edges: 2,
    redisNodes: inject("redisNodes"),
    keyPrefix: uniquePrefix(),
    routes: {
      integrations: { csms: { type: "http", url: `${backend.url}/{action}/{identity}` } },
      routes: { $default: "csms" },
    },
  });
}, 60_000);
afterAll(async () => {
  await stack?.stop();
  await backend?.stop();
});

const calls: readonly (() => readonly [string, object])[] = [
  () => ["Heartbeat", {}],
  () => ["StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Available" }],
  () => [
    "MeterValues",
    { connectorId: 1, meterValue: [{ timestamp: new Date().toISOString(), sampledValue: [{ value: "1" }] }] },
  ],
  () => ["StopTransaction", { transactionId: 42, meterStop: 1, timestamp: new Date().toISOString() }],
];

it(
  "counts the same CALLs at the stations, the edges and the backend",
  async () => {
    const edges = stack.edges;
    let sent = 0;
    let answered = 0;
    let commanded = 0;
    const clients: RPCClient[] = [];
    for (let i = 0; i < stations; i++) {
      const edge = edges[i % edges.length];
      if (!edge) throw new Error("no edge");
      const handlers = { TriggerMessage: () => ({ status: "Accepted" }) };
      clients.push(await connectStation(edge, `CP-MIX-${i}`, { handlers }));
    }
    const endsAt = performance.now() + durationMs;
    const talk = async (client: RPCClient, i: number): Promise<void> => {
      for (let n = i; performance.now() < endsAt; n++) {
        const [action, payload] = calls[n % calls.length]?.() ?? ["Heartbeat", {}];
        sent++;
        await client.call(action, payload);
        answered++;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const order = async (): Promise<void> => {
      for (let n = 0; performance.now() < endsAt; n++) {
        const edge = edges[n % edges.length];
        if (!edge) throw new Error("no edge");
        const reply = await command(edge, `CP-MIX-${(n * 7) % stations}`, {
          action: "TriggerMessage",
          payload: { requestedMessage: "Heartbeat" },
        });
        expect(reply).toMatchObject({ status: 200, body: { status: "answered", ownership: "verified" } });
        commanded++;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await Promise.all([...clients.map(talk), order()]);
    await Promise.all(clients.map((client) => client.close()));

    expect(sent).toBeGreaterThan((stations * durationMs) / pauseMs / 2); // the traffic really was there
    expect(answered).toBe(sent);
    expect(backend.requests.length).toBe(sent);
    const counted = await Promise.all(
      edges.map((edge) => metric(edge, "ocpp_messages_total", ['direction="in"', 'type="call"'])),
    );
    expect(counted.reduce((sum, n) => sum + n, 0)).toBe(sent);
    const orders = await Promise.all(
      edges.map((edge) => metric(edge, "commands_total", ['outcome="answered"'])),
    );
    expect(orders.reduce((sum, n) => sum + n, 0)).toBe(commanded);
    expect(edges.flatMap((edge) => edge.complaints())).toEqual([]);
    for (const edge of edges) expect(await edge.process.kill("SIGTERM")).toMatchObject({ code: 0 });
  },
  durationMs + 60_000,
);
