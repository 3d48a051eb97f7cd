import { describe, expect, test } from "vitest";
import { actions, ocppVersions } from "@cpg/ocpp";
import { startTelemetry, type Telemetry } from "@cpg/telemetry";
import { closeTable } from "../src/close-codes.ts";
import { createInstruments } from "../src/edge-instruments.ts";

async function scrape(use: (telemetry: Telemetry) => void): Promise<readonly string[]> {
  const telemetry = await startTelemetry({
    serviceName: "gw",
    edge: "edge-a",
    logLevel: "silent",
    metrics: { host: "127.0.0.1", port: 0 },
  });
  try {
    use(telemetry);
    const response = await fetch(telemetry.metricsUrl ?? "");
    return (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  } finally {
    await telemetry.shutdown();
  }
}

const of = (lines: readonly string[], name: string): readonly string[] =>
  lines.filter((line) => line.startsWith(`${name}{`));

describe("before anything happened", () => {
  test("each cause of an end stands at 0 with the code that a charge point sees", async () => {
    const lines = of(
      await scrape((meter) => void createInstruments(meter)),
      "websocket_connections_closed_total",
    );
    for (const cause of [...Object.keys(closeTable), "peer", "lost", "invalidUtf8"])
      expect(
        lines.filter((line) => line.includes(`cause="${cause}"`) && line.endsWith(" 0")),
        cause,
      ).not.toEqual([]);
    expect(lines).toContain('websocket_connections_closed_total{code="1012",cause="draining"} 0');
    expect(lines).toContain('websocket_connections_closed_total{code="1006",cause="idle"} 0');
  });

  test("every end of an integration stands at 0, so that its first failure is a rise", async () => {
    const lines = await scrape((meter) => void createInstruments(meter).integration("csms"));
    expect(of(lines, "integration_requests_total").map((line) => line.split(" ").at(-1))).toEqual(
      Array.from({ length: 10 }, () => "0"),
    );
  });

  test("each subprotocol stands at 0", async () => {
    const lines = await scrape((meter) => void createInstruments(meter));
    expect(of(lines, "websocket_connections_total")).toHaveLength(ocppVersions.length);
  });
});

describe("what a peer sends", () => {
  test("an action has all its outcomes with its first CALL", async () => {
    const lines = await scrape((meter) =>
      createInstruments(meter).served("1.6", "BootNotification", "result"),
    );
    expect(of(lines, "ocpp_calls_total").filter((line) => line.includes('"BootNotification"'))).toEqual([
      'ocpp_calls_total{version="1.6",action="BootNotification",outcome="result"} 1',
      'ocpp_calls_total{version="1.6",action="BootNotification",outcome="fault"} 0',
      'ocpp_calls_total{version="1.6",action="BootNotification",outcome="callError"} 0',
      'ocpp_calls_total{version="1.6",action="BootNotification",outcome="unanswered"} 0',
    ]);
  });

  test("all actions of all versions and 10,000 invented ones are a few hundred series", async () => {
    const lines = await scrape((meter) => {
      const instruments = createInstruments(meter);
      for (const version of ocppVersions)
        for (const action of actions[version].keys()) instruments.served(version, action, "result");
      for (let at = 0; at < 10_000; at += 1) instruments.served("2.1", `Invented${String(at)}`, "fault");
    });
    const calls = of(lines, "ocpp_calls_total");
    expect(calls.length).toBeLessThan(320);
    expect(calls.some((line) => line.includes("other"))).toBe(false); // every real one has room
    const unknown = calls.find((line) => line.includes('version="2.1",action="unknown",outcome="fault"'));
    expect(Number(unknown?.split(" ").at(-1))).toBe(10_000);
  });

  test("close codes that nobody defined are one series, whatever number a peer makes up", async () => {
    const lines = await scrape((meter) => {
      const instruments = createInstruments(meter);
      for (let code = 0; code < 65_536; code += 7) instruments.ended("peer", code);
      instruments.ended("peer", 1001);
    });
    const peer = of(lines, "websocket_connections_closed_total").filter((line) => line.includes('"peer"'));
    expect(peer.length).toBeLessThan(16);
    expect(peer.find((line) => line.includes('code="1001"'))).toMatch(/ [12]$/);
  });
});
