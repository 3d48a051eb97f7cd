// The demo backend, spoken to as the gateway does.
import { describe, expect, onTestFinished, test } from "vitest";

import { type DemoBackend, startDemoBackend } from "../src/demo-backend.ts";

async function start(): Promise<DemoBackend> {
  const backend = await startDemoBackend(0);
  onTestFinished(() => backend.close());
  return backend;
}

type Reply = { readonly status: number; readonly body: Record<string, unknown> };

async function post(backend: DemoBackend, action: string, payload: unknown, headers = {}): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${backend.port}/ocpp`, {
    method: "POST",
    headers: { "content-type": "application/json", "ce-type": `ocpp1.6.${action}`, ...headers },
    body: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the demo backend", () => {
  test.each([
    ["BootNotification", {}, { status: "Accepted", interval: 300 }],
    ["Authorize", { idTag: "TAG1" }, { idTagInfo: { status: "Accepted" } }],
    ["Authorize", { idToken: { idToken: "T" } }, { idTokenInfo: { status: "Accepted" } }],
    ["StartTransaction", { idTag: "TAG1" }, { idTagInfo: { status: "Accepted" } }],
    ["StopTransaction", { transactionId: 1 }, {}],
    ["TransactionEvent", { eventType: "Started" }, {}],
    ["NotifyReport", {}, {}],
    ["MeterValues", {}, {}],
  ])("answers %s %j", async (action, payload, wanted) => {
    const { status, body } = await post(await start(), action, payload);
    expect(status).toBe(200);
    expect(body).toMatchObject(wanted);
  });

  test("tells the time to a Heartbeat", async () => {
    const { body } = await post(await start(), "Heartbeat", {});
    expect(Math.abs(Date.parse(String(body["currentTime"])) - Date.now())).toBeLessThan(60_000);
  });

  test("gives each transaction its own id, and the same id to the same CALL tried again", async () => {
    const backend = await start();
    const first = await post(backend, "StartTransaction", {}, { "ce-id": "call-1" });
    const again = await post(backend, "StartTransaction", {}, { "ce-id": "call-1" });
    const second = await post(backend, "StartTransaction", {}, { "ce-id": "call-2" });
    expect(again).toEqual(first);
    expect(second.body["transactionId"]).not.toBe(first.body["transactionId"]);
    expect(backend.counts()).toEqual({ StartTransaction: 2 });
  });

  test("is told of connections, and asked nothing", async () => {
    const backend = await start();
    const reply = await post(backend, "", {}, { "ce-type": "cpg.connect" });
    expect(reply).toEqual({ status: 200, body: {} });
    expect(backend.counts()).toEqual({ $connect: 1 });
  });

  test.each(["Reboot", "constructor", "__proto__"])("does not implement %s, and says so", async (action) => {
    expect((await post(await start(), action, {})).status).toBe(501);
  });

  test.each(["{", "3", "null"])("refuses the body %s", async (text) => {
    expect((await post(await start(), "Heartbeat", text)).status).toBe(400);
  });

  test("counts for whoever looks", async () => {
    const backend = await start();
    await post(backend, "Heartbeat", {});
    const response = await fetch(`http://127.0.0.1:${backend.port}/`);
    expect(await response.json()).toEqual({ Heartbeat: 1 });
  });

  test("a port in use is an error", async () => {
    const { port } = await start();
    await expect(startDemoBackend(port)).rejects.toThrow("EADDRINUSE");
  });
});
