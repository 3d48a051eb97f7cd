// The storm's figures while something dies: a Redis master, or an edge, when about half of the stations are connected.
//
// F1. The fault strikes when half of the stations are open, not after a fixed time: a faster gateway must not escape it.
// F2. When it strikes nobody may have been lost yet, and behind it only who was on the edge that was killed: a session outlives its
//     Redis master (R8 of the registry's SPEC.md). The edge that was killed must have lost somebody, or no fault was measured.

import { Fleet } from "../load/fleet.ts";
import type { PlotPoint, Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway, type Gateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { startWorker } from "../system/worker.ts";
import { nowMs, until } from "../time.ts";
import { clients, refuseBeyondDescriptors } from "./load-parameters.ts";
import { watchCrowd, wrongOfCrowd, type CrowdTimes, type Killed } from "./crowd.ts";
import { linesOfLosses, poolTimeoutsOf } from "./reading.ts";

/** The benchmark. */
export const faults: Scenario = {
  name: "faults",
  title: "The storm while a Redis master dies, and while an edge dies",
  parameters: [
    { name: "stations", default: 13_000, min: 10, max: 16_000, unit: "stations", meaning: "over two edges" },
    clients,
    {
      name: "limit",
      default: 120,
      min: 20,
      max: 3_600,
      unit: "s",
      meaning: "after which a storm has failed",
    },
  ],
  // All of them fit on the edge that is left.
  refuse: refuseBeyondDescriptors(),
  run,
};

const prefix = "CP";
const kinds = ["no fault", "redis master", "edge"] as const;
type Kind = (typeof kinds)[number];
const names: Readonly<Record<Kind, string>> = {
  "no fault": "no fault",
  "redis master": "a Redis master dies",
  edge: "an edge dies",
};

/** What a storm with one fault came to. */
export interface Outcome {
  readonly kind: Kind;
  /** Lost until the fault struck, by kind (F2). */
  readonly lostBefore: Readonly<Record<string, number>>;
  readonly times: CrowdTimes;
  readonly poolTimeouts: number;
  readonly retries: number;
}

async function run({ values, say, nodeArguments }: Surroundings): Promise<Report> {
  const outcomes: Outcome[] = [];
  for (const kind of kinds) {
    const outcome = await closing((owner) => storm(kind, { values, say, nodeArguments }, owner));
    outcomes.push(outcome);
    const { open, rows, registered, commanded } = outcome.times;
    say(
      `${kind}: ${open} connected, ${rows} registered after ${registered?.toFixed(1) ?? "?"} s, commanded ${commanded?.toFixed(1) ?? "?"} s`,
    );
  }
  return reportOf(outcomes, valueOf(values, "stations"));
}

async function storm(kind: Kind, { values, nodeArguments }: Surroundings, owner: Closing): Promise<Outcome> {
  const stations = valueOf(values, "stations");
  const redis = owner.own(await startRedis());
  const gateway = owner.own(await startGateway({ edges: 3, redisNodes: redis.addresses, nodeArguments }));
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  const worker = owner.own(await startWorker(new URL("../load/commander.js", import.meta.url)));
  const [, , third] = gateway.edges;
  if (third === undefined) throw new Error("three edges were asked for");
  const startedMs = nowMs();
  const endpoints = gateway.endpoints.slice(0, 2);
  owner.beside(fleet.connect({ prefix, count: stations, endpoints, retryMs: 500 }));
  await until(async () => (await fleet.state()).open >= stations / 2, 30_000, 10);
  const lostBefore = await fleet.takeLosses();
  const killed = await strike(kind, gateway, () =>
    redis.nodes.find((node) => node.role === "master")?.kill(),
  );
  const limitSeconds = valueOf(values, "limit");
  const commander = { worker, edge: third };
  const crowd = { fleet, gateway, stations, prefix, commander, limitSeconds };
  const times = await watchCrowd(crowd, startedMs, killed);
  const metrics = await gateway.metrics();
  return {
    kind,
    lostBefore,
    times,
    poolTimeouts: poolTimeoutsOf(metrics),
    retries: metrics.sum("registry_retries_total"),
  };
}

async function strike(
  kind: Kind,
  gateway: Gateway,
  killMaster: () => Promise<void> | undefined,
): Promise<Killed | undefined> {
  if (kind === "redis master") await killMaster(); // F1
  const [edge] = gateway.edges;
  if (kind !== "edge" || edge === undefined) return undefined;
  await edge.process.kill("SIGKILL");
  return { endpoint: edge.endpoint, held: undefined }; // they are still coming
}

/** Pure. */
export function reportOf(outcomes: readonly Outcome[], stations: number): Report {
  const share = (kind: Kind): number => {
    const times = outcomes.find((outcome) => outcome.kind === kind)?.times;
    return times === undefined
      ? Number.NaN
      : (Math.min(times.open, times.rows, times.reached) / stations) * 100;
  };
  return {
    figures: kinds.map((kind) => ({
      name: `connected, registered and reached: ${names[kind]}`,
      value: share(kind),
      unit: "%",
      goal: { atLeast: 100 },
    })),
    tables: [
      {
        title: "Storms with a fault at the half",
        columns: [
          "fault",
          "connected",
          "after s",
          "registered",
          "after s",
          "reached",
          "after s",
          "pool timeouts",
          "retries",
        ],
        rows: outcomes.map(({ kind, times, poolTimeouts, retries }) => [
          kind,
          times.open,
          times.connected,
          times.rows,
          times.registered,
          times.reached,
          times.commanded,
          poolTimeouts,
          retries,
        ]),
        note: "Seconds since the first SYN. Pool timeouts and retries of the edges that live; while a shard has no master, timeouts are its outcome and not a fault of the pool.",
      },
    ],
    plots: [
      {
        title: "Stations connected",
        kind: "lines",
        x: "s",
        y: "stations",
        points: outcomes.flatMap(({ kind, times }) =>
          times.curve.map(([x, y]): PlotPoint => ({ x, y, series: kind })),
        ),
      },
    ],
    wrong: outcomes.flatMap((outcome) => wrongOf(outcome, stations)),
    warnings: [],
  };
}

function wrongOf({ kind, lostBefore, times }: Outcome, stations: number): string[] {
  const lines = linesOfLosses(`${kind}, before it`, lostBefore); // F2
  if (kind === "edge" && times.lost.withKilled === 0) lines.push(`${kind}: it had no station when it died`);
  return [...lines, ...wrongOfCrowd(kind, stations, times)];
}
