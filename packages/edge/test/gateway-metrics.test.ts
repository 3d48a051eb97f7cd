import { describe, expect, test } from "vitest";
import { noTelemetry } from "@cpg/telemetry";
import { buildInfo } from "../src/build-info.ts";
import { observeReadiness, tellSettled } from "../src/gateway-metrics.ts";
import type { HealthVerdict } from "../src/health.ts";
import { readRoutes } from "../src/routes-file.ts";
import { defaultConfig } from "./support/test-edge.ts";

describe("the versions that run", () => {
  test("are this package's, Node's and uWebSockets.js' own", () => {
    const { version, node, uws } = buildInfo();
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(uws).toMatch(/^20\.\d+\.\d+/);
    expect(node).toBe(process.versions.node);
  });
});

describe("readiness", () => {
  const observed = (verdict: HealthVerdict): ReadonlyMap<string, unknown> => {
    const told = new Map<string, unknown>();
    const observe = (name: string, read: () => unknown) => (told.set(name, read()), () => undefined);
    observeReadiness(
      { observe },
      () => verdict,
      () => false,
    );
    return told;
  };

  test("every kind of problem stands at 0 while there is none", () => {
    const told = observed({ ready: true, problems: [] });
    expect(told.get("edge_ready")).toEqual([{ value: 1 }]);
    expect(told.get("edge_problems")).toEqual(
      ["registry", "draining", "full", "eventLoop"].map((problem) => ({ value: 0, labels: { problem } })),
    );
  });

  test("problems are counted by kind: the registry may have two at once", () => {
    const problem = (code: HealthVerdict["problems"][number]["code"]) => ({ code, detail: "" });
    const told = observed({
      ready: false,
      problems: [problem("registry"), problem("registry"), problem("full")],
    });
    expect(told.get("edge_ready")).toEqual([{ value: 0 }]);
    expect(told.get("edge_problems")).toMatchObject([{ value: 2 }, { value: 0 }, { value: 1 }, { value: 0 }]);
  });
});

test("bounds stand beside what they bound, a route's own bound before the default", () => {
  const meter = noTelemetry();
  const config = defaultConfig();
  const plan = readRoutes(
    JSON.stringify({
      integrations: {
        own: { type: "http", url: "http://127.0.0.1:1/x", maxConcurrent: 7 },
        plain: { type: "http", url: "http://127.0.0.1:2/x" },
      },
      routes: { $default: "own", Authorize: "plain" },
    }),
  );
  if (plan.kind !== "plan") throw new Error(JSON.stringify(plan));
  tellSettled(meter, config, plan.routes);
  expect(meter.gauge("websocket_connections_limit").value).toBe(config.listen.maxConnections);
  expect(meter.gauge("commands_pending_limit").value).toBe(config.management.maxPendingCommands);
  expect(meter.gauge("integration_concurrency_limit", { integration: "own" }).value).toBe(7);
  expect(meter.gauge("integration_concurrency_limit", { integration: "plain" }).value).toBe(
    config.routes.http.maxConcurrent,
  );
});
