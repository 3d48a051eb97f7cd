// A whole edge with its real log, read line by line.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { loadConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { startTelemetry, type LogOptions } from "@cpg/telemetry";
import { eventually, freePort } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startGateway, type Gateway } from "../src/gateway.ts";
import { connect, refused, type ChargePoint } from "./support/charge-point.ts";

type Line = Readonly<Record<string, unknown>>;

const key = "a key of 16 bytes";
const salt = Buffer.from("salt of the test");
const entry = {
  salt: salt.toString("base64"),
  hash: createHash("sha256").update(salt).update(key).digest("base64"),
};

let folder: string;
let lines: Line[];
let gateway: Gateway | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-log-"));
  lines = [];
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await rm(folder, { recursive: true });
});

async function start(logLevel: LogOptions["level"], maxConnections = 100) {
  const credentials = join(folder, "credentials.json");
  await writeFile(credentials, JSON.stringify({ CP1: entry, "CP 2": entry }));
  const settings = {
    "edge-name": "edge-a",
    "edge-environment": "development",
    "registry-kind": "memory",
    "auth-mode": "file",
    "auth-file": credentials,
    "listen-host": "127.0.0.1",
    "listen-port": await freePort(),
    "listen-max-connections": maxConnections,
    "management-port": await freePort(),
  };
  const argv = Object.entries(settings).map(([name, value]) => `--${name}=${String(value)}`);
  const loaded = loadConfig({ argv, env: {}, hostname: "test" });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  const logDestination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const openTelemetry = () =>
    startTelemetry({ serviceName: "test", edge: "edge-a", logLevel, logDestination });
  const ports = { time: systemTime, random: systemRandom, openTelemetry };
  const { edge, managementPort } = (gateway = await startGateway(loaded.config, ports));
  const base = `127.0.0.1:${String(edge.listenPort)}`;
  return {
    http: `http://${base}`,
    url: (identity: string) => `ws://${base}/ocpp/${identity}`,
    api: `http://127.0.0.1:${String(managementPort)}/v1/charge-points`,
  };
}

const as = (user: string, password = key) => ({
  headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` },
});

const inEachLine: ReadonlySet<string> = new Set(["level", "time", "service", "edge", "msg"]);

/** Lines of level debug with that message, without what every line has. */
function told(msg: string): object[] {
  return lines
    .filter((line) => line["msg"] === msg && line["level"] === "debug")
    .map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !inEachLine.has(name))));
}

async function reset(api: string, identity: string, station?: ChargePoint): Promise<number> {
  const answered = station?.command(0).then(({ id }) => station.send([3, id, { status: "Accepted" }]));
  const response = await fetch(`${api}/${identity}/commands`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "Reset", payload: { type: "a secret" } }),
  });
  await answered;
  return response.status;
}

describe("at debug", () => {
  test("each refusal says why, whose it was where that is an identity, and where it came from", async () => {
    const { url, http } = await start("debug", 1);
    await refused(url("CP1"), ["ocpp1.6"], as("CP1", "a wrong secret"));
    await refused(url("CP%202"), ["ocpp1.6"]);
    await refused(url("CP9"), ["ocpp1.6"], as("CP9"));
    await refused(url("CP1"), ["ocpp0.9"], as("CP1"));
    await refused(url("CP%2F1"));
    await refused(`${url("CP1")}/asecret?token=asecret`);
    await fetch(`${http}/ocpp/CP1?token=asecret`);
    await fetch(`${http}/ocpp/CP1`, { method: "POST" });
    await connect(url("CP1"), ["ocpp1.6"], as("CP1"));
    await refused(url("CP%202"), ["ocpp1.6"], as("CP 2"));
    const remote = "127.0.0.1";
    expect(told("charge point refused")).toEqual([
      { reason: "credentials", remote, identity: "CP1" },
      { reason: "credentials", remote, identity: "CP 2" },
      { reason: "unknownIdentity", remote, identity: "CP9" },
      { reason: "subprotocol", remote, identity: "CP1" },
      { reason: "identity", remote, fault: "slash" },
      { reason: "path", remote },
      { reason: "notWebSocket", remote, identity: "CP1" },
      { reason: "method", remote, identity: "CP1" },
      { reason: "capacity", remote, identity: "CP 2" },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/secret/);
  });

  test("one charge point is found as the README says, in whichever case it writes itself", async () => {
    const { url } = await start("debug");
    await refused(url("cp1"), ["ocpp2.0.1"], as("cp1", "wrong"));
    await connect(url("CP1"), ["ocpp1.6"], as("CP1"));
    await refused(url("CP11"), ["ocpp1.6"], as("CP11"));
    const found = lines.filter((line) => /"identity":"CP1"/i.test(JSON.stringify(line)));
    expect(found.map(({ msg }) => msg)).toEqual(["charge point refused", "session opened"]);
  });

  test("what an identity may hold breaks no line", async () => {
    const { url } = await start("debug");
    await refused(url("CP%22%7D%2C%7B%22level%22%3A%22fatal"), ["ocpp1.6"], as("x"));
    await refused(url("CP%0A1"), ["ocpp1.6"], as("x"));
    expect(told("charge point refused")).toMatchObject([
      { identity: 'CP"},{"level":"fatal' },
      { fault: "controlCharacter" },
    ]);
  });

  test("a session's beginning and end: who it was, which connection, who ended it, after how long", async () => {
    const { url, api } = await start("debug");
    const older = await connect(url("CP1"), ["ocpp2.0.1"], as("CP1"));
    const newer = await connect(url("CP1"), ["ocpp2.0.1"], as("CP1"));
    await older.ended();
    expect((await fetch(`${api}/CP1/connection`, { method: "DELETE" })).status).toBe(204);
    await newer.ended();
    const third = await connect(url("CP1"), ["ocpp1.6"], as("CP1"));
    third.ws.close(1000);
    await eventually(() => expect(told("session ended")).toHaveLength(3));
    const [first, second, last] = told("session opened") as Line[];
    expect([first, second]).toEqual([
      { identity: "CP1", version: "2.0.1", connection: expect.any(String), remote: "127.0.0.1" },
      { identity: "CP1", version: "2.0.1", connection: expect.any(String), remote: "127.0.0.1" },
    ]);
    const ended = { identity: "CP1", seconds: expect.any(Number) };
    expect(told("session ended")).toEqual([
      { ...ended, connection: first?.["connection"], cause: "superseded", code: 4001 },
      { ...ended, connection: second?.["connection"], cause: "operator", code: 4002 },
      { ...ended, connection: last?.["connection"], cause: "peer", code: 1000 },
    ]);
    expect(told("close by the management API ended")).toEqual([
      { identity: "CP1", caller: "127.0.0.1", outcome: "closed" },
    ]);
  });

  test("each command says who asked, what, and how it ended; not what was in it", async () => {
    const { url, api } = await start("debug");
    const station = await connect(url("CP1"), ["ocpp1.6"], as("CP1"));
    expect(await reset(api, "CP1", station)).toBe(200);
    expect(await reset(api, "CP9")).toBe(404);
    expect((await fetch(`${api}/CP9/connection`, { method: "DELETE" })).status).toBe(404);
    const caller = "127.0.0.1";
    expect(told("command ended")).toEqual([
      { identity: "CP1", caller, action: "Reset", outcome: "answered", owner: "edge-a" },
      { identity: "CP9", caller, action: "Reset", outcome: "offline" },
    ]);
    expect(told("close by the management API ended")).toEqual([
      { identity: "CP9", caller, outcome: "offline" },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/secret/);
  });
});

test("at info there is none of it", async () => {
  const { url, http, api } = await start("info");
  await refused(url("CP1"), ["ocpp1.6"], as("CP1", "wrong"));
  await fetch(`${http}/ocpp/CP1`);
  const station = await connect(url("CP1"), ["ocpp1.6"], as("CP1"));
  expect(await reset(api, "CP1", station)).toBe(200);
  await fetch(`${api}/CP1/connection`, { method: "DELETE" });
  await station.ended();
  expect(lines.length).toBeGreaterThan(0);
  expect(JSON.stringify(lines)).not.toMatch(/CP1/);
});
