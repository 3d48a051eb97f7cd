// Idle stations: what one costs in memory and CPU. The slope from a third to all of them, so that the process itself does not count;
// and, with several edges, whether the others can carry all when one dies.
//
// D1. Each name is dialled once: a second station of a name that is just away would take the session from the first, and be robbed in turn.
// D2. Nobody is lost on the climb and while idle, and none but the stations of the edge that is killed: all come back by themselves, so
//     that all are there says nothing.
//
//   bench density                                            the slope, on one edge
//   bench density --stations 100000 --edges 7 --clients 6    100,000 on this machine, and all again after an edge died

import { Fleet } from "../load/fleet.ts";
import { bootNotification, heartbeat } from "../load/payloads.ts";
import { descriptorRefusal } from "../host/load-limits.ts";
import { readHostLimits } from "../host/limits.ts";
import { cpuSecondsOf, residentBytes, socketSlabBytes } from "../measure/process.ts";
import { slopeOf } from "../measure/statistics.ts";
import type { Figure, Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { demoRoutes, startGateway, type Gateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { nowMs, pause } from "../time.ts";
import { killEdge, watchCrowd, wrongOfCrowd, type CrowdTimes } from "./crowd.ts";
import { linesOfLosses } from "./reading.ts";

/** The benchmark. */
export const density: Scenario = {
  name: "density",
  title: "Idle stations: memory and CPU of each; 100,000 with --stations 100000 --edges 7 --clients 6",
  parameters: [
    { name: "stations", default: 15_000, min: 30, max: 1_000_000, unit: "stations", meaning: "in all" },
    {
      name: "edges",
      default: 1,
      min: 1,
      max: 100,
      unit: "processes",
      meaning: "that share them; one is killed if there are more",
    },
    { name: "clients", default: 2, min: 1, max: 100, unit: "processes", meaning: "load generators" },
    { name: "hold", default: 10, min: 1, max: 3_600, unit: "s", meaning: "of idleness at each step" },
    {
      name: "limit",
      default: 180,
      min: 5,
      max: 3_600,
      unit: "s",
      meaning: "after which they should all be there",
    },
  ],
  refuse: (values) => {
    const [stations, clients] = [valueOf(values, "stations"), valueOf(values, "clients")];
    const edges = Math.max(1, valueOf(values, "edges") - (valueOf(values, "edges") > 1 ? 1 : 0));
    return descriptorRefusal(readHostLimits(), { stations, clients, edges });
  },
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

/** A step of the climb. */
export interface Step {
  readonly stations: number;
  /** Sum over the edges. */
  readonly residentBytes: number;
  readonly slabBytes: number | undefined;
  /** Of all edges while idle, µs per station and second. */
  readonly idleMicroseconds: number;
  readonly unanswered: number;
  /** Stations lost on this step, by kind (D2). */
  readonly losses: Readonly<Record<string, number>>;
}

const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const stations = valueOf(values, "stations");
  const redis = owner.own(await startRedis());
  const edges = valueOf(values, "edges");
  const gateway = owner.own(
    await startGateway({ edges, redisNodes: redis.addresses, routes: demoRoutes, nodeArguments }),
  );
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  const slab = socketSlabBytes();
  const steps: Step[] = [];
  let dialled = 0;
  for (const wanted of [1 / 3, 2 / 3, 1].map((share) => Math.round(stations * share))) {
    const step = await fill({ gateway, fleet, dialled, wanted, values });
    dialled = wanted;
    steps.push({ ...step, slabBytes: slab === undefined ? undefined : (step.slabBytes ?? 0) - slab });
    say(
      `${wanted} stations: ${(step.residentBytes / 1e6).toFixed(0)} MB, ${step.idleMicroseconds.toFixed(2)} µs/s each`,
    );
  }
  const crowd = { fleet, gateway, stations, prefix, limitSeconds: valueOf(values, "limit") };
  const full = await watchCrowd(crowd, nowMs());
  let again: CrowdTimes | undefined;
  const [first] = gateway.edges;
  if (edges > 1 && first !== undefined) {
    const startedMs = nowMs();
    again = await watchCrowd(crowd, startedMs, await killEdge(fleet, first));
    say(`after an edge died: ${again.open} connected, ${again.rows} registered`);
  }
  return reportOf(steps, full, again);
}

interface Fill {
  readonly gateway: Gateway;
  readonly fleet: Fleet;
  /** Stations of the steps before (D1). */
  readonly dialled: number;
  readonly wanted: number;
  readonly values: Values;
}

async function fill({ gateway, fleet, dialled, wanted, values }: Fill): Promise<Step> {
  const limitMs = valueOf(values, "limit") * 1000;
  await fleet.connect({
    prefix,
    first: dialled,
    count: wanted - dialled,
    endpoints: gateway.endpoints,
    retryMs: 500,
  });
  await gateway.untilRegistered((count) => count >= wanted, limitMs);
  const boot = await fleet.callOnce(bootNotification, limitMs);
  const beat = await fleet.callOnce(heartbeat, limitMs);
  await pause(3_000); // the garbage of the climb is collected
  const [startedMs, cpu] = [nowMs(), cpuSecondsOf(gateway.pids)];
  await pause(valueOf(values, "hold") * 1000);
  const seconds = (nowMs() - startedMs) / 1000;
  return {
    stations: wanted,
    residentBytes: gateway.pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
    slabBytes: socketSlabBytes(),
    idleMicroseconds: ((cpuSecondsOf(gateway.pids) - cpu) / seconds / wanted) * 1e6,
    unanswered: 2 * wanted - boot.answered - beat.answered,
    losses: await fleet.takeLosses(), // asked behind the idle seconds: nothing of it is measured
  };
}

/** Pure. `again`: after an edge died. */
export function reportOf(steps: readonly Step[], full: CrowdTimes, again: CrowdTimes | undefined): Report {
  const stations = steps.at(-1)?.stations ?? 0;
  const slope = slopeOf(steps.map((step) => [step.stations, step.residentBytes])) / 1024;
  const crowds = again === undefined ? [full] : [full, again];
  const share = Math.min(...crowds.map(({ open, rows }) => Math.min(open, rows))) / stations;
  const wrong = [
    ...wrongOfCrowd("all connected", stations, full),
    ...(again === undefined ? [] : wrongOfCrowd("after an edge died", stations, again)),
    ...steps.flatMap(wrongOfStep),
  ];
  return {
    figures: figuresOf(steps, slope, share, again),
    tables: [
      {
        title: "Idle stations",
        columns: ["stations", "RSS MB, all edges", "socket slabs MB", "µs CPU per station and s"],
        rows: steps.map((step) => [
          step.stations,
          step.residentBytes / 1e6,
          step.slabBytes === undefined ? undefined : step.slabBytes / 1e6,
          step.idleMicroseconds,
        ]),
        note: "After BootNotification and one Heartbeat each, and some idle seconds. Slabs: both ends of every connection are on this machine, so twice what an edge's host has. CPU: all that an idle edge does, its lease and its polling included; nobody scrapes it.",
      },
    ],
    plots: [
      {
        title: "Resident memory of the edges",
        kind: "lines",
        x: "stations",
        y: "MB",
        points: steps.map((step) => ({ x: step.stations, y: step.residentBytes / 1e6, series: "RSS" })),
      },
    ],
    wrong,
    warnings: steps.every(({ slabBytes }) => slabBytes === undefined)
      ? ["/proc/slabinfo is not readable here: the kernel's memory is not measured"]
      : [],
  };
}

function wrongOfStep({ stations, unanswered, losses }: Step): string[] {
  const lines = linesOfLosses(`${stations} stations`, losses); // D2
  if (unanswered > 0) lines.push(`${unanswered} messages unanswered at ${stations} stations`);
  return lines;
}

function figuresOf(
  steps: readonly Step[],
  slope: number,
  share: number,
  again: CrowdTimes | undefined,
): Figure[] {
  const last = steps.at(-1);
  return [
    {
      name: "RSS per idle registered station",
      value: slope,
      unit: "KB",
      goal: { atMost: 3 },
      aim: { atMost: 1.5 },
    },
    {
      name:
        again === undefined
          ? "connected and registered"
          : "connected and registered, also after an edge died",
      value: share * 100,
      unit: "%",
      goal: { atLeast: 100 },
    },
    { name: "CPU per idle station and second", value: last?.idleMicroseconds ?? Number.NaN, unit: "µs" },
    ...(again?.registered === undefined
      ? []
      : [{ name: "all registered again after an edge died", value: again.registered, unit: "s" }]),
  ];
}
