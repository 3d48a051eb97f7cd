// Traces as an operator sees them: what the edges' processes send to an OTLP collector over its real protocol.

import { eventually, freePort, uniquePrefix } from "@cpg/testkit";
import { Cluster } from "ioredis";
import type { RPCClient } from "ocpp-rpc";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { partitionOf, streamKey } from "../../src/integrations/stream.ts";
import { startCollector, type Collector, type SentSpan } from "../support/collector.ts";
import { startBackend, type Backend } from "./support/backend.ts";
import { metric, startStack, type EdgeProcess, type Stack } from "./support/stack.ts";
import { connectStation } from "./support/station.ts";

let backend: Backend;
let collector: Collector;
let stack: Stack | undefined;
const clients: RPCClient[] = [];
const keyPrefix = uniquePrefix();

beforeAll(async () => {
  [backend, collector] = await Promise.all([startBackend(), startCollector()]);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ force: true }).catch(() => undefined)));
});
afterAll(async () => {
  await stack?.stop();
  await Promise.all([backend.stop(), collector.stop()]);
});

async function startEdges(edges: number, sampleRatio: number, otlp = collector.url): Promise<EdgeProcess[]> {
  await stack?.stop();
  stack = await startStack({
    edges,
    redisNodes: inject("redisNodes"),
    keyPrefix,
    routes: {
      integrations: {
        csms: { type: "http", url: `${backend.url}/{action}/{identity}?secret=1` },
        meter: { type: "stream", partitions: 4 },
      },
      routes: { $default: "csms", MeterValues: "meter" },
    },
    arguments: [
      `--telemetry-otlp-endpoint=${otlp}`,
      `--telemetry-traces-sample-ratio=${String(sampleRatio)}`,
    ],
  });
  return [...stack.edges];
}

async function station(...args: Parameters<typeof connectStation>): Promise<RPCClient> {
  const client = await connectStation(...args);
  clients.push(client);
  return client;
}

/** What the backend got of a charge point; the query of the route's URL stands behind the identity. */
function requestOf(charger: string): Backend["requests"][number] | undefined {
  return backend.requests.find(({ identity }) => identity === `${charger}?secret=1`);
}

/** Commands through an edge's API until the charge point answers; gives the traceresponse. */
async function commanded(
  edge: EdgeProcess,
  identity: string,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const reply = await eventually(async () => {
    const response = await fetch(`${edge.api}/v1/charge-points/${identity}/commands`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: '{"action":"Reset","payload":{"type":"Soft"}}',
    });
    expect(await response.json()).toMatchObject({ status: "answered" });
    return response;
  });
  return reply.headers.get("traceresponse");
}

const reset = { handlers: { Reset: () => ({ status: "Accepted" }) } };
const callers = (digit: string, flags = "01"): string => `00-${digit.repeat(32)}-${"b".repeat(16)}-${flags}`;

/** The trace that holds a span which fits, once it has `size` spans; each as `name < parent's name`. */
async function trace(size: number, fits: (span: SentSpan) => boolean): Promise<readonly SentSpan[]> {
  return eventually(
    () => {
      const found = collector.spans.find(fits);
      const spans = collector.spans.filter(({ traceId }) => traceId === found?.traceId);
      expect(spans.map(({ name }) => name)).toHaveLength(size);
      return spans;
    },
    { timeoutMs: 20_000 },
  );
}

function described(spans: readonly SentSpan[]): Set<string> {
  const nameOf = (id: string): string => spans.find(({ spanId }) => spanId === id)?.name ?? (id || "nobody");
  return new Set(
    spans.map(({ name, kind, edge, parentId }) => `${edge} ${kind} ${name} < ${nameOf(parentId)}`),
  );
}

describe("with every trace kept", () => {
  let [a, b]: EdgeProcess[] = [];
  const edge = (one: EdgeProcess | undefined): EdgeProcess => {
    if (one === undefined) throw new Error("no such edge");
    return one;
  };
  beforeAll(async () => {
    [a, b] = await startEdges(2, 1);
  }, 60_000);

  test("a charge point's CALL, the request to the backend and the answer are one trace", async () => {
    const cp = await station(edge(a), "CP-TRACED");
    await cp.call("BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
    const spans = await trace(2, ({ name }) => name === "OCPP BootNotification");
    expect(described(spans)).toEqual(
      new Set([
        "edge-a server OCPP BootNotification < nobody",
        "edge-a client POST /{action}/{identity} < OCPP BootNotification",
      ]),
    );
    const [call, attempt] = ["server", "client"].map((kind) => spans.find((span) => span.kind === kind));
    expect(call?.attributes).toMatchObject({
      "cpg.identity": "CP-TRACED",
      "ocpp.subprotocol": "ocpp1.6",
      "rpc.method": "BootNotification",
      "ocpp.answer": "CALLRESULT",
      "ocpp.answer_sent": true,
    });
    expect(attempt?.attributes).toMatchObject({
      "http.request.method": "POST",
      "http.response.status_code": 200,
      "server.address": "127.0.0.1",
    });
    const request = requestOf("CP-TRACED");
    expect(request?.headers["traceparent"]).toBe(`00-${call?.traceId}-${attempt?.spanId}-01`);
    expect(JSON.stringify(collector.spans)).not.toContain("secret");
  });

  test("what the backend refuses is an error of the attempt and of the CALL, by the name the charge point got", async () => {
    const cp = await station(edge(a), "CP-REFUSED");
    await cp.call("FirmwareStatusNotification", { status: "Idle" }).catch(() => undefined);
    const spans = await trace(2, ({ name }) => name === "OCPP FirmwareStatusNotification");
    expect(spans.map(({ isError }) => isError)).toEqual([true, true]);
    const types = spans.map(({ attributes }) => attributes["error.type"]);
    expect(types).toEqual(["notImplemented", "notImplemented"]);
  });

  test("an entry of a stream carries the trace to whoever reads it", async () => {
    const cp = await station(edge(a), "CP-STREAM");
    const meterValue = [{ timestamp: new Date().toISOString(), sampledValue: [{ value: "1" }] }];
    await cp.call("MeterValues", { connectorId: 1, meterValue });
    const spans = await trace(2, ({ name }) => name === "OCPP MeterValues");
    expect(described(spans)).toContain("edge-a producer XADD meter < OCPP MeterValues");
    const redis = new Cluster(inject("redisNodes").map(({ host, port }) => ({ host, port })));
    const key = streamKey({ keyPrefix, stream: "meter" }, partitionOf("CP-STREAM", 4));
    const entries = await redis.xrange(key, "-", "+");
    redis.disconnect();
    const producer = spans.find(({ kind }) => kind === "producer");
    expect(entries[0]?.[1]).toContain(`00-${producer?.traceId}-${producer?.spanId}-01`);
    expect(producer?.events).toEqual(["attempt"]);
  });

  test("a command through the registry and the other edge to the charge point and back is one trace, the caller's", async () => {
    await station(edge(a), "CP-FAR", reset);
    await commanded(edge(b), "CP-FAR", {}); // it is registered: what follows is answered at the first try
    const response = await commanded(edge(b), "CP-FAR", { traceparent: callers("1") });
    const spans = await trace(4, ({ traceId, name }) => traceId === "1".repeat(32) && name === "OCPP Reset");
    expect(described(spans)).toEqual(
      new Set([
        `edge-b server POST /v1/charge-points/{id}/commands < ${"b".repeat(16)}`,
        "edge-b client peer command < POST /v1/charge-points/{id}/commands",
        "edge-a server peer command < peer command",
        "edge-a client OCPP Reset < peer command",
      ]),
    );
    const root = spans.find(({ name }) => name.startsWith("POST"));
    expect(root?.attributes).toMatchObject({ "cpg.identity": "CP-FAR", "cpg.outcome": "answered" });
    expect(response).toBe(`00-${"1".repeat(32)}-${root?.spanId}-01`);
  });

  test("a command to a charge point of the same edge needs no other", async () => {
    await station(edge(a), "CP-NEAR", reset);
    const response = await commanded(edge(a), "CP-NEAR", {});
    const spans = await trace(3, ({ traceId }) => traceId === response?.slice(3, 35));
    expect(described(spans)).toContain("edge-a client OCPP Reset < POST /v1/charge-points/{id}/commands");
  });

  test("a caller that does not keep its trace is believed; a header that is none is as good as no header", async () => {
    await station(edge(a), "CP-QUIET", reset);
    expect(await commanded(edge(b), "CP-QUIET", { traceparent: callers("2", "00") })).toBeNull();
    const own = await commanded(edge(b), "CP-QUIET", { traceparent: "00-nonsense" });
    expect(own).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    await trace(4, ({ traceId }) => traceId === own?.slice(3, 35));
    expect(collector.spans.filter(({ traceId }) => traceId === "2".repeat(32))).toEqual([]);
  });

  test("a command that fails says in its trace how", async () => {
    const response = await fetch(`${edge(b).api}/v1/charge-points/CP-NOBODY/commands`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent: callers("3") },
      body: '{"action":"Reset","payload":{"type":"Soft"}}',
    });
    expect(response.status).toBe(404);
    expect(response.headers.get("traceresponse")).toMatch(/^00-3{32}-/);
    const spans = await trace(2, ({ traceId }) => traceId === "3".repeat(32));
    const root = spans.find(({ name }) => name.startsWith("POST"));
    expect([root?.isError, root?.attributes["error.type"]]).toEqual([true, "offline"]);
  });
});

test("with a ratio of 0 nothing is sent but what a caller keeps", async () => {
  const [only] = await startEdges(1, 0);
  if (only === undefined) throw new Error("no edge");
  const before = collector.spans.length;
  const cp = await station(only, "CP-UNTRACED", reset);
  await cp.call("BootNotification", { chargePointVendor: "V", chargePointModel: "M" });
  const request = requestOf("CP-UNTRACED");
  expect(request?.headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(await commanded(only, "CP-UNTRACED", {})).toBeNull();
  await commanded(only, "CP-UNTRACED", { traceparent: callers("4") });
  await trace(3, ({ traceId }) => traceId === "4".repeat(32)); // sent after all that came before it
  expect(new Set(collector.spans.slice(before).map(({ traceId }) => traceId))).toEqual(
    new Set(["4".repeat(32)]),
  );
}, 60_000);

test("a collector that is away costs its line of the log and nothing else", async () => {
  const [only] = await startEdges(1, 1, `http://127.0.0.1:${String(await freePort())}`);
  if (only === undefined) throw new Error("no edge");
  const cp = await station(only, "CP-ALONE");
  const failed = ['signal="traces"', 'outcome="failed"'];
  await eventually(
    async () => {
      await cp.call("Heartbeat", {});
      expect(await metric(only, "telemetry_exports_total", failed)).toBeGreaterThan(1);
    },
    { timeoutMs: 40_000, intervalMs: 200 },
  );
  expect((await fetch(`${only.api}/readyz`)).status).toBe(200);
  expect(only.complaints().map((line) => JSON.stringify(line))).toEqual([
    expect.stringMatching(/OpenTelemetry: the collector did not take it/),
  ]);
}, 60_000);
