// What telemetry costs: the shipped edge, scraped as Prometheus would, against the same edge whose telemetry counts nothing; and what
// one scrape costs an edge that is full of stations.
//
// T1. Both edges have stations of their own that stay connected; the two take turns, and which begins alternates.
// T2. The scrapes fall into the measured stretch: their CPU is part of the CPU per message, as it is in production.
// T3. A station that is lost is wrong, also one that only fills the edge, and one that is lost behind its last stretch; so is a message
//     that is not answered or a station that is not registered while the edge is filled.

import type { Called, Fleet, TrafficResult } from "../load/fleet.ts";
import { bootNotification, heartbeat, meterValues } from "../load/payloads.ts";
import { scrape } from "../measure/prometheus.ts";
import { pairedRatio, spreadOf } from "../measure/statistics.ts";
import { descriptorRefusal } from "../host/load-limits.ts";
import { readHostLimits } from "../host/limits.ts";
import type { Report, Table } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings, type Values } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { demoRoutes, startGateway, type Gateway } from "../system/gateway.ts";
import { startRedis } from "../system/redis.ts";
import { edgeOf, fleetOn, type Subject } from "../system/subject.ts";
import { pause } from "../time.ts";
import { clients, rounds, seconds } from "./load-parameters.ts";
import { cpuPerMessage, isClientBound, linesOfLosses, wrongOfCalls, wrongOfTraffic } from "./reading.ts";
import { measureScrapes, type ScrapeCost } from "./scrape-cost.ts";

/** The benchmark. */
export const telemetry: Scenario = {
  name: "telemetry",
  title: "What telemetry costs per message, and what a scrape costs the event loop",
  parameters: [
    {
      name: "stations",
      default: 1_000,
      min: 1,
      max: 15_000,
      unit: "stations",
      meaning: "that send Heartbeats to each of the two edges",
    },
    {
      name: "scraped-stations",
      default: 10_000,
      min: 1,
      max: 17_999, // and the probe
      unit: "stations",
      meaning: "on the edge whose scrapes are measured",
    },
    rounds(7),
    seconds(10, "measured per edge and round"),
    {
      name: "interval",
      default: 5,
      min: 0.1,
      max: 60,
      unit: "s",
      meaning: "between two scrapes while messages are measured",
      isFraction: true,
    },
    {
      name: "scrapes",
      default: 20,
      min: 1,
      max: 1_000,
      unit: "scrapes",
      meaning: "of which the median counts",
    },
    clients,
  ],
  refuse: (values) =>
    scrapeRefusal(values) ??
    descriptorRefusal(readHostLimits(), {
      stations: Math.max(valueOf(values, "stations"), valueOf(values, "scraped-stations")) + 1, // the probe
      clients: valueOf(values, "clients"),
      edges: 1,
    }),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

// T2. The first scrape is made half an interval into the stretch.
function scrapeRefusal(values: Values): string | undefined {
  const [seconds, interval] = [valueOf(values, "seconds"), valueOf(values, "interval")];
  if (interval / 2 < seconds) return undefined;
  return `--interval ${interval} must be less than twice --seconds (${seconds}): no scrape would fall into what is measured`;
}

/** One of the two edges, and what its stretches came to. */
export interface Measured {
  readonly subject: Pick<Subject, "name">;
  readonly results: readonly TrafficResult[];
}

interface Lane extends Measured {
  readonly subject: Subject;
  readonly fleet: Fleet;
  /** Where it is scraped; undefined: it is not. */
  readonly url: string | undefined;
  readonly results: TrafficResult[];
}

async function run({ values, say, nodeArguments }: Surroundings, owner: Closing): Promise<Report> {
  const redis = owner.own(await startRedis());
  const shared = { edges: 1, redisNodes: redis.addresses, routes, nodeArguments };
  const program = new URL("../subjects/edge-without-telemetry.js", import.meta.url);
  const shipped = await startGateway(shared);
  const counting = await openLane(edgeOf(shipped, "edge as shipped"), shipped.edges[0]?.metrics);
  const bare = await openLane(
    edgeOf(await startGateway({ ...shared, program }), "without telemetry"),
    undefined,
  );
  for (let round = 1; round <= valueOf(values, "rounds"); round++) {
    const inTurn = round % 2 === 1 ? [counting, bare] : [bare, counting]; // T1
    for (const lane of inTurn) {
      const result = await measure(lane, values);
      say(`round ${round}: ${lane.subject.name}: ${cpuPerMessage(result).toFixed(2)} µs CPU per Heartbeat`);
    }
  }
  const { cost, filling, filled } = await scrapes(shipped, { values, say, owner, counting });
  say(`a scrape: ${cost.samples} samples, ${cost.cpuMs.toFixed(1)} ms CPU`);
  const lost = [
    ...(await lostOf(counting.subject, [counting.fleet, ...filling])),
    ...(await lostOf(bare.subject, [bare.fleet])),
  ];
  return reportOf(counting, bare, { cost, values, filled, lost });

  async function openLane(subject: Subject, url: string | undefined): Promise<Lane> {
    owner.own(subject);
    const plan = { prefix: "CP", stations: valueOf(values, "stations"), clients: valueOf(values, "clients") };
    return { subject, fleet: owner.own(await fleetOn(subject, plan)), url, results: [] };
  }
}

const routes = {
  integrations: { ...demoRoutes.integrations, clock: { type: "local", handler: "heartbeat" } },
  routes: { ...demoRoutes.routes, Heartbeat: "clock" },
};

async function measure({ fleet, subject, url, results }: Lane, values: Values): Promise<TrafficResult> {
  const warmUpSeconds = 0.5;
  const plan = { tail: heartbeat, rate: 0, seconds: valueOf(values, "seconds"), warmUpSeconds };
  const everyMs = valueOf(values, "interval") * 1000;
  const over = new AbortController();
  const scraping = async (): Promise<void> => {
    if (url === undefined) return;
    await pause(warmUpSeconds * 1000 + everyMs / 2);
    while (!over.signal.aborted) {
      await scrape(url); // T2
      await pause(everyMs);
    }
  };
  const traffic = fleet.traffic(plan, subject.pids).finally(() => over.abort());
  const [result] = await Promise.all([traffic, scraping()]);
  results.push(result);
  return result;
}

interface Filling {
  readonly say: Surroundings["say"];
  readonly values: Values;
  readonly owner: Closing;
  readonly counting: Lane;
}

/** How the edge that is scraped was filled (T3). */
export interface Filled {
  readonly calls: readonly Called[];
  /** When all were there, or their time was over. */
  readonly open: number;
  readonly rows: number;
}

/** Fills the shipped edge with stations, has them send, and scrapes it. */
async function scrapes(
  gateway: Gateway,
  { values, say, owner, counting }: Filling,
): Promise<{ readonly cost: ScrapeCost; readonly filling: readonly Fleet[]; readonly filled: Filled }> {
  const { subject, fleet, url } = counting;
  if (url === undefined) throw new Error("an edge without metrics");
  const more = valueOf(values, "scraped-stations") - valueOf(values, "stations");
  const filling: Fleet[] = [];
  const calls: Called[] = [];
  if (more > 0) {
    const plan = { prefix: "MORE", stations: more, clients: valueOf(values, "clients") };
    const idle = owner.own(await fleetOn(subject, plan));
    filling.push(idle);
    calls.push(await idle.callOnce(bootNotification, 30_000));
  }
  const expected = await openOf([fleet, ...filling]); // who is lost is not waited for
  await gateway.untilRegistered((count) => count >= expected, 30_000);
  for (const tail of [bootNotification, meterValues]) calls.push(await fleet.callOnce(tail, 30_000));
  const open = await openOf([fleet, ...filling]);
  const filled = { calls, open, rows: await gateway.registered("rows") };
  say(`${open} stations on ${subject.name}: scraping it`);
  const probe = owner.own(await fleetOn(subject, { prefix: "PROBE", stations: 1, clients: 1 }));
  filling.push(probe);
  const cost = await measureScrapes({ url, pids: subject.pids, probe }, valueOf(values, "scrapes"));
  return { cost, filling, filled };
}

async function openOf(fleets: readonly Fleet[]): Promise<number> {
  const states = await Promise.all(fleets.map((fleet) => fleet.state()));
  return states.reduce((sum, { open }) => sum + open, 0);
}

/** T3 */
async function lostOf({ name }: Subject, fleets: readonly Fleet[]): Promise<string[]> {
  const losses = await Promise.all(fleets.map((fleet) => fleet.takeLosses()));
  return losses.flatMap((each) => linesOfLosses(name, each));
}

/** What was found beside the rounds. */
export interface Found {
  readonly cost: ScrapeCost;
  readonly values: Values;
  readonly filled: Filled;
  readonly lost: readonly string[];
}

/** Pure. */
export function reportOf(counting: Measured, bare: Measured, found: Found): Report {
  const { cost, values, filled, lost } = found;
  const [ours, theirs] = [counting, bare].map(({ results }) => results.map(cpuPerMessage));
  const ratio = pairedRatio(ours ?? [], theirs ?? []);
  const held = spreadOf(cost.longestMs);
  const most = { atMost: 20 };
  return {
    figures: [
      {
        name: "CPU per Heartbeat, as shipped ÷ without telemetry",
        value: ratio.median,
        unit: "×",
        range: [ratio.min, ratio.max],
        goal: { atMost: 1.1 },
      },
      {
        name: "event loop held by a scrape",
        value: held.median,
        unit: "ms",
        range: [held.min, held.max],
        aim: most,
      },
      { name: "CPU of a scrape", value: cost.cpuMs, unit: "ms", aim: most },
      { name: "samples of a scrape", value: cost.samples, unit: "", goal: { atMost: 1_500 } },
    ],
    tables: [messageTable(counting, bare), scrapeTable(cost, values)],
    plots: [
      {
        title: "Server CPU per Heartbeat, round by round",
        kind: "lines",
        x: "round",
        y: "µs CPU",
        points: [counting, bare].flatMap(({ subject, results }) =>
          results.map((result, n) => ({ x: n + 1, y: cpuPerMessage(result), series: subject.name })),
        ),
      },
    ],
    wrong: [
      ...[counting, bare].flatMap(({ subject, results }) => wrongOfTraffic(subject.name, results)),
      ...wrongOfFilled(filled),
      ...wrongOfTraffic("while scraped", cost.traffic),
      ...lost,
    ],
    warnings: [],
  };
}

function wrongOfFilled({ calls, open, rows }: Filled): string[] {
  const lines = calls.flatMap((called) => wrongOfCalls("while filled", called));
  if (rows < open) lines.push(`while filled: ${open - rows} stations connected and not registered`);
  return lines;
}

function messageTable(counting: Measured, bare: Measured): Table {
  const lanes = [counting, bare];
  const reference = bare.results.map(cpuPerMessage);
  return {
    title: "Heartbeats",
    columns: ["edge", "µs CPU", "spread", "÷ without", "messages/s", "client cores"],
    rows: lanes.map(({ subject, results }) => {
      const cpu = results.map(cpuPerMessage);
      const { median, min, max } = spreadOf(cpu);
      return [
        subject.name,
        median,
        `${min.toFixed(2)}–${max.toFixed(2)}`,
        pairedRatio(cpu, reference).median,
        Math.round(spreadOf(results.map(({ answered, seconds }) => answered / seconds)).median),
        spreadOf(results.map(({ clientCores }) => clientCores)).median,
      ];
    }),
    clientBound: lanes.flatMap(({ results }, row) => (results.some(isClientBound) ? [row] : [])),
    note:
      "µs CPU: of the edge, per Heartbeat, each station sending as soon as it is answered. The shipped edge counts, logs and is " +
      "scraped; the other is the same program with a telemetry that does not even add.",
  };
}

function scrapeTable(cost: ScrapeCost, values: Values): Table {
  const [longest, without, took] = [cost.longestMs, cost.longestWithoutMs, cost.scrapeMs].map(spreadOf);
  return {
    title: "A scrape",
    columns: [
      "stations",
      "samples",
      "KB",
      "CPU ms",
      "took ms",
      "longest Heartbeat ms",
      "worst of all",
      "… without a scrape",
      "worst of all",
    ],
    rows: [
      [
        Math.max(valueOf(values, "stations"), valueOf(values, "scraped-stations")),
        cost.samples,
        cost.bytes / 1000,
        cost.cpuMs,
        took?.median,
        longest?.median,
        longest?.max,
        without?.median,
        without?.max,
      ],
    ],
    note:
      "longest Heartbeat: of one station that sends back to back, in windows of 0.4 s with one scrape each and, in turn, without: what " +
      "holds the event loop makes one of them wait for all of it.",
  };
}
