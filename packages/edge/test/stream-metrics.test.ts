// What is counted around the streams, over a real Redis where it is about lengths.
import { systemRandom, systemTime, type Time } from "@cpg/session-registry";
import { noTelemetry } from "@cpg/telemetry";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { afterEach, describe, expect, inject, test } from "vitest";
import type { CallAnswer, InboundCall } from "../src/integration.ts";
import { openStreamLog } from "../src/integrations/open-stream-log.ts";
import type { Append, Appended, StreamLog } from "../src/integrations/stream-log.ts";
import { streamKey } from "../src/integrations/stream.ts";
import { readRoutes } from "../src/routes-file.ts";
import { countingHeld, streamsOf, timedStreamLog, watchStreams } from "../src/stream-metrics.ts";
import { defaultConfig, routeOf } from "./support/test-edge.ts";
import { TestExpiry } from "./support/test-expiry.ts";

const entry = (replicas: number, stream = "s"): Append => ({
  stream,
  maxLength: 100,
  fields: ["id", "1"],
  replicas,
  knownId: "",
});

function logThat(kind: Appended["kind"]): StreamLog {
  const appended: Appended = kind === "ok" || kind === "unconfirmed" ? { kind, id: "1-1" } : { kind };
  return {
    waitingFor: () => 0,
    append: () => Promise.resolve(appended),
    length: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}

describe("until a replica has it", () => {
  test.each([
    ["ok", 1, { confirmed: 1, unconfirmed: 0 }],
    ["unconfirmed", 1, { confirmed: 0, unconfirmed: 1 }],
    ["ok", 0, { confirmed: 0, unconfirmed: 0 }], // nobody waits for a replica
    ["full", 1, { confirmed: 0, unconfirmed: 0 }], // nothing was written
    ["givenUp", 1, { confirmed: 0, unconfirmed: 0 }], // nobody knows
    ["unreachable", 1, { confirmed: 0, unconfirmed: 0 }],
  ] as const)("%s with %i replicas asked: %j", async (kind, replicas, expected) => {
    const meter = noTelemetry();
    const log = timedStreamLog(logThat(kind), meter, { monotonicMs: () => 0 });
    expect((await log.append(entry(replicas), new TestExpiry())).kind).toBe(kind);
    const counted = (outcome: "confirmed" | "unconfirmed") =>
      meter.histogram("stream_confirm_duration_seconds", { outcome }).count;
    expect({ confirmed: counted("confirmed"), unconfirmed: counted("unconfirmed") }).toEqual(expected);
  });
});

test("messages held are counted over all routes of a stream, also when serving one fails", async () => {
  const told: number[] = [];
  const load = { messages: 0 };
  const ends: ((answer: CallAnswer | Error) => void)[] = [];
  const held = routeOf(
    () =>
      new Promise((resolve, reject) =>
        ends.push((end) => (end instanceof Error ? reject(end) : resolve(end))),
      ),
    "stream",
  );
  const instruments = { inFlight: (messages: number) => void told.push(messages) };
  const [one, two] = [countingHeld(held, load, instruments), countingHeld(held, load, instruments)];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- not looked at
  const call = {} as InboundCall;
  const served = [one, two].map(async (route) => route.serve(call));
  expect(told).toEqual([1, 2]);
  ends[0]?.({ kind: "result", payloadJson: "{}" });
  ends[1]?.(new Error("a bug"));
  await Promise.allSettled(served);
  expect(told).toEqual([1, 2, 1, 0]);
});

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (let close = open.pop(); close !== undefined; close = open.pop()) await close();
});

describe("the lengths of streams", () => {
  test("a plan's streams, each once, with its own bound or the default", () => {
    const plan = readRoutes(
      JSON.stringify({
        integrations: {
          meters: { type: "stream", partitions: 4, maxLength: 7 },
          other: { type: "stream" },
          csms: { type: "http", url: "http://127.0.0.1:1/" },
        },
        routes: { $default: "csms", MeterValues: "meters", StopTransaction: "meters", NotifyEvent: "other" },
      }),
    );
    if (plan.kind !== "plan") throw new Error(JSON.stringify(plan));
    expect(streamsOf(plan.routes, 100)).toMatchObject([
      { name: "meters", partitions: 4, maxLength: 7 },
      { name: "other", maxLength: 100 },
    ]);
  });

  test("the longest partition is told, beside what it may have", async () => {
    const keyPrefix = uniquePrefix();
    const config = defaultConfig();
    const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${String(port)}`);
    const redis = { ...config.redis, nodes };
    const log = openStreamLog(
      { ...config, redis },
      { time: systemTime, random: systemRandom, onProblem: () => undefined },
    );
    open.push(() => log.close());
    const append = (stream: string) => log.append(entry(0, stream), new TestExpiry());
    const key = (partition: number) => streamKey({ keyPrefix, stream: "meters" }, partition);
    await eventually(async () => expect((await append(key(2))).kind).toBe("ok"));
    await append(key(2));
    await append(key(1));
    const told = new Map<string, () => unknown>();
    const stop = watchStreams([{ name: "meters", partitions: 3, maxLength: 100 }], {
      time: systemTime,
      meter: {
        observe: (name: string, read: () => unknown) => (told.set(name, read), () => told.delete(name)),
      },
      keyPrefix,
      redisNodesMs: 50,
      length: (stream) => log.length(stream),
    });
    open.push(stop);
    const labels = { integration: "meters" };
    await eventually(() => expect(told.get("integration_stream_length")?.()).toEqual([{ value: 2, labels }]));
    expect(told.get("integration_stream_limit")?.()).toEqual([{ value: 100, labels }]);
  });

  test("where Redis does not say, nothing is told; without streams nobody asks; without nodes' numbers they are told all the same", async () => {
    const rounds: (() => void)[] = [];
    const pauses: number[] = [];
    const time: Pick<Time, "every"> = {
      every: (ms, run) => (pauses.push(ms), rounds.push(run), { cancel: () => undefined }),
    };
    const told = new Map<string, () => unknown>();
    const ports = {
      time,
      meter: { observe: (name: string, read: () => unknown) => (told.set(name, read), () => undefined) },
      keyPrefix: "x:",
      redisNodesMs: 10,
      length: () => Promise.resolve(undefined),
    };
    const stream = { name: "meters", partitions: 2, maxLength: 5 };
    watchStreams([], ports)();
    expect(pauses).toEqual([]);
    watchStreams([stream], ports);
    watchStreams([stream], { ...ports, redisNodesMs: 0 })();
    expect(pauses).toEqual([10, 15_000]);
    rounds[0]?.();
    await Promise.resolve();
    expect(told.get("integration_stream_length")?.()).toEqual([]);
  });
});
