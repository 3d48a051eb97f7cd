// What an accepted, authenticated and registered station costs, against the raw accept and the peers; rounds in turn.
//
// A1. A round of the edge ends when Redis has every row, and its CPU counts until then. Closing is not counted.
// A2. The edge checks a salted hash per station from a credentials file; the raw accept and the peers check nothing.
// A3. The first rounds warm up: what the compiler does then is not a station's cost.

import { Fleet } from "../load/fleet.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { pairedRatio, spreadOf } from "../measure/statistics.ts";
import type { Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway, type Gateway } from "../system/gateway.ts";
import { redisCpuSeconds, startRedis } from "../system/redis.ts";
import { edgeOf, startPeer, type Subject } from "../system/subject.ts";
import { nowMs } from "../time.ts";
import { clients, refuseBeyondDescriptors, rounds } from "./load-parameters.ts";
import { kindsText } from "./reading.ts";

/** The benchmark. */
export const accept: Scenario = {
  name: "accept",
  title: "CPU per accepted, authenticated and registered station against the raw accept and the peers",
  parameters: [
    {
      name: "stations",
      default: 5_000,
      min: 1,
      max: 18_000,
      unit: "stations",
      meaning: "accepted in each round",
    },
    rounds(7),
    clients,
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

interface Lane {
  readonly subject: Subject;
  readonly gateway: Gateway | undefined;
  /** µs CPU per station, one for each round. */
  readonly server: number[];
  readonly redis: number[];
  readonly perSecond: number[];
  readonly wrong: string[];
}

const password = "a machine key of 24 byte";
const prefix = "CP";
/** A station passes once: it takes some ten thousand of them until nothing is compiled any more (A3). */
const warmUpRounds = 3;

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const stations = valueOf(values, "stations");
  const redis = owner.own(await startRedis());
  const credentials = { prefix, count: stations, password };
  const gateway = owner.own(
    await startGateway({ edges: 1, redisNodes: redis.addresses, credentials, nodeArguments }),
  );
  const lane = (subject: Subject, its?: Gateway): Lane => {
    return { subject, gateway: its, server: [], redis: [], perSecond: [], wrong: [] };
  };
  const lanes = [
    lane(owner.own(await startPeer("raw-uws"))),
    lane(edgeOf(gateway, "edge"), gateway),
    lane(owner.own(await startPeer("ws"))),
    lane(owner.own(await startPeer("ocpp-rpc"))),
  ];
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  for (let round = 1 - warmUpRounds; round <= valueOf(values, "rounds"); round++) {
    for (const each of lanes) {
      await measure(each, fleet, stations, () => redisCpuSeconds(redis));
      say(
        `round ${round}: ${each.subject.name}: ${each.server.at(-1)?.toFixed(1) ?? "?"} µs CPU per station`,
      );
      if (round <= 0) forget(each); // A3
    }
  }
  return reportOf(lanes);
}

function forget({ server, redis, perSecond }: Lane): void {
  for (const list of [server, redis, perSecond]) list.length = 0;
}

async function measure(
  lane: Lane,
  fleet: Fleet,
  stations: number,
  redisSeconds: () => number,
): Promise<void> {
  const { subject, gateway } = lane;
  await fleet.reset();
  const [startedMs, server, redis] = [nowMs(), cpuSecondsOf(subject.pids), redisSeconds()];
  await fleet.connect({ prefix, count: stations, endpoints: [subject.endpoint], password });
  const isRegistered = (await gateway?.untilRegistered((count) => count >= stations, 30_000)) ?? true; // A1
  const perStation = (seconds: number): number => (seconds / stations) * 1e6;
  lane.server.push(perStation(cpuSecondsOf(subject.pids) - server));
  lane.redis.push(gateway === undefined ? 0 : perStation(redisSeconds() - redis));
  lane.perSecond.push(stations / ((nowMs() - startedMs) / 1000));
  const { open, failures } = await fleet.state();
  if (open < stations)
    lane.wrong.push(`${subject.name}: ${stations - open} not connected (${kindsText(failures)})`);
  if (!isRegistered) lane.wrong.push(`${subject.name}: not all registered after 30 s`);
  await fleet.closeStations();
  const isGone = (await gateway?.untilRegistered((count) => count === 0, 30_000)) ?? true;
  if (!isGone) lane.wrong.push(`${subject.name}: sessions are left 30 s after their sockets closed`);
}

function reportOf(lanes: readonly Lane[]): Report {
  const [raw, edge] = lanes;
  if (raw === undefined || edge === undefined) throw new Error("no lanes");
  const ratio = pairedRatio(edge.server, raw.server);
  return {
    figures: [
      {
        name: "edge ÷ raw accept",
        value: ratio.median,
        unit: "×",
        range: [ratio.min, ratio.max],
        goal: { atMost: 2 },
        aim: { atMost: 1.4 },
      },
      { name: "Redis' CPU per station", value: spreadOf(edge.redis).median, unit: "µs" },
    ],
    tables: [
      {
        title: "Accept",
        columns: ["subject", "µs CPU", "spread", "÷ raw", "Redis µs", "stations/s"],
        rows: lanes.map(({ subject, server, redis, perSecond }) => {
          const { median, min, max } = spreadOf(server);
          const against = pairedRatio(server, raw.server).median;
          const beside = spreadOf(redis).median;
          const spread = `${min.toFixed(1)}–${max.toFixed(1)}`;
          const rate = Math.round(spreadOf(perSecond).median);
          return [subject.name, median, spread, against, beside === 0 ? undefined : beside, rate];
        }),
        note: "The edge authenticates by a salted hash and its rows are in Redis; the others do neither. stations/s is the load generator's too.",
      },
    ],
    plots: [
      {
        title: "Server CPU per accepted station",
        kind: "bars",
        x: "",
        y: "µs CPU",
        points: lanes.map(({ subject, server }) => ({
          x: subject.name,
          y: spreadOf(server).median,
          series: "accept",
        })),
      },
    ],
    wrong: lanes.flatMap(({ wrong }) => wrong),
    warnings: [],
  };
}
