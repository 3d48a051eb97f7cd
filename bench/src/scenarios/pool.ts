// The original failure reproduced and cured, side by side: the same storm through (a) the original's pool and (b) this registry, with
// a delaying proxy between them and Redis.
//
// P1. (a) runs with the original's 10 connections, and again with as many as (b) opens by default; all are counted at Redis' end,
//     through the nodes' own ports; the bench's own connections are not. A storm begins when those of the one before are gone: behind a
//     slow way they outlive who opened them.
// P2. A station is served when its BootNotification was answered with a CALLRESULT, and for (b) its row is there too.

import { Fleet } from "../load/fleet.ts";
import { bootNotification } from "../load/payloads.ts";
import type { Report } from "../report/model.ts";
import { BenchError, valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import type { OriginalCount } from "../subjects/original.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startDelayedRedis, type DelayedRedis } from "../system/delayed-redis.ts";
import { demoRoutes, startGateway } from "../system/gateway.ts";
import { connectionsTo } from "../system/redis.ts";
import { startWorker } from "../system/worker.ts";
import { nowMs, until } from "../time.ts";
import { linesOfLosses, poolTimeoutsOf } from "./reading.ts";
import { clients, refuseBeyondDescriptors } from "./load-parameters.ts";

/** The benchmark. */
export const pool: Scenario = {
  name: "pool",
  title: "The original's pool timeouts reproduced and cured, with 0 to 20 ms between edge and Redis",
  parameters: [
    {
      name: "stations",
      default: 13_000,
      min: 1,
      max: 18_000,
      unit: "stations",
      meaning: "at once, for each of the two",
    },
    {
      name: "most-delay",
      default: 20,
      min: 0,
      max: 100,
      unit: "ms",
      meaning: "added to a round trip at the most, of 0, 2, 5, 10, 20",
    },
    clients,
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

type Who = "registry" | "original, 10 connections" | "original, as many";

/** What a storm came to. */
export interface Outcome {
  readonly who: Who;
  readonly delayMs: number;
  readonly served: number;
  /** Stations lost until its end, by kind. */
  readonly losses: Readonly<Record<string, number>>;
  readonly poolTimeouts: number;
  readonly connections: number;
  readonly seconds: number;
}

const prefix = "CP";
const delays = [0, 2, 5, 10, 20];

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const redis = owner.own(await startDelayedRedis());
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  const [stations, most] = [valueOf(values, "stations"), valueOf(values, "most-delay")];
  const outcomes: Outcome[] = [];
  for (const delayMs of delays.filter((delay) => delay <= most)) {
    const storm = { redis, fleet, stations, delayMs, nodeArguments };
    const note = async (outcome: Outcome): Promise<Outcome> => {
      outcomes.push(outcome);
      say(sentence(outcome, stations));
      await fleet.closeStations();
      await fleet.takeLosses(); // those whose server was stopped behind its storm
      return outcome;
    };
    const { connections } = await note(await closing((inner) => stormRegistry(storm, inner)));
    await note(await closing((inner) => stormOriginal(storm, inner, "original, 10 connections", 10)));
    await note(await closing((inner) => stormOriginal(storm, inner, "original, as many", connections)));
  }
  return reportOf(outcomes, stations);
}

function sentence(
  { who, delayMs, served, seconds, poolTimeouts, connections }: Outcome,
  stations: number,
): string {
  const what = `${served} of ${stations} served after ${seconds.toFixed(1)} s`;
  return `${who}, ${delayMs} ms: ${what}, ${poolTimeouts} pool timeouts, ${connections} connections`;
}

interface Storm {
  readonly redis: DelayedRedis;
  readonly fleet: Fleet;
  readonly stations: number;
  readonly delayMs: number;
  /** Of the registry's edge. */
  readonly nodeArguments: readonly string[];
}

async function stormOriginal(
  { redis, fleet, stations, delayMs }: Storm,
  owner: Closing,
  who: Who,
  poolSize: number,
): Promise<Outcome> {
  if (poolSize < 1) throw new BenchError("the registry had no connection to Redis when its storm was over");
  await redis.setRoundTrip(delayMs);
  await untilConnections(redis, 0); // P1
  const worker = owner.own(await startWorker(new URL("../subjects/original.js", import.meta.url)));
  const port = await worker.ask<number>("listen", { nodes: redis.addresses, poolSize });
  const startedMs = nowMs();
  await fleet.connect({ prefix, count: stations, endpoints: [{ host: "127.0.0.1", port, path: "/ocpp/" }] });
  const { answered } = await fleet.callOnce(bootNotification, 60_000);
  const seconds = (nowMs() - startedMs) / 1000;
  const { poolTimeouts } = await worker.ask<OriginalCount>("count");
  const losses = await fleet.takeLosses();
  await untilConnections(redis, poolSize);
  return { who, delayMs, served: answered, losses, poolTimeouts, connections: poolSize, seconds };
}

/** Connections come and go by the slow way: waits until there are so many. Errors: BenchError if it comes to another number. */
async function untilConnections({ cluster }: DelayedRedis, wanted: number): Promise<void> {
  let found = Number.NaN;
  const isThere = async (): Promise<boolean> => (found = await connectionsTo(cluster.addresses)) === wanted;
  if (await until(isThere, 10_000, 50)) return;
  throw new BenchError(`${found} connections to Redis where ${wanted} are expected: nothing can be compared`);
}

async function stormRegistry(
  { redis, fleet, stations, delayMs, nodeArguments }: Storm,
  owner: Closing,
): Promise<Outcome> {
  await redis.setRoundTrip(delayMs);
  await untilConnections(redis, 0); // P1
  const rowsFrom = redis.cluster.addresses;
  const gateway = owner.own(
    await startGateway({
      edges: 1,
      redisNodes: redis.addresses,
      rowsFrom,
      routes: demoRoutes,
      nodeArguments,
    }),
  );
  const startedMs = nowMs();
  await fleet.connect({ prefix, count: stations, endpoints: gateway.endpoints });
  const { answered } = await fleet.callOnce(bootNotification, 60_000);
  await gateway.untilRegistered((count) => count >= answered, 60_000); // who is lost is not waited for
  const seconds = (nowMs() - startedMs) / 1000;
  const metrics = await gateway.metrics();
  const rows = await gateway.registered("rows");
  return {
    who: "registry",
    delayMs,
    served: Math.min(answered, rows),
    losses: await fleet.takeLosses(),
    poolTimeouts: poolTimeoutsOf(metrics),
    connections: await connectionsTo(redis.cluster.addresses),
    seconds,
  };
}

/** Pure. */
export function reportOf(outcomes: readonly Outcome[], stations: number): Report {
  const cured = outcomes.filter(({ who }) => who === "registry");
  const worst = Math.min(...cured.map(({ served }) => served));
  const timeouts = cured.reduce((sum, { poolTimeouts }) => sum + poolTimeouts, 0);
  const original = outcomes.filter(({ who }) => who !== "registry");
  const isReproduced = original.some(({ poolTimeouts }) => poolTimeouts > 0);
  return {
    figures: [
      {
        name: "registry: served, at every delay",
        value: (worst / stations) * 100,
        unit: "%",
        goal: { atLeast: 100 },
      },
      { name: "registry: pool timeouts, all delays", value: timeouts, unit: "", goal: { atMost: 0 } },
      {
        name: "original: served, worst delay",
        value: (Math.min(...original.map(({ served }) => served)) / stations) * 100,
        unit: "%",
      },
    ],
    tables: [
      {
        title: "The same storm",
        columns: ["who", "ms added", "served", "pool timeouts", "connections to Redis", "s"],
        rows: outcomes.map(({ who, delayMs, served, poolTimeouts, connections, seconds }) => [
          who,
          delayMs,
          served,
          poolTimeouts,
          connections,
          seconds,
        ]),
        note: "original: one SET per station on the message path, one command in flight per connection, 4 s pool timeout. Connections of the registry: commands, subscribers and probes to all six nodes.",
      },
    ],
    plots: [
      {
        title: "Stations served",
        kind: "lines",
        x: "ms added to each round trip",
        y: "stations",
        points: outcomes.map(({ who, delayMs, served }) => ({ x: delayMs, y: served, series: who })),
      },
    ],
    wrong: cured.flatMap(({ delayMs, served, losses, poolTimeouts }) => [
      ...linesOfLosses(`registry, ${delayMs} ms`, losses),
      ...(served < stations ? [`registry, ${delayMs} ms: ${stations - served} stations not served`] : []),
      ...(poolTimeouts > 0 ? [`registry, ${delayMs} ms: ${poolTimeouts} pool timeouts`] : []),
    ]),
    warnings: isReproduced
      ? []
      : ["the original showed no pool timeout: too few stations or too short a delay"],
  };
}
