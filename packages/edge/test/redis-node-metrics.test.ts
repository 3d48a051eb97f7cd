// Who watches the Redis nodes, and what a scrape then shows.
import { systemTime, type RedisSettings } from "@cpg/session-registry";
import { startTelemetry, type Telemetry } from "@cpg/telemetry";
import { eventually } from "@cpg/testkit";
import { afterEach, describe, expect, inject, test } from "vitest";
import { isElected, watchRedisNodes } from "../src/redis-node-metrics.ts";
import { defaultConfig } from "./support/test-edge.ts";

const edge = (name: string, isDraining = false) => ({ edge: name, isDraining });

describe("who watches", () => {
  test.each([
    ["alone", "b", [edge("b")], true],
    ["the lowest name of several", "a", [edge("c"), edge("a"), edge("b")], true],
    ["another name is lower", "b", [edge("a"), edge("b")], false],
    ["the lower one drains", "b", [edge("a", true), edge("b")], true],
    ["its own former incarnation is still listed, draining", "a", [edge("a", true), edge("a")], true],
    ["not listed yet, and its name is lowest", "a", [edge("b")], true],
    ["not listed yet, and another's is lower", "b", [edge("a")], false],
    ["Redis takes no leases: nobody is listed, so each watches", "b", [], true],
  ])("%s", (_, name, edges, expected) => {
    expect(isElected({ name, isDraining: false }, edges)).toBe(expected);
  });

  test("not an edge that drains, whatever the registry lists", () => {
    expect(isElected({ name: "a", isDraining: true }, [])).toBe(false);
    expect(isElected({ name: "a", isDraining: true }, [edge("a"), edge("b")])).toBe(false);
  });

  test("of any edges that see the same list, one watches", () => {
    const list = ["e3", "e1", "e2", "E1", "é"].map((name) => edge(name));
    const elected = list.filter((each) => isElected({ name: each.edge, isDraining: false }, list));
    expect(elected).toHaveLength(1);
  });
});

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = open.pop(); close !== undefined; close = open.pop()) await close();
});

async function watching(changes: Partial<RedisSettings & { everyMs: number }>, isWatcher = () => true) {
  const lines: string[] = [];
  const telemetry = await startTelemetry({
    serviceName: "gw",
    edge: "edge-a",
    logLevel: "info",
    logDestination: { write: (line) => void lines.push(line) },
    metrics: { host: "127.0.0.1", port: 0 },
  });
  open.push(() => telemetry.shutdown());
  const { redis } = defaultConfig();
  const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${String(port)}`);
  const settings = { ...redis, tls: undefined, nodes, everyMs: 100, ...changes };
  open.push(watchRedisNodes(settings, telemetry, { time: systemTime, isWatcher }));
  return { telemetry, lines };
}

async function nodeSeries({ metricsUrl = "" }: Telemetry): Promise<readonly string[]> {
  const text = await (await fetch(metricsUrl)).text();
  return text.split("\n").filter((line) => line.startsWith("redis_"));
}

describe("a scrape of the edge that watches", () => {
  test("has every node under the names of redis_exporter", async () => {
    const { telemetry, lines } = await watching({});
    const nodes = inject("redisNodes").length;
    await eventually(async () => {
      const up = (await nodeSeries(telemetry)).filter((line) => line.startsWith("redis_up"));
      expect(up.filter((line) => line.endsWith(" 1"))).toHaveLength(nodes);
    });
    const series = await nodeSeries(telemetry);
    const of = (name: string) => series.filter((line) => line.startsWith(`${name}{`)).length;
    for (const name of [
      "redis_connected_clients",
      "redis_blocked_clients",
      "redis_config_maxclients",
      "redis_rejected_connections_total",
      "redis_keyspace_hits_total",
      "redis_keyspace_misses_total",
      "redis_evicted_keys_total",
      "redis_memory_used_bytes",
      "redis_memory_max_bytes",
      "redis_cluster_state",
      "redis_cluster_slots_ok",
      "redis_instance_info",
    ])
      expect(of(name), name).toBe(nodes);
    expect(series.some((line) => /^redis_commands_total\{node="[^"]+",cmd="info"\} [1-9]/.test(line))).toBe(
      true,
    );
    expect(series.length, "series of a node").toBeLessThan(nodes * 45 + 10);
    expect(lines, "all is well: nothing to log").toEqual([]);
  });

  test("an edge that is not elected tells of no node", async () => {
    const { telemetry } = await watching({}, () => false);
    const series = await nodeSeries(telemetry);
    expect(series.filter((line) => line.includes("node="))).toEqual([]);
    expect(series).toContain("redis_node_watcher 0");
  });

  test("0 ms is never: neither watcher nor nodes", async () => {
    const { telemetry } = await watching({ everyMs: 0 });
    expect(
      (await nodeSeries(telemetry)).filter((line) => !line.startsWith("redis_node_polls_total")),
    ).toEqual([]);
  });

  test("a cluster that cannot be reached is redis_up 0, counted each time and logged once", async () => {
    const { telemetry, lines } = await watching({ nodes: ["127.0.0.1:1"] });
    const polls = telemetry.counter("redis_node_polls_total", { outcome: "unreachable" });
    await eventually(() => expect(polls.value).toBeGreaterThan(2));
    const series = await nodeSeries(telemetry);
    expect(series).toContain('redis_up{node="127.0.0.1:1"} 0');
    expect(series.filter((line) => line.includes("node="))).toHaveLength(1);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "warn",
      node: "127.0.0.1:1",
      outcome: "unreachable",
    });
  });
});
