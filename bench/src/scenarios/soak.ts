// The same work for minutes, slice by slice: whether it gets dearer, and whether memory grows. What an edge keeps for a while (ids, replies,
// answers) is full only after that while, and short runs never meet it.
//
// K1. One kind of work after the other, on the same two edges; their CPU is taken together.
// K2. The first slice is not counted: it compiles. Of the others the last third is set against the first.
// K3. Commands have a pace, too: an edge remembers 524,288 ids of commands that came from other edges, each for the command's 10 s and a
//     minute, and whoever sends 7,500 a second for that long measures what it does when that memory is full.
// K4. What goes to a stream are transaction messages: they wait for a replica, and are remembered for ten minutes. An answered one that is not in
//     the stream is a wrong result.
// K5. A life is a connection from its upgrade to the end of its row: newcomers connect together, are registered, and leave.

import type { CommandCount, CommandPlan } from "../load/commander.ts";
import { Fleet } from "../load/fleet.ts";
import { heartbeat, meterValues, stopTransaction } from "../load/payloads.ts";
import { descriptorRefusal } from "../host/load-limits.ts";
import { readHostLimits } from "../host/limits.ts";
import { cpuSecondsOf, residentBytes } from "../measure/process.ts";
import { spreadOf } from "../measure/statistics.ts";
import type { Figure, Report, Table } from "../report/model.ts";
import { BenchError, valueOf, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway, type Gateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { StoredEntries } from "../system/stored-entries.ts";
import { edgeOf, fleetOn } from "../system/subject.ts";
import { startWorker, type Worker } from "../system/worker.ts";
import { nowMs } from "../time.ts";
import { clients, seconds } from "./load-parameters.ts";
import { kindsText, linesOfLosses, wrongOfPassed, wrongOfStored, wrongOfTraffic } from "./reading.ts";

/** The benchmark. */
export const soak: Scenario = {
  name: "soak",
  title: "The same work for minutes: whether it gets dearer, and whether memory grows",
  parameters: [
    {
      name: "stations",
      default: 1_000,
      min: 1,
      max: 7_000,
      unit: "stations",
      meaning: "that send and are commanded; as many again come and go",
    },
    {
      name: "slices",
      default: 20,
      min: 4,
      max: 10_000,
      unit: "slices",
      meaning: "of each kind of work; the first is not counted",
    },
    seconds(15, "in each slice"),
    {
      name: "open",
      default: 32,
      min: 1,
      max: 1_000,
      unit: "commands",
      meaning: "open at a time at most",
    },
    {
      name: "command-rate",
      default: 4_000,
      min: 10,
      max: 100_000,
      unit: "/s",
      meaning: "pace of the commands",
    },
    { name: "rate", default: 5_000, min: 10, max: 100_000, unit: "/s", meaning: "pace of the Heartbeats" },
    {
      name: "backend-rate",
      default: 2_000,
      min: 10,
      max: 50_000,
      unit: "/s",
      meaning: "pace of the CALLs that go to a backend, and of those that go to a stream",
    },
    clients,
  ],
  refuse: (values) =>
    descriptorRefusal(readHostLimits(), {
      stations: 2 * valueOf(values, "stations"), // newcomers beside those that stay
      clients: valueOf(values, "clients"),
      edges: 1,
    }),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

/** One slice of one kind of work. */
export interface Slice {
  readonly units: number;
  readonly seconds: number;
  /** CPU of both edges, seconds. */
  readonly cpuSeconds: number;
  /** RSS of both edges at its end. */
  readonly residentBytes: number;
  readonly wrong: readonly string[];
}

/** What a kind of work came to. */
export interface Soaked {
  readonly kind: string;
  /** One unit of it. */
  readonly unit: string;
  readonly slices: readonly Slice[];
  /** Of the stations that stay, by kind, since the last stretch of traffic. */
  readonly lost: Readonly<Record<string, number>>;
}

/** A kind of work: does a slice of it, and says what was done and what was wrong. */
interface Work extends Omit<Soaked, "slices" | "lost"> {
  readonly once: () => Promise<Pick<Slice, "units" | "wrong">>;
}

const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const redis = owner.own(await startRedis());
  const backend = owner.own(await startWorker(new URL("../subjects/http-backend.js", import.meta.url)));
  const routes = routesTo(`http://127.0.0.1:${await backend.ask<number>("listen")}`);
  const plan = { edges: 2, redisNodes: redis.addresses, routes, nodeArguments };
  const gateway = owner.own(await startGateway(plan));
  const fleet = owner.own(await fleetOf(gateway, values));
  const entries = owner.own(new StoredEntries(redis.addresses, gateway.keyPrefix, "events"));
  const commander = owner.own(await startWorker(new URL("../load/commander.js", import.meta.url)));
  const newcomers = owner.own(await Fleet.start(valueOf(values, "clients")));
  const soaked: Soaked[] = [];
  for (const { kind, unit, once } of [
    commandsOf(gateway, commander, values),
    trafficOf("Heartbeat, local", { fleet, tail: heartbeat, rate: valueOf(values, "rate"), values }),
    trafficOf("MeterValues, http", {
      fleet,
      tail: meterValues,
      rate: valueOf(values, "backend-rate"),
      values,
    }),
    storing(
      trafficOf("StopTransaction, stream", {
        fleet,
        tail: stopTransaction,
        rate: valueOf(values, "backend-rate"),
        values,
      }),
      entries,
    ),
    livesOf(gateway, newcomers, values),
  ]) {
    const slices: Slice[] = [];
    for (let n = 1; n <= valueOf(values, "slices"); n++) {
      const slice = await measure(gateway, once);
      slices.push(slice);
      say(
        `${kind}: slice ${n}: ${cpuOf(slice).toFixed(1)} µs CPU per ${unit}, ${megabytesOf(slice).toFixed(0)} MB`,
      );
    }
    soaked.push({ kind, unit, slices, lost: await fleet.takeLosses() });
  }
  return reportOf(soaked);
}

function routesTo(origin: string): object {
  return {
    integrations: {
      clock: { type: "local", handler: "heartbeat" },
      csms: { type: "http", url: `${origin}/{action}/{identity}` },
      events: { type: "stream" },
    },
    routes: { Heartbeat: "clock", MeterValues: "csms", StopTransaction: "events" },
  };
}

/** The stations that stay, on the first edge. */
async function fleetOf(gateway: Gateway, values: Values): Promise<Fleet> {
  const stations = valueOf(values, "stations");
  const plan = { prefix, stations, clients: valueOf(values, "clients") };
  const fleet = await fleetOn(edgeOf(gateway, "the first edge"), plan);
  if (await gateway.untilRegistered((count) => count >= stations, 30_000)) return fleet;
  await fleet.stop();
  throw new BenchError("not all stations are registered after 30 s");
}

/** K1 */
async function measure({ pids }: Gateway, once: Work["once"]): Promise<Slice> {
  const [startedMs, cpu] = [nowMs(), cpuSecondsOf(pids)];
  const { units, wrong } = await once();
  const cpuSeconds = cpuSecondsOf(pids) - cpu;
  const bytes = pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  return { units, wrong, cpuSeconds, residentBytes: bytes, seconds: (nowMs() - startedMs) / 1000 };
}

/** Commands to the stations of the first edge through the second. */
function commandsOf({ edges: [, front] }: Gateway, commander: Worker, values: Values): Work {
  if (front === undefined) throw new Error("two edges were asked for");
  const kind = "commands";
  const plan: CommandPlan = {
    origin: front.api,
    path: "/v1/charge-points/{id}/commands",
    prefix,
    stations: valueOf(values, "stations"),
    concurrency: valueOf(values, "open"),
    rate: valueOf(values, "command-rate"), // K3
    commands: 0,
    seconds: valueOf(values, "seconds"),
  };
  return {
    kind,
    unit: "command",
    async once() {
      const { answered, failures } = await commander.ask<CommandCount>("run", plan);
      const text = kindsText(failures);
      return { units: answered, wrong: text === "" ? [] : [`${kind}: not answered: ${text}`] };
    },
  };
}

interface Sending {
  readonly fleet: Fleet;
  readonly tail: string;
  readonly rate: number;
  readonly values: Values;
}

function trafficOf(kind: string, { fleet, tail, rate, values }: Sending): Work {
  const plan = { tail, rate, seconds: valueOf(values, "seconds"), warmUpSeconds: 0 };
  return {
    kind,
    unit: "message",
    async once() {
      const result = await fleet.traffic(plan, []);
      return { units: result.answered, wrong: wrongOfTraffic(kind, [result]) };
    },
  };
}

/** K4 */
function storing(work: Work, entries: StoredEntries): Work {
  return {
    ...work,
    async once() {
      const { units, wrong } = await work.once();
      return { units, wrong: [...wrong, ...wrongOfStored(work.kind, units, await entries.take())] };
    },
  };
}

/** K5 */
function livesOf(gateway: Gateway, newcomers: Fleet, values: Values): Work {
  const kind = "lives";
  const count = valueOf(values, "stations");
  const endpoints = gateway.endpoints.slice(0, 1);
  return {
    kind,
    unit: "life",
    async once() {
      const untilMs = nowMs() + valueOf(values, "seconds") * 1000;
      const wrong: string[] = [];
      let units = 0;
      while (nowMs() < untilMs && wrong.length === 0) {
        await newcomers.reset();
        await newcomers.connect({ prefix: "NEW", count, endpoints });
        const isRegistered = await gateway.untilRegistered((all) => all >= 2 * count, 30_000);
        const { open, failures, losses } = await newcomers.state();
        await newcomers.closeStations();
        const isGone = await gateway.untilRegistered((all) => all <= count, 30_000);
        const passed = { stations: count, open, failures: { ...failures, ...losses }, isRegistered, isGone };
        wrong.push(...wrongOfPassed(kind, passed));
        units += count;
      }
      return { units, wrong };
    },
  };
}

const cpuOf = ({ cpuSeconds, units }: Slice): number => (cpuSeconds / Math.max(1, units)) * 1e6;
const rateOf = ({ units, seconds: took }: Slice): number => units / took;
const megabytesOf = (slice: Slice): number => slice.residentBytes / 1e6;

/** K2: a figure of the first third of the slices, and of the last. */
function endsOf(slices: readonly Slice[], figure: (slice: Slice) => number): { first: number; last: number } {
  const counted = slices.slice(1).map(figure);
  const third = Math.max(1, Math.floor(counted.length / 3));
  return {
    first: spreadOf(counted.slice(0, third)).median,
    last: spreadOf(counted.slice(-third)).median,
  };
}

/** Pure. */
export function reportOf(soaked: readonly Soaked[]): Report {
  const points = (figure: (slice: Slice) => number) =>
    soaked.flatMap(({ kind, slices }) =>
      slices.map((slice, n) => ({ x: n + 1, y: figure(slice), series: kind })),
    );
  return {
    figures: [
      ...soaked.map((work) => growthOf(`${work.kind}: CPU per ${work.unit}`, work.slices, cpuOf)),
      ...soaked.map((work) => growthOf(`${work.kind}: RSS`, work.slices, megabytesOf)),
    ],
    tables: [tableOf(soaked)],
    plots: [
      {
        title: "CPU of both edges",
        kind: "lines",
        x: "slice",
        y: "µs per unit of work",
        points: points(cpuOf),
      },
      { title: "RSS of both edges", kind: "lines", x: "slice", y: "MB", points: points(megabytesOf) },
    ],
    wrong: soaked.flatMap(({ kind, slices, lost }) => [
      ...slices.flatMap(({ wrong }) => wrong),
      ...linesOfLosses(kind, lost),
    ]),
    warnings: [],
  };
}

function growthOf(name: string, slices: readonly Slice[], figure: (slice: Slice) => number): Figure {
  const { first, last } = endsOf(slices, figure);
  return { name: `${name}, last ÷ first`, value: last / first, unit: "×", goal: { atMost: 1.25 } };
}

function tableOf(soaked: readonly Soaked[]): Table {
  return {
    title: "First and last",
    columns: ["work", "µs CPU, first", "last", "units/s, first", "last", "RSS MB, first", "last"],
    rows: soaked.map(({ kind, slices }) => {
      const ends = [cpuOf, rateOf, megabytesOf].map((figure) => endsOf(slices, figure));
      return [kind, ...ends.flatMap(({ first, last }) => [first, last])];
    }),
    note:
      "Medians of the first and of the last third of the slices, the very first left out; of both edges together, with what they take at rest. " +
      "units/s of what has a pace is that pace. What one kind of work leaves in memory is there while the next is done.",
  };
}
