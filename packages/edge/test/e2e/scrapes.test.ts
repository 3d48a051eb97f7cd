// The scrape of a shipped edge: bounded whatever 10,000 charge points send, and there to the end of a drain.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { actions, ocppVersions, subprotocolOf } from "@cpg/ocpp";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { afterEach, expect, inject, test } from "vitest";
import { connectRaw, type RawStation } from "./support/raw-station.ts";
import { command, metric, startStack, type EdgeProcess } from "./support/stack.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = open.pop(); close !== undefined; close = open.pop()) await close();
});

/** Every version's every action, and some that nobody knows. */
const said = ocppVersions.flatMap((version) =>
  [...actions[version].keys(), "Invented", "__proto__", 'a"b\\c'].map((action) => ({
    protocol: subprotocolOf(version),
    action,
  })),
);

/** What no version allows, one of each kind, and what is ignored. */
const nonsense: readonly string[] = [
  "nonsense",
  "{}",
  '["x"]',
  '[9,"a"]',
  "[2,7]",
  '[2,""]',
  `[2,"${"x".repeat(40)}","Heartbeat",{}]`,
  '[2,"a"]',
  '[2,"a",7,{}]',
  '[2,"a","Heartbeat",7]',
  '[3,"nobody asked",{}]',
  '[4,"nobody asked",7,"",{}]',
  '[5,"nobody asked","Code","",{}]',
  '[6,"a","NotifyPeriodicEventStream",{}]',
  "",
];

/** Says yes to everything; the address to put before a path. */
async function agreeingBackend(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

async function startEdge(extra: readonly string[] = []): Promise<EdgeProcess> {
  const backend = await agreeingBackend();
  const stack = await startStack({
    edges: 1,
    redisNodes: inject("redisNodes"),
    keyPrefix: uniquePrefix(),
    arguments: ["--telemetry-redis-nodes-ms=250", ...extra],
    routes: {
      integrations: {
        csms: { type: "http", url: `${backend}/{action}/{identity}`, maxConcurrent: 4096 },
        log: { type: "stream" },
        clock: { type: "local", handler: "heartbeat" },
      },
      routes: {
        $default: "csms",
        $connect: "csms",
        $disconnect: "csms",
        MeterValues: "log",
        Heartbeat: "clock",
      },
    },
  });
  open.push(() => stack.stop());
  const [edge] = stack.edges;
  if (edge === undefined) throw new Error("no edge");
  return edge;
}

const portOf = ({ endpoint }: EdgeProcess): number => Number(new URL(endpoint).port);

/** Connects `count` stations, some hundred at a time, from ten addresses. */
async function connectMany(edge: EdgeProcess, count: number): Promise<readonly RawStation[]> {
  const stations: RawStation[] = [];
  for (let first = 0; first < count; first += 200) {
    const size = Math.min(200, count - first);
    const batch = Array.from({ length: size }, (_, at) => first + at).map((n) =>
      connectRaw({
        port: portOf(edge),
        path: `/ocpp/CP${String(n)}`,
        protocol: said[n % said.length]?.protocol ?? "ocpp1.6",
        from: `127.0.0.${String(2 + (n % 10))}`,
      }),
    );
    stations.push(...(await Promise.all(batch)));
  }
  open.push(() => stations.forEach((station) => station.destroy()));
  return stations;
}

/** Requests that are refused, one for each reason that a client can cause. */
async function beRefused(edge: EdgeProcess): Promise<readonly number[]> {
  const port = portOf(edge);
  const answers = await Promise.all([
    connectRaw({ port, path: "/elsewhere/CP1", protocol: "ocpp1.6" }),
    connectRaw({ port, path: "/ocpp/%zz", protocol: "ocpp1.6" }),
    connectRaw({ port, path: "/ocpp/CP1", protocol: "ocpp0.9" }),
    connectRaw({ port, path: "/ocpp/CP1", isUpgrade: false }),
    connectRaw({ port, path: "/ocpp/CP1", method: "DELETE", isUpgrade: false }),
  ]);
  for (const station of answers) station.destroy();
  return answers.map(({ status }) => status);
}

test("10,000 charge points, every action of every version and hostile input: at most 1,500 samples", async () => {
  const edge = await startEdge();
  const stations = await connectMany(edge, 10_000);
  expect(stations.filter(({ status }) => status !== 101)).toEqual([]);
  for (const [n, station] of stations.entries()) {
    const action = said[n % said.length]?.action ?? "";
    station.text(JSON.stringify([2, `m${String(n)}`, action, {}]));
    if (n % 20 === 0) station.text(nonsense[(n / 20) % nonsense.length] ?? "");
    if (n % 100 === 99) station.close(1000 + ((n * 37) % 4000));
  }
  expect((await beRefused(edge)).every((status) => status >= 400)).toBe(true);
  await Promise.all(
    ["CP0", "CP1", "NOBODY", "%zz"].map((identity) =>
      command(edge, identity, { action: "Reset", payload: { type: "Soft" }, timeoutMs: 200 }),
    ),
  );
  // Everything was served and registered, and the Redis nodes were asked.
  await eventually(
    async () => {
      expect(await metric(edge, "websocket_connections_total")).toBe(10_000);
      expect(await metric(edge, "ocpp_oldest_unanswered_seconds", ['direction="in"'])).toBe(0);
      expect(await metric(edge, "redis_up")).toBe(inject("redisNodes").length);
      expect(await metric(edge, "registry_owed")).toBe(0);
    },
    { timeoutMs: 60_000, intervalMs: 500 },
  );
  const text = await (await fetch(edge.metrics)).text();
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const byFamily = new Map<string, number>();
  for (const line of samples) {
    const name = line.split(/[ {]/)[0] ?? "";
    byFamily.set(name, (byFamily.get(name) ?? 0) + 1);
  }
  const largest = [...byFamily].sort(([, a], [, b]) => b - a).slice(0, 12);
  expect(samples.length, JSON.stringify(largest)).toBeLessThanOrEqual(1_500);
  expect(text).not.toMatch(/CP\d|Invented|__proto__/); // nothing that a charge point made up is a label
  expect(samples.filter((line) => line.startsWith("ocpp_calls_total")).length).toBeGreaterThan(250);
}, 120_000);

test("while an edge drains each scrape is answered, and tells of the drain", async () => {
  const edge = await startEdge([
    "--listen-max-connections=500", // so many leave within the deadline at this pace
    "--drain-slice-size=20",
    "--drain-slice-interval-ms=100",
  ]);
  await connectMany(edge, 400);
  edge.process.signal("SIGTERM");
  const seen: { readonly isDraining: number; readonly active: number }[] = [];
  const run = { hasEnded: false };
  const ended = edge.process.exited.then((exit) => {
    run.hasEnded = true;
    return exit;
  });
  while (!run.hasEnded) {
    const isDraining = await metric(edge, "edge_draining").catch(() => undefined);
    const active = await metric(edge, "websocket_connections_active").catch(() => undefined);
    if (isDraining !== undefined && active !== undefined) seen.push({ isDraining, active });
  }
  const draining = seen.filter((scrape) => scrape.isDraining === 1);
  expect(draining.length).toBeGreaterThan(3);
  const between = draining.filter(({ active }) => active > 0 && active < 400);
  expect(between, "in the middle of it").not.toEqual([]);
  expect(await ended).toMatchObject({ code: 0 });
  expect(edge.complaints()).toEqual([]);
}, 60_000);
