// Commands through another edge's API, against a floor with the same hops, in turn: few at a time for latency, many for rate.

import type { Fleet } from "../load/fleet.ts";
import type { CommandCount, CommandPlan } from "../load/commander.ts";
import { mergeHistograms } from "../measure/histogram.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { pairedRatio, spreadOf } from "../measure/statistics.ts";
import type { Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway } from "../system/gateway.ts";
import { redisCpuSeconds, startRedis } from "../system/redis.ts";
import { fleetOn } from "../system/subject.ts";
import { startWorker, type Worker } from "../system/worker.ts";
import { refuseBeyondDescriptors, rounds, seconds } from "./load-parameters.ts";
import { kindsText, latencyMs } from "./reading.ts";

/** The benchmark. */
export const commands: Scenario = {
  name: "commands",
  title: "Commands through another edge's API against a floor with the same hops",
  parameters: [
    {
      name: "stations",
      default: 1_000,
      min: 1,
      max: 15_000,
      unit: "stations",
      meaning: "that are commanded in turn",
    },
    rounds(5),
    seconds(3, "measured per lane and round"),
    {
      name: "few",
      default: 8,
      min: 1,
      max: 1_000,
      unit: "commands",
      meaning: "open at a time for p50 and p99",
    },
    {
      name: "many",
      default: 256,
      min: 1,
      max: 1_000,
      unit: "commands",
      meaning: "open at a time for commands/s",
    },
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

/** A round of a lane. */
export interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** µs CPU for each command, with many open: of front and owner, of all nodes of Redis. */
  readonly servers: number;
  readonly redis: number;
}

/** What a lane's rounds came to. */
export interface Measured {
  readonly name: string;
  readonly rounds: Round[];
  /** Of each stretch, also of those that warm up. */
  readonly failures: CommandCount["failures"][];
}

interface Lane extends Measured {
  readonly origin: string;
  readonly path: string;
  readonly pids: readonly number[];
}

const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const redis = owner.own(await startRedis());
  const [node] = redis.addresses;
  const [edges, floor] = [await openEdges(), await openFloor()];
  const commander = owner.own(await startWorker(new URL("../load/commander.js", import.meta.url)));
  for (let round = 0; round <= valueOf(values, "rounds"); round++) {
    for (const lane of [floor, edges]) {
      await measure(lane, { commander, values, redisSeconds: () => redisCpuSeconds(redis) });
      const last = lane.rounds.at(-1);
      say(
        `round ${round}: ${lane.name}: p50 ${last?.p50.toFixed(2) ?? "?"} ms, ${last?.perSecond.toFixed(0) ?? "?"} commands/s`,
      );
      if (round === 0) lane.rounds.length = 0; // warm-up
    }
  }
  return reportOf(edges, floor);

  async function openEdges(): Promise<Lane> {
    const gateway = owner.own(await startGateway({ edges: 2, redisNodes: redis.addresses, nodeArguments }));
    const [holder, front] = gateway.edges;
    if (holder === undefined || front === undefined) throw new Error("two edges were asked for");
    await stationsOn(holder.endpoint.port);
    await gateway.untilRegistered((count) => count >= valueOf(values, "stations"), 30_000);
    const path = "/v1/charge-points/{id}/commands";
    return { name: "edge → edge", origin: front.api, path, pids: gateway.pids, rounds: [], failures: [] };
  }

  async function openFloor(): Promise<Lane> {
    const front = owner.own(await startWorker(new URL("../subjects/floor-front.js", import.meta.url)));
    const holder = owner.own(await startWorker(new URL("../subjects/floor-owner.js", import.meta.url)));
    await stationsOn(await holder.ask<number>("listen", { redis: node }));
    const port = await front.ask<number>("listen", { redis: node });
    const pids = [front.pid, holder.pid];
    return {
      name: "floor",
      origin: `http://127.0.0.1:${port}`,
      path: "/command/{id}",
      pids,
      rounds: [],
      failures: [],
    };
  }

  async function stationsOn(port: number): Promise<Fleet> {
    const endpoint = { host: "127.0.0.1", port, path: "/ocpp/" };
    const subject = { name: `port ${port}`, endpoint, pids: [], stop: () => Promise.resolve() };
    return owner.own(await fleetOn(subject, { prefix, stations: valueOf(values, "stations"), clients: 1 }));
  }
}

interface Measuring {
  readonly commander: Worker;
  readonly values: Values;
  readonly redisSeconds: () => number;
}

async function measure(lane: Lane, { commander, values, redisSeconds }: Measuring): Promise<void> {
  const { origin, path, pids } = lane;
  const go = (concurrency: number): Promise<CommandCount> => {
    const stations = valueOf(values, "stations");
    const seconds = valueOf(values, "seconds");
    const plan: CommandPlan = { origin, path, prefix, stations, concurrency, commands: 0, seconds };
    return commander.ask<CommandCount>("run", plan);
  };
  const few = await go(Math.min(valueOf(values, "few"), valueOf(values, "stations")));
  const [servers, nodes] = [cpuSecondsOf(pids), redisSeconds()];
  const many = await go(Math.min(valueOf(values, "many"), valueOf(values, "stations")));
  const perCommand = (seconds: number): number => (seconds / Math.max(1, many.answered)) * 1e6;
  const latencies = mergeHistograms([few.latencies]);
  lane.rounds.push({
    p50: latencyMs(latencies, 0.5),
    p99: latencyMs(latencies, 0.99),
    perSecond: many.answered / many.seconds,
    servers: perCommand(cpuSecondsOf(pids) - servers),
    redis: perCommand(redisSeconds() - nodes),
  });
  lane.failures.push(few.failures, many.failures);
}

function wrongOf({ name, failures }: Measured): string[] {
  return failures
    .filter((kinds) => Object.keys(kinds).length > 0)
    .map((kinds) => `${name}: not answered: ${kindsText(kinds)}`);
}

/** Pure. */
export function reportOf(edges: Measured, floor: Measured): Report {
  const p50 = ({ rounds }: Measured): number[] => rounds.map((round) => round.p50);
  const ratio = pairedRatio(p50(edges), p50(floor));
  const rate = spreadOf(edges.rounds.map(({ perSecond }) => perSecond));
  return {
    figures: [
      {
        name: "p50 ÷ the floor's p50",
        value: ratio.median,
        unit: "×",
        range: [ratio.min, ratio.max],
        goal: { atMost: 2 },
        aim: { atMost: 1.3 },
      },
      {
        name: "commands/s through the API",
        value: rate.median,
        unit: "/s",
        range: [rate.min, rate.max],
        goal: { atLeast: 3_000 },
        aim: { atLeast: 5_000 },
      },
    ],
    tables: [
      {
        title: "Commands",
        columns: ["lane", "p50 ms", "p99 ms", "commands/s", "µs CPU, both processes", "Redis µs"],
        rows: [floor, edges].map(({ name, rounds }) => [
          name,
          spreadOf(rounds.map((round) => round.p50)).median,
          spreadOf(rounds.map((round) => round.p99)).median,
          Math.round(spreadOf(rounds.map((round) => round.perSecond)).median),
          spreadOf(rounds.map(({ servers }) => servers)).median,
          spreadOf(rounds.map(({ redis }) => redis)).median,
        ]),
        note: "floor: a bare Fastify server, a sharded publish of Redis and its reply, a raw uWebSockets.js server that holds the stations. p50 and p99 with few commands open, commands/s and CPU with many.",
      },
    ],
    plots: [
      {
        title: "Round trip of a command, p50",
        kind: "bars",
        x: "",
        y: "ms",
        points: [floor, edges].map((lane) => ({
          x: lane.name,
          y: spreadOf(p50(lane)).median,
          series: "p50",
        })),
      },
    ],
    wrong: [floor, edges].flatMap(wrongOf),
    warnings: [],
  };
}
