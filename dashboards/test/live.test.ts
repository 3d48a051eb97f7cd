// Two edges, and one with a file of keys, under the bench's load and the small faults of every day, a real Prometheus that scrapes them every second with our rules at 1/60 of their windows:
// every selector of every panel and rule returns data, no rule is broken, and no alert fires while all is well.
import { eventually, freePort, uniquePrefix } from "@cpg/testkit";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { edgeJob } from "../src/promql.ts";
import { parsePromql } from "./support/promql.ts";
import { startPrometheus, type RunningPrometheus } from "./support/prometheus.ts";
import { expressions, panelExpressions, rules, substituted } from "./support/shipped.ts";
import { startKeyedEdge, startStack, type KeyedEdge, type Stack } from "./support/stack.ts";
import { startEverydayFaults, startLoad, type EverydayFaults, type Load } from "./support/traffic.ts";

let stack: Stack;
let keyed: KeyedEdge;
let load: Load;
let faults: EverydayFaults;
let server: RunningPrometheus;

beforeAll(async () => {
  // Prometheus first, and the load last: an edge probes its own channel soon after its start, once, unless something wakes it before.
  const metricsPorts = [await freePort(), await freePort()] as const;
  const keyedPort = await freePort();
  server = await startPrometheus([...metricsPorts, keyedPort]);
  const shared = { redisNodes: inject("redisNodes"), keyPrefix: uniquePrefix() };
  [stack, keyed] = await Promise.all([
    startStack({ ...shared, metricsPorts }),
    startKeyedEdge(shared, keyedPort),
  ]);
  const isProbed = async (): Promise<boolean> =>
    (await server.query("rate(registry_channel_probe_seconds_count[5m]) > 0")).length === 3;
  // Where the first probe came before the first scrape, the next one comes after half a minute of silence.
  await eventually(isProbed, { timeoutMs: 60_000, intervalMs: 200 });
  load = await startLoad(stack, { stations: 200, rate: 200 });
  faults = startEverydayFaults(stack, load);
}, 150_000);

afterAll(async () => {
  await faults?.stop();
  await load?.stop();
  await server?.stop();
  await Promise.all([stack?.stop(), keyed?.stop()]);
});

/** Each selector once, without its range: `x{…}`. */
const selectors = [
  ...new Set(
    expressions.flatMap(({ expr }) => parsePromql(substituted(expr)).selectors.map(({ text }) => text)),
  ),
];

describe("every selector of panels and rules", () => {
  test.each(selectors)("%s returns data", async (text) => {
    await eventually(async () => (await server.query(text)).length > 0, {
      timeoutMs: 10_000,
      intervalMs: 200,
    });
  });
});

describe("every panel's query", () => {
  // So long that it reaches back to the start.
  const shown = panelExpressions.map(({ where, expr }) => [where, substituted(expr, "5m")] as const);

  test.each(shown)("%s has something to show: %s", async (_, expr) => {
    // Not NaN alone: a panel that divides nothing by nothing is empty too.
    await eventually(async () => (await server.query(expr)).some(({ value }) => !Number.isNaN(value)), {
      timeoutMs: 10_000,
      intervalMs: 200,
    });
  });
});

/** It counts for the whole machine, on which other tests may overflow a queue of theirs. */
const ofTheMachine = "AcceptQueueOverflows";

test("Prometheus evaluates every rule, and no alert fires while all is well", async () => {
  interface Rule {
    readonly name: string;
    readonly health: string;
    readonly lastError?: string;
    readonly state?: string;
  }
  await eventually(async () => {
    const { groups } = (await server.get("rules")) as { groups: { rules: Rule[] }[] };
    const loaded = groups.flatMap((group) => group.rules);
    expect(loaded).toHaveLength(rules.length);
    expect(loaded.filter(({ health }) => health !== "ok")).toEqual([]);
    const firing = loaded.filter(({ name, state }) => state === "firing" && name !== ofTheMachine);
    expect(firing.map(({ name }) => name)).toEqual([]);
  });
});

test("the bench's load was served: its stations stayed, every CALL and every command was answered", async () => {
  const isEnough = (): boolean => load.counted.calls > 1_000 && load.counted.commands > 400;
  await eventually(isEnough, { timeoutMs: 20_000, intervalMs: 200 });
  expect(load.counted).toMatchObject({ badCalls: 0, badCommands: 0 });
});

test("an edge's scrape stays small: series are bounded by what is declared", async () => {
  const samples = await server.query(`scrape_samples_scraped{job="${edgeJob}"}`);
  expect(samples).toHaveLength(3);
  for (const { value } of samples) expect(value).toBeLessThan(1_500);
});
