// Real charge points in, a real backend out, sessions in a real Redis Cluster, over three edge processes.

import { eventually, uniquePrefix } from "@cpg/testkit";
import type { RPCClient } from "ocpp-rpc";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startBackend, type Backend } from "./support/backend.ts";
import { command, startStack, type EdgeProcess, type Stack } from "./support/stack.ts";
import { connectStation } from "./support/station.ts";

describe("three edges, one registry", () => {
  let backend: Backend;
  let stack: Stack;
  let [a, b, c]: EdgeProcess[] = [];
  const clients: RPCClient[] = [];
  const edge = (one: EdgeProcess | undefined): EdgeProcess => {
    if (!one) throw new Error("no such edge");
    return one;
  };

  beforeAll(async () => {
    backend = await startBackend();
    stack = await startStack({
      edges: 3,
      redisNodes: inject("redisNodes"),
      keyPrefix: uniquePrefix(),
      routes: {
        integrations: { csms: { type: "http", url: `${backend.url}/{action}/{identity}` } },
        routes: { $default: "csms" },
      },
    });
    [a, b, c] = stack.edges;
  }, 60_000);
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close({ force: true }).catch(() => undefined)));
    await stack?.stop();
    await backend?.stop();
  });

  const station = async (...args: Parameters<typeof connectStation>): Promise<RPCClient> => {
    const client = await connectStation(...args);
    clients.push(client);
    return client;
  };

  it("serves a 1.6 charge point through a whole charging session", async () => {
    const cp = await station(edge(a), "CP16");
    expect(
      await cp.call("BootNotification", { chargePointVendor: "V", chargePointModel: "M" }),
    ).toMatchObject({ status: "Accepted" });
    expect(await cp.call("Authorize", { idTag: "TAG" })).toMatchObject({ idTagInfo: { status: "Accepted" } });
    const start = { connectorId: 1, idTag: "TAG", meterStart: 0, timestamp: new Date().toISOString() };
    expect(await cp.call("StartTransaction", start)).toMatchObject({ transactionId: 42 });
    const meterValue = [{ timestamp: new Date().toISOString(), sampledValue: [{ value: "1" }] }];
    expect(await cp.call("MeterValues", { connectorId: 1, transactionId: 42, meterValue })).toEqual({});
    const stop = { transactionId: 42, meterStop: 10, timestamp: new Date().toISOString() };
    expect(await cp.call("StopTransaction", stop)).toEqual({});
    const seen = backend.requests.filter(({ identity }) => identity === "CP16");
    expect(seen.map(({ action }) => action)).toEqual([
      "BootNotification",
      "Authorize",
      "StartTransaction",
      "MeterValues",
      "StopTransaction",
    ]);
    expect(seen[2]?.payload).toEqual(start);
    expect(seen[0]?.headers).toMatchObject({
      "ce-specversion": "1.0",
      traceparent: expect.stringMatching(/^00-/),
    });
  });

  it("serves a 2.0.1 charge point on the same endpoint", async () => {
    const cp = await station(edge(a), "CP201", { protocol: "ocpp2.0.1" });
    const boot = { chargingStation: { vendorName: "V", model: "M" }, reason: "PowerUp" };
    expect(await cp.call("BootNotification", boot)).toMatchObject({ status: "Accepted", interval: 300 });
    expect(await cp.call("Heartbeat", {})).toHaveProperty("currentTime");
  });

  it("answers NotImplemented for an action that its backend does not know", async () => {
    const cp = await station(edge(a), "CP-UNKNOWN-ACTION");
    await expect(cp.call("FirmwareStatusNotification", { status: "Idle" })).rejects.toMatchObject({
      rpcErrorCode: "NotImplemented",
    });
  });

  it("carries a command from another edge's API to the charge point and its answer back", async () => {
    await station(edge(a), "CP-CMD", { handlers: { Reset: () => ({ status: "Accepted" }) } });
    await eventually(async () => {
      const reply = await command(edge(b), "CP-CMD", { action: "Reset", payload: { type: "Soft" } });
      expect(reply).toMatchObject({
        status: 200,
        body: { status: "answered", payload: { status: "Accepted" } },
      });
    });
    const unknownAction = await command(edge(c), "CP-CMD", { action: "ClearCache", payload: {} });
    expect(unknownAction).toMatchObject({
      status: 200,
      body: { status: "rejected", error: { code: "NotImplemented" } },
    });
  });

  it("lets the newer of two sockets have the identity, and closes the older with a reason (R1)", async () => {
    const older = await station(edge(a), "CP-TWICE", { handlers: { Reset: () => ({ status: "Rejected" }) } });
    const closed = new Promise<{ code: number; reason: string }>((resolve) => older.once("close", resolve));
    // Two that come within the error of the edges' clocks are equally new: the older is registered before the newer comes.
    await eventually(async () => {
      expect((await fetch(`${edge(c).api}/v1/charge-points/CP-TWICE`)).status).toBe(200);
    });
    await station(edge(b), "CP-TWICE", { handlers: { Reset: () => ({ status: "Accepted" }) } });
    expect((await closed).reason).not.toBe("");
    expect(await command(edge(c), "CP-TWICE", { action: "Reset", payload: { type: "Soft" } })).toMatchObject({
      body: { payload: { status: "Accepted" } },
    });
  });

  it("answers 404 for a charge point that is not there, and 504 for one that is silent", async () => {
    expect((await command(edge(b), "CP-NOBODY", { action: "Reset", payload: {} })).status).toBe(404);
    await station(edge(a), "CP-SILENT", { handlers: { Reset: () => new Promise(() => undefined) } });
    await eventually(async () => {
      const silent = await command(edge(b), "CP-SILENT", {
        action: "Reset",
        payload: { type: "Soft" },
        timeoutMs: 500,
      });
      expect(silent).toMatchObject({ status: 504, body: { delivery: "sent" } });
    });
  });

  it("reaches a charge point at its new edge right after its old one was killed", async () => {
    const before = await station(edge(a), "CP-MOVES", {
      handlers: { Reset: () => ({ status: "Rejected" }) },
    });
    const lost = new Promise((resolve) => before.once("close", resolve));
    await edge(a).process.kill("SIGKILL");
    await lost;
    await station(edge(b), "CP-MOVES", { handlers: { Reset: () => ({ status: "Accepted" }) } });
    await eventually(async () => {
      // Until the new claim is in, the row names the dead edge, and a command waits for it: not for the default 30 s.
      const reply = await command(edge(c), "CP-MOVES", {
        action: "Reset",
        payload: { type: "Soft" },
        timeoutMs: 1_000,
      });
      expect(reply).toMatchObject({ status: 200, body: { payload: { status: "Accepted" } } });
    });
    await eventually(
      async () => {
        const { edges } = (await (await fetch(`${edge(c).api}/v1/edges`)).json()) as {
          edges: { name: string }[];
        };
        expect(new Set(edges.map((row) => row.name))).toEqual(new Set(["edge-b", "edge-c"]));
      },
      { timeoutMs: 25_000 },
    );
    // One of the two found it dead first, and says of whom and of how many.
    const obituaries = [edge(b), edge(c)]
      .flatMap((each) => each.process.lines())
      .filter((line) => line.includes("was declared dead"))
      .map((line): unknown => JSON.parse(line));
    expect(obituaries).toEqual([
      expect.objectContaining({ level: "info", dead: "edge-a", sessions: expect.any(Number) }),
    ]);
  }, 60_000);
});
