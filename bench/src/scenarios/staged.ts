// The ramp of the original load test, repaired: 1,000 → 5,000 → 10,000 → 15,000 stations on one edge, each stage held; paced
// as the original was, and then without a pace.

import { Fleet, type FleetState } from "../load/fleet.ts";
import { bootNotification } from "../load/payloads.ts";
import { cpuSecondsOf, listenOverflows, residentBytes } from "../measure/process.ts";
import { quantileBetween } from "../measure/prometheus.ts";
import type { Cell, Plot, PlotPoint, Report, Table } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { demoRoutes, startGateway, type Gateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { nowMs, pause } from "../time.ts";
import { clients, refuseBeyondDescriptors } from "./load-parameters.ts";
import { kindsText, latencyMs, poolTimeoutsOf } from "./reading.ts";

/** The benchmark. */
export const staged: Scenario = {
  name: "staged",
  title: "1,000 → 5,000 → 10,000 → 15,000 stations, paced and unthrottled, each stage held",
  parameters: [
    {
      name: "stations",
      default: 15_000,
      min: 15,
      max: 18_000,
      unit: "stations",
      meaning: "in the last stage",
    },
    { name: "batch", default: 50, min: 1, max: 18_000, unit: "stations", meaning: "that connect together" },
    { name: "delay", default: 200, min: 0, max: 60_000, unit: "ms", meaning: "between two batches" },
    { name: "hold", default: 3, min: 0, max: 3_600, unit: "s", meaning: "that each stage is held" },
    {
      name: "limit",
      default: 30,
      min: 1,
      max: 3_600,
      unit: "s",
      meaning: "after which a stage that is not registered and answered has failed",
    },
    clients,
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

/** What a stage came to. */
export interface Stage {
  readonly ramp: string;
  readonly stations: number;
  readonly seconds: number;
  readonly connected: number;
  readonly registered: number;
  readonly fleet: FleetState;
  readonly claimP50: number | undefined;
  readonly claimP99: number | undefined;
  readonly poolTimeouts: number;
  readonly residentMb: number;
  readonly cores: number;
  readonly lagMs: number;
  readonly overflows: number;
}

const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const redis = owner.own(await startRedis());
  const stages: Stage[] = [];
  for (const ramp of ["paced", "unthrottled"] as const) {
    await closing(async (inner) => {
      const gateway = inner.own(
        await startGateway({ edges: 1, redisNodes: redis.addresses, routes: demoRoutes, nodeArguments }),
      );
      const fleet = inner.own(await Fleet.start(valueOf(values, "clients")));
      let dialled = 0;
      for (const stations of stageSizes(valueOf(values, "stations"))) {
        const stage = await climb({ ramp, dialled, stations, values, gateway, fleet });
        stages.push(stage);
        dialled = stations;
        say(
          `${ramp}: ${stage.connected} of ${stations} connected, ${stage.registered} registered, after ${stage.seconds.toFixed(1)} s`,
        );
      }
    });
  }
  return reportOf(stages);
}

/** A fifteenth, a third, two thirds, all: 1,000, 5,000, 10,000 and 15,000 of 15,000. */
export function stageSizes(stations: number): number[] {
  return [1 / 15, 1 / 3, 2 / 3, 1].map((share) => Math.round(stations * share));
}

interface Climb {
  readonly ramp: "paced" | "unthrottled";
  /** Stations of the stages before. One that is lost does not come back: a second of its name would end another's session. */
  readonly dialled: number;
  readonly stations: number;
  readonly values: Values;
  readonly gateway: Gateway;
  readonly fleet: Fleet;
}

async function climb({ ramp, dialled, stations, values, gateway, fleet }: Climb): Promise<Stage> {
  const limitMs = valueOf(values, "limit") * 1000;
  await fleet.reset();
  const before = await gateway.metrics();
  const [startedMs, cpu, overflows] = [nowMs(), cpuSecondsOf(gateway.pids), listenOverflows()];
  await fleet.connect({
    prefix,
    first: dialled,
    count: stations - dialled,
    endpoints: gateway.endpoints,
    ...(ramp === "paced" ? { batch: valueOf(values, "batch"), delayMs: valueOf(values, "delay") } : {}),
  });
  const { open } = await fleet.state();
  await gateway.untilRegistered((count) => count >= open, limitMs); // who is lost is not waited for
  const seconds = (nowMs() - startedMs) / 1000;
  const cores = (cpuSecondsOf(gateway.pids) - cpu) / seconds;
  const after = await gateway.metrics();
  await pause(valueOf(values, "hold") * 1000);
  const boot = await fleet.callOnce(bootNotification, limitMs);
  const state = await fleet.state();
  const claims = [before, after].map((scraped) =>
    scraped.buckets("registry_call_duration_seconds", { operation: "claim" }),
  );
  const claim = (q: number): number | undefined => {
    const seconds = quantileBetween(claims[0] ?? new Map(), claims[1] ?? new Map(), q);
    return seconds === undefined ? undefined : seconds * 1000;
  };
  return {
    ramp,
    stations,
    seconds,
    connected: boot.answered,
    registered: await gateway.registered("rows"),
    fleet: state,
    claimP50: claim(0.5),
    claimP99: claim(0.99),
    poolTimeouts: poolTimeoutsOf(after),
    residentMb: residentBytes(gateway.pids[0] ?? 0) / 1e6,
    cores,
    lagMs: after.max("nodejs_eventloop_delay_seconds", { quantile: "1" }) * 1000,
    overflows: listenOverflows() - overflows,
  };
}

/** Pure. */
export function reportOf(stages: readonly Stage[]): Report {
  const percent = Math.min(
    ...stages.map(
      ({ connected, registered, stations }) => (Math.min(connected, registered) / stations) * 100,
    ),
  );
  return {
    figures: [
      {
        name: "connected, registered and answered, worst stage",
        value: percent,
        unit: "%",
        goal: { atLeast: 100 },
      },
      {
        name: "pool timeouts",
        value: Math.max(...stages.map(({ poolTimeouts }) => poolTimeouts)),
        unit: "",
        goal: { atMost: 0 },
      },
    ],
    tables: [tableOf(stages)],
    plots: plotsOf(stages),
    wrong: stages.flatMap(wrongOf),
    warnings: [],
  };
}

const columns = (
  "stage|stations|answered|registered|s|p50 ms|p95 ms|p99 ms|claim p50 ms ≤|claim p99 ms ≤|pool timeouts|RSS MB|cores|" +
  "lag max ms|overflows|errors"
).split("|");

function tableOf(stages: readonly Stage[]): Table {
  return {
    title: "Stages",
    columns,
    rows: stages.map(rowOf),
    note:
      "answered: connected, and its BootNotification answered after the hold. Connect times end with the 101. " +
      "cores: CPU of the edge while it was climbing. overflows: connections that found the accept queue full (ListenOverflows).",
  };
}

function plotsOf(stages: readonly Stage[]): Plot[] {
  const quantiles = [0.5, 0.95, 0.99];
  const times = stages
    .filter(({ ramp }) => ramp === "unthrottled")
    .flatMap(({ stations, fleet }) =>
      quantiles.map((q): PlotPoint => ({
        x: stations,
        y: latencyMs(fleet.connects, q),
        series: `p${q * 100}`,
      })),
    );
  const memory = stages.map(({ stations, residentMb, ramp }) => ({
    x: stations,
    y: residentMb,
    series: ramp,
  }));
  return [
    { title: "Connect time, unthrottled", kind: "lines", x: "stations", y: "ms", points: times },
    { title: "Resident memory of the edge", kind: "lines", x: "stations", y: "MB", points: memory },
  ];
}

function rowOf(stage: Stage): Cell[] {
  const { fleet } = stage;
  return [
    stage.ramp,
    stage.stations,
    stage.connected,
    stage.registered,
    stage.seconds,
    latencyMs(fleet.connects, 0.5),
    latencyMs(fleet.connects, 0.95),
    latencyMs(fleet.connects, 0.99),
    stage.claimP50,
    stage.claimP99,
    stage.poolTimeouts,
    stage.residentMb,
    stage.cores,
    stage.lagMs,
    stage.overflows,
    kindsText({ ...fleet.failures, ...fleet.losses }) || "none",
  ];
}

function wrongOf({ ramp, stations, connected, registered, poolTimeouts, fleet }: Stage): string[] {
  const name = `${ramp}, ${stations} stations`;
  const lines: string[] = [];
  if (connected < stations)
    lines.push(
      `${name}: ${stations - connected} lost or unanswered (${kindsText({ ...fleet.failures, ...fleet.losses })})`,
    );
  if (registered < connected) lines.push(`${name}: ${connected - registered} connected and not registered`);
  if (poolTimeouts > 0) lines.push(`${name}: ${poolTimeouts} pool timeouts`);
  return lines;
}
