// All stations at once, and all of them again after their edge was killed. Commands go through a third edge.

import { Fleet } from "../load/fleet.ts";
import type { PlotPoint, Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { startGateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { startWorker } from "../system/worker.ts";
import { nowMs } from "../time.ts";
import { clients, refuseBeyondDescriptors } from "./load-parameters.ts";
import { killEdge, watchCrowd, wrongOfCrowd, type Crowd, type CrowdTimes, type Killed } from "./crowd.ts";
import { kindsText, poolTimeoutsOf } from "./reading.ts";

/** The benchmark. */
export const storm: Scenario = {
  name: "storm",
  title: "13,000 stations at once, and all of them again after their edge was killed",
  parameters: [
    { name: "stations", default: 13_000, min: 1, max: 18_000, unit: "stations", meaning: "all on one edge" },
    clients,
    { name: "limit", default: 90, min: 5, max: 3_600, unit: "s", meaning: "after which a storm has failed" },
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

const prefix = "CP";

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const stations = valueOf(values, "stations");
  const redis = owner.own(await startRedis());
  const gateway = owner.own(await startGateway({ edges: 3, redisNodes: redis.addresses, nodeArguments }));
  const fleet = owner.own(await Fleet.start(valueOf(values, "clients")));
  const worker = owner.own(await startWorker(new URL("../load/commander.js", import.meta.url)));
  const [first, , third] = gateway.edges;
  if (first === undefined || third === undefined) throw new Error("three edges were asked for");
  const crowd: Crowd = {
    fleet,
    gateway,
    stations,
    prefix,
    commander: { worker, edge: third },
    limitSeconds: valueOf(values, "limit"),
  };
  // They begin on the first edge; who loses it goes to the second. The third only commands.
  const plan = { prefix, count: stations, endpoints: gateway.endpoints.slice(0, 2), spread: 1, retryMs: 500 };
  const cold = await storming(crowd, () => owner.beside(fleet.connect(plan)));
  say(`cold: ${sentence(cold)}`);
  const metrics = await gateway.metrics();
  await fleet.reset();
  // A killed process takes its counters with it: what it counted was read above.
  const again = await storming(crowd, () => killEdge(fleet, first));
  say(`after the kill: ${sentence(again)}`);
  const after = await gateway.metrics();
  const timeouts = [metrics, after].map((scraped) => poolTimeoutsOf(scraped));
  const { failures } = await fleet.state();
  return reportOf({
    stations,
    cold,
    again,
    poolTimeouts: Math.max(...timeouts),
    retries: kindsText(failures),
  });
}

async function storming(crowd: Crowd, begin: () => Promise<Killed> | void): Promise<CrowdTimes> {
  const startedMs = nowMs();
  const killed = await begin();
  return watchCrowd(crowd, startedMs, killed ?? undefined);
}

function sentence({ connected, registered, commanded, open }: CrowdTimes): string {
  const text = (seconds: number | undefined): string =>
    seconds === undefined ? "never" : `${seconds.toFixed(1)} s`;
  return `${open} connected after ${text(connected)}, registered ${text(registered)}, commanded ${text(commanded)}`;
}

/** What is reported of. */
export interface Found {
  readonly stations: number;
  readonly cold: CrowdTimes;
  readonly again: CrowdTimes;
  readonly poolTimeouts: number;
  readonly retries: string;
}

/** Pure. */
export function reportOf({ stations, cold, again, poolTimeouts, retries }: Found): Report {
  const both = [cold, again];
  const share = Math.min(...both.map(({ open, rows, reached }) => Math.min(open, rows, reached))) / stations;
  const wrong = [...wrongOfCrowd("cold", stations, cold), ...wrongOfCrowd("after the kill", stations, again)];
  if (poolTimeouts > 0) wrong.push(`${poolTimeouts} pool timeouts`);
  const row = (name: string, times: CrowdTimes): (string | number | undefined)[] => [
    name,
    times.open,
    times.connected,
    times.rows,
    times.registered,
    times.reached,
    times.commanded,
  ];
  const curve = (series: string, times: CrowdTimes): PlotPoint[] =>
    times.curve.map(([x, y]) => ({ x, y, series }));
  return {
    figures: [
      { name: "connected, registered and reached", value: share * 100, unit: "%", goal: { atLeast: 100 } },
      { name: "pool timeouts", value: poolTimeouts, unit: "", goal: { atMost: 0 } },
    ],
    tables: [
      {
        title: "Storms",
        columns: [
          "storm",
          "connected",
          "after s",
          "registered",
          "after s",
          "reached by a command",
          "after s",
        ],
        rows: [row("cold, all at once", cold), row("after kill -9 of their edge", again)],
        note: `Seconds since the first SYN, or since the kill. One command to each station through an edge that holds none of them. Refused tries after the kill: ${retries || "none"}.`,
      },
    ],
    plots: [
      {
        title: "Stations connected",
        kind: "lines",
        x: "s",
        y: "stations",
        points: [...curve("cold", cold), ...curve("after the kill", again)],
      },
    ],
    wrong,
    warnings: [],
  };
}
