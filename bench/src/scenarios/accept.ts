// What an accepted, authenticated and registered station costs, against the raw accept and the peers; rounds in turn.
//
// A1. A round of the edge ends when Redis has every row, and its CPU counts until then. Closing is not counted.
// A2. The edge checks a salted hash per station from a credentials file; the raw accept and the peers check nothing. The least that
//     does both stands beside it (subjects/least-accept.ts).
// A3. The first rounds warm up: what the compiler does then is not a station's cost. A station passes once, so it takes some 40,000 of
//     them until nothing much is compiled any more (read with perf, µs of the compiler's per station in rounds of 5,000: 29, 15, 12, 6, 2, 8,
//     1, 7, and less than 3 from the ninth on).
// A4. A station that a peer lost is told, and is nothing wrong: the peers are not what is tested. What the edge, its least or the raw accept
//     lose is.

import { Fleet } from "../load/fleet.ts";
import { cpuSecondsOf } from "../measure/process.ts";
import { pairedRatio, spreadOf } from "../measure/statistics.ts";
import type { Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway, type Gateway } from "../system/gateway.ts";
import { redisCpuSeconds, startRedis } from "../system/redis.ts";
import { edgeOf, startLeast, startPeer, type Subject } from "../system/subject.ts";
import type { Worker } from "../system/worker.ts";
import { nowMs, pause } from "../time.ts";
import { clients, refuseBeyondDescriptors, rounds, warmUp } from "./load-parameters.ts";
import { wrongOfPassed, type Passed } from "./reading.ts";

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
    warmUp(8),
    clients,
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

/** Where stations are registered: waits until so many are, or none. False: in vain. */
interface Registering {
  all(stations: number): Promise<boolean>;
  none(): Promise<boolean>;
}

/** A subject, and what its rounds came to. */
export interface Measured {
  readonly subject: Pick<Subject, "name">;
  /** µs CPU per station, one for each round. */
  readonly server: number[];
  readonly redis: number[];
  readonly perSecond: number[];
  /** One for each round, also of those that warm up. */
  readonly passed: Passed[];
  /** A4 */
  readonly isPeer: boolean;
}

interface Lane extends Measured {
  readonly subject: Subject;
  readonly registering: Registering | undefined;
}

const password = "a machine key of 24 byte";
const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const stations = valueOf(values, "stations");
  const redis = owner.own(await startRedis());
  const credentials = { prefix, count: stations, password };
  const gateway = owner.own(
    await startGateway({ edges: 1, redisNodes: redis.addresses, credentials, nodeArguments }),
  );
  const lane = (subject: Subject, registering?: Registering, isPeer = false): Lane => {
    return { subject, registering, server: [], redis: [], perSecond: [], passed: [], isPeer };
  };
  const peer = async (name: "ws" | "ocpp-rpc"): Promise<Lane> =>
    lane(owner.own(await startPeer(name)), undefined, true);
  const least = owner.own(await startLeast("least-accept", { redis: redis.addresses, password }));
  const lanes = [
    lane(owner.own(await startPeer("raw-uws"))),
    lane(edgeOf(gateway, "edge"), registeredBy(gateway)),
    lane(least, setBy(least.worker)),
    await peer("ws"),
    await peer("ocpp-rpc"),
  ];
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  for (let round = 1 - valueOf(values, "warm-up"); round <= valueOf(values, "rounds"); round++) {
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

function registeredBy(gateway: Gateway): Registering {
  return {
    all: (stations) => gateway.untilRegistered((count) => count >= stations, 30_000),
    none: () => gateway.untilRegistered((count) => count === 0, 30_000),
  };
}

/** The least counts only what was set: a round begins where the one before ended, whatever that one lost. */
function setBy(worker: Worker): Registering {
  const registered = (): Promise<number> => worker.ask<number>("registered");
  let before = 0;
  return {
    async all(stations) {
      const giveUpMs = nowMs() + 30_000;
      while ((await registered()) < before + stations) {
        if (nowMs() > giveUpMs) return false;
        await pause(10);
      }
      return true;
    },
    async none() {
      before = await registered();
      return true;
    },
  };
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
  const { subject, registering } = lane;
  await fleet.reset();
  const [startedMs, server, redis] = [nowMs(), cpuSecondsOf(subject.pids), redisSeconds()];
  await fleet.connect({ prefix, count: stations, endpoints: [subject.endpoint], password });
  const isRegistered = (await registering?.all(stations)) ?? true; // A1
  const perStation = (seconds: number): number => (seconds / stations) * 1e6;
  lane.server.push(perStation(cpuSecondsOf(subject.pids) - server));
  lane.redis.push(registering === undefined ? 0 : perStation(redisSeconds() - redis));
  lane.perSecond.push(stations / ((nowMs() - startedMs) / 1000));
  const { open, failures, losses } = await fleet.state();
  await fleet.closeStations();
  const isGone = (await registering?.none()) ?? true;
  lane.passed.push({ stations, open, failures: { ...failures, ...losses }, isRegistered, isGone });
}

function wrongOf({ subject, passed }: Measured): string[] {
  return passed.flatMap((crowd) => wrongOfPassed(subject.name, crowd));
}

/** Pure. The raw accept, the edge and the least first. */
export function reportOf(lanes: readonly Measured[]): Report {
  const [raw, edge, least] = lanes;
  if (raw === undefined || edge === undefined || least === undefined) throw new Error("no lanes");
  const ratio = pairedRatio(edge.server, raw.server);
  const onLeast = pairedRatio(edge.server, least.server);
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
      {
        name: "edge ÷ the least that accepts, authenticates and registers",
        value: onLeast.median,
        unit: "×",
        range: [onLeast.min, onLeast.max],
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
        note:
          "The edge authenticates by a salted hash and its rows are in Redis. The least does one hash and one SET, and promises nothing. " +
          "The others do neither. stations/s is the load generator's too.",
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
    wrong: lanes.filter(({ isPeer }) => !isPeer).flatMap(wrongOf),
    warnings: lanes.filter(({ isPeer }) => isPeer).flatMap(wrongOf), // A4
  };
}
