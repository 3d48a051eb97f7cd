import { describe, expect, expectTypeOf, test } from "vitest";
import { instruments, noTelemetry } from "../src/index.ts";
import type { CounterName, LabelsOf } from "../src/index.ts";
import { PlainMeter } from "../src/meter.ts";

function meter(onFault: (name: string, error: unknown) => void = () => undefined) {
  return new PlainMeter(onFault);
}

/** The series of one instrument as `{label: value}` and number. */
async function series(of: PlainMeter, name: string): Promise<readonly (readonly [object, number])[]> {
  const found = (await of.read()).find((snapshot) => snapshot.name === name);
  if (found === undefined) return [];
  if (found.kind === "histogram") throw new Error(`${name} is a histogram`);
  return found.series.map(({ labels, value }) => [labels, value] as const);
}

describe("handles", () => {
  test("the same name and labels give the same handle: resolving twice never splits a count", () => {
    const counting = meter();
    const handle = counting.counter("commands_total", { outcome: "answered" });
    expect(counting.counter("commands_total", { outcome: "answered" })).toBe(handle);
    expect(counting.counter("commands_total", { outcome: "offline" })).not.toBe(handle);
    const mixed = { type: "call", direction: "in" } as const;
    const ordered = { direction: "in", type: "call" } as const;
    expect(counting.counter("ocpp_messages_total", mixed)).toBe(
      counting.counter("ocpp_messages_total", ordered),
    );
  });

  test("counting changes numbers in place: nothing is allocated on the hot path", () => {
    const counter = meter().counter("ocpp_reused_ids_total");
    const histogram = meter().histogram("command_duration_seconds");
    const buckets = Reflect.get(histogram, "buckets");
    for (let n = 0; n < 1_000; n += 1) {
      counter.inc();
      histogram.record(n);
    }
    counter.inc(500);
    expect(counter.value).toBe(1_500);
    expect([histogram.count, histogram.sum]).toEqual([1_000, 499_500]);
    expect(Reflect.get(histogram, "buckets")).toBe(buckets);
  });

  test("a histogram's bounds are inclusive, and what lies above them all is counted too", async () => {
    const counting = meter();
    const handle = counting.histogram("registry_call_duration_seconds", { operation: "claim" });
    for (const value of [0, 0.0005, 0.00050001, 10, 10.1, 1e9]) handle.record(value);
    const found = (await counting.read()).find(({ name }) => name === "registry_call_duration_seconds");
    expect(found?.kind === "histogram" && found.series[0]?.buckets).toEqual([
      2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2,
    ]);
  });

  test("a name of another kind is refused, not counted somewhere else", () => {
    const untyped = meter() as unknown as Record<
      "counter" | "gauge" | "histogram",
      (name: string) => unknown
    >;
    expect(() => untyped.counter("command_duration_seconds")).toThrow(TypeError);
    expect(() => untyped.histogram("commands_pending")).toThrow(TypeError);
    expect(() => untyped.gauge("constructor")).toThrow(TypeError);
  });
});

describe("labels", () => {
  test("are checked by the compiler", () => {
    expectTypeOf<LabelsOf<"commands_total">["outcome"]>().not.toEqualTypeOf<string>();
    expectTypeOf<"command_duration_seconds">().not.toExtend<CounterName>();
    const telemetry = noTelemetry();
    // @ts-expect-error an undeclared name
    expect(() => telemetry.counter("ocpp_reusd_ids_total")).toThrow(TypeError);
    // @ts-expect-error an undeclared value
    telemetry.counter("commands_total", { outcome: "maybe" });
    // @ts-expect-error a missing label
    telemetry.counter("ocpp_messages_total", { direction: "in" });
    // @ts-expect-error labels where none are declared
    telemetry.gauge("commands_pending", { edge: "a" });
    // @ts-expect-error no labels where some are declared
    telemetry.counter("commands_total");
  });

  test("a value that slipped past the compiler is counted as other, and appears nowhere", async () => {
    const counting = meter();
    const forced = { outcome: "EVIL\nname", extra: "x" } as unknown as { outcome: "answered" };
    counting.counter("commands_total", forced).inc();
    const shown = await series(counting, "commands_total");
    expect(shown).toContainEqual([{ outcome: "other" }, 1]);
    expect(JSON.stringify(shown)).not.toMatch(/EVIL|extra/);
  });

  test("a registry operation nobody declared is counted as other", async () => {
    const counting = meter();
    counting.counter("registry_calls_total", { operation: "claim", outcome: "ok" }).inc();
    counting.counter("registry_calls_total", { operation: "charge point 4711", outcome: "ok" }).inc();
    counting.counter("registry_calls_total", { operation: "charge point 4712", outcome: "ok" }).inc();
    expect(await series(counting, "registry_calls_total")).toEqual([
      [{ operation: "claim", outcome: "ok" }, 1],
      [{ operation: "other", outcome: "ok" }, 2],
    ]);
  });

  test("however many names come, the number of series is bounded", async () => {
    const counting = meter();
    for (let n = 0; n < 1_000; n += 1)
      counting.gauge("registry_circuit_state", { shard: `10.0.0.${n}:7000` }).set(1);
    const shown = await series(counting, "registry_circuit_state");
    expect(shown).toHaveLength(65);
    expect(shown.at(-1)).toEqual([{ shard: "other" }, 1]);
    counting.gauge("registry_circuit_state", { shard: "10.0.0.3:7000" }).set(2);
    expect(await series(counting, "registry_circuit_state")).toContainEqual([{ shard: "10.0.0.3:7000" }, 2]);
  });

  test("no instrument can grow beyond OpenTelemetry's 2,000 series", () => {
    for (const [name, { labels }] of Object.entries(instruments)) {
      const size = Object.values(labels)
        .map((rule) => 1 + (rule.kind === "named" ? rule.limit : rule.values.length))
        .reduce((product, count) => product * count, 1);
      expect(size, name).toBeLessThanOrEqual(2_000);
    }
  });
});

describe("what is read", () => {
  test("counters that can be foreseen stand at 0 before anything happened; gauges do not claim a 0", async () => {
    const fresh = meter();
    expect(await series(fresh, "ocpp_reused_ids_total")).toEqual([[{}, 0]]);
    expect(await series(fresh, "registry_evictions_total")).toEqual([
      [{ direction: "sent" }, 0],
      [{ direction: "received" }, 0],
    ]);
    expect(await series(fresh, "registry_lease_valid")).toEqual([]);
    expect(await series(fresh, "ocpp_calls_total")).toEqual([]);
  });

  test("an observed series is asked each time, and gone when it is no longer told", async () => {
    const counting = meter();
    let shards = ["a:1", "b:1"];
    const end = counting.observe("registry_permits_in_use", () =>
      shards.map((shard, at) => ({ value: at, labels: { shard } })),
    );
    expect(await series(counting, "registry_permits_in_use")).toEqual([
      [{ shard: "a:1" }, 0],
      [{ shard: "b:1" }, 1],
    ]);
    shards = ["b:1"];
    expect(await series(counting, "registry_permits_in_use")).toEqual([[{ shard: "b:1" }, 0]]);
    end();
    expect(await series(counting, "registry_permits_in_use")).toEqual([]);
  });

  describe("told names have their place while they are told", () => {
    const nodes = (generation: number, count = 6) =>
      Array.from({ length: count }, (_, at) => ({
        value: at === 5 ? 0 : 1,
        labels: { node: `10.0.${generation}.${at}:6379` },
      }));
    const told = (observations: ReturnType<typeof nodes>) =>
      observations.map(({ labels, value }) => [labels, value] as const);

    test("pods replaced for ever are told by name: a sum under other would hide the node that is down", async () => {
      const counting = meter();
      let now = nodes(0);
      counting.observe("redis_up", () => now);
      for (let generation = 0; generation < 30; generation += 1) {
        now = nodes(generation);
        expect(await series(counting, "redis_up")).toEqual(told(now));
      }
    });

    test("more names at once than places share other, and those that had a place keep it", async () => {
      const counting = meter();
      const [old, young] = [nodes(1, 60), nodes(2, 10)];
      let now = old;
      counting.observe("redis_up", () => now);
      expect(await series(counting, "redis_up")).toEqual(told(old));
      now = [...young, ...old];
      const crowded = await series(counting, "redis_up");
      expect(crowded).toHaveLength(65);
      expect(crowded, "the old keep theirs").toEqual(expect.arrayContaining([...told(old)]));
      expect(crowded, "the first of the young have the rest").toEqual(
        expect.arrayContaining([...told(young.slice(0, 4))]),
      );
      expect(crowded).toContainEqual([{ node: "other" }, 5]);
      now = [...young, ...old.slice(6)];
      expect(await series(counting, "redis_up"), "places given back are taken").toEqual(told(now));
    });

    test("a told counter keeps its source's count: one that comes back goes on where its source is", async () => {
      const counting = meter();
      let now = nodes(1);
      counting.observe("redis_keyspace_hits_total", () => now);
      await counting.read();
      now = [];
      expect(await series(counting, "redis_keyspace_hits_total")).toEqual([]);
      now = nodes(1).map((observation) => ({ ...observation, value: 1_000 }));
      expect(await series(counting, "redis_keyspace_hits_total")).toEqual(told(now));
    });

    test("who counts keeps its place, however many are told and however long it rests", async () => {
      const counting = meter();
      const own = counting.gauge("registry_circuit_state", { shard: "own" });
      own.set(2);
      let generation = 0;
      counting.observe("registry_circuit_state", () =>
        nodes(generation, 70).map(({ labels }) => ({ value: 1, labels: { shard: labels.node } })),
      );
      for (; generation < 3; generation += 1) {
        const shown = await series(counting, "registry_circuit_state");
        expect(shown).toHaveLength(65);
        expect(shown).toContainEqual([{ shard: "own" }, 2]);
        expect(shown).toContainEqual([{ shard: "other" }, 7]);
      }
    });
  });

  test("a counter's name is never forgotten: its count would begin again at 0, or somewhere else", async () => {
    const counting = meter();
    const labels = { version: "1.6", outcome: "result" } as const;
    for (let n = 0; n < 100; n += 1) {
      counting.counter("ocpp_calls_total", { ...labels, action: `Action${n}` }).inc();
      await counting.read();
    }
    const shown = await series(counting, "ocpp_calls_total");
    expect(shown).toContainEqual([{ ...labels, action: "Action0" }, 1]);
    expect(shown).toContainEqual([{ ...labels, action: "other" }, 36]);
  });

  test("values for the same series add up: Prometheus refuses a scrape that holds a series twice", async () => {
    const counting = meter();
    counting.gauge("commands_pending").set(1);
    counting.observe("commands_pending", () => [{ value: 2 }]);
    counting.observe("commands_pending", () => Promise.resolve([{ value: 4 }]));
    expect(await series(counting, "commands_pending")).toEqual([[{}, 7]]);
    expect(await series(counting, "commands_pending")).toEqual([[{}, 7]]);
  });

  test("an observer that fails is told of, and costs nobody else's numbers", async () => {
    const faults: unknown[] = [];
    const counting = meter((...fault) => faults.push(fault));
    const error = new Error("gone");
    counting.observe("registry_lease_valid", () => {
      throw error;
    });
    counting.observe("commands_pending", () => Promise.reject(error));
    counting.observe("commands_pending", () => [{ value: 3 }]);
    expect(await series(counting, "commands_pending")).toEqual([[{}, 3]]);
    expect(faults).toEqual(
      expect.arrayContaining([
        ["registry_lease_valid", error],
        ["commands_pending", error],
      ]),
    );
  });
});

describe("noTelemetry", () => {
  test("counts like the real one, so nobody branches and tests can look", async () => {
    const telemetry = noTelemetry();
    telemetry.counter("ocpp_reused_ids_total").inc();
    expect(telemetry.counter("ocpp_reused_ids_total").value).toBe(1);
    telemetry.observe("commands_pending", () => {
      throw new Error("nobody asks");
    })();
    telemetry.logger.error("nobody reads");
    expect(telemetry.metricsUrl).toBeUndefined();
    await telemetry.shutdown();
  });
});
