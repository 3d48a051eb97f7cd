// What `messages` found, told. Pure. M1 to M6 stand in messages.ts.

import { pairedRatio, spreadOf, type Spread } from "../measure/statistics.ts";
import type { Figure, Plot, PlotPoint, Report, Table } from "../report/model.ts";
import type { Lane } from "./message-lanes.ts";
import type { Posted } from "./post-floor.ts";
import { isClientBound, stretchOf, type Stretch } from "./reading.ts";

/** What the `http` route is set against. */
export interface Floors<F = Posted> {
  /** The one that is judged by, in turn with the route. */
  readonly post: F;
  /** Two more, once a round: the same POST by the layer of undici that the edge uses, and what sends any of them. */
  readonly dispatched: F;
  readonly timer: F;
}

/** The whole report. */
export function reportOf(lanes: readonly Lane[], floors: Floors): Report {
  const wrong = lanes.flatMap((lane) => lane.wrong);
  for (const floor of Object.values(floors))
    if (floor.failed() > 0) wrong.push(`${floor.name}: ${floor.failed()} failed`);
  return {
    figures: figuresOf(lanes, floors),
    tables: [tableOf(lanes), postTable(lanes, floors)],
    plots: [
      barsOf("Server CPU per message, without a pace", lanes, "flood", floors),
      barsOf("Server CPU per message, at a pace", lanes, "paced", floors),
    ],
    wrong,
    warnings: lanes.flatMap(({ warnings }) => warnings),
  };
}

/** With each station sending as soon as it is answered, or at the lane's rate (M2). */
type Way = "flood" | "paced";

function barsOf(title: string, lanes: readonly Lane[], way: Way, { post, dispatched }: Floors): Plot {
  const posts = [post, dispatched].map((floor): PlotPoint => {
    return { x: floor.name, y: spreadOf(cpusOf(floor[way])).median, series: "MeterValues" };
  });
  const points = lanes.map((lane): PlotPoint => {
    return { x: lane.subject.name, y: spreadOf(cpusOf(lane[way].map(stretchOf))).median, series: lane.label };
  });
  return { title, kind: "bars", x: "", y: "µs CPU", points: [...posts, ...points] };
}

function figuresOf(lanes: readonly Lane[], { post, dispatched }: Floors): Figure[] {
  const of = (label: string, name: string, way: Way = "flood"): Stretch[] =>
    lanes
      .filter((lane) => lane.label === label && lane.subject.name.startsWith(name))
      .flatMap((lane) => lane[way].map(stretchOf));
  const ratio = (name: string, ours: readonly Stretch[], theirs: readonly Stretch[]): Figure => {
    const { median, min, max } = ratioOf(ours, theirs);
    return { name, value: median, unit: "×", range: [min, max] };
  };
  const local = (label: string, peer: string): Figure =>
    ratio(`${label}, local ÷ ${peer}`, of(label, "edge, local"), of(label, peer));
  const behind = (way: Way): Figure[] => {
    const [http, proxied] = [of("MeterValues", "edge, http", way), of("MeterValues", "the least", way)];
    const [posts, dispatches] = [post[way], dispatched[way]];
    const how = way === "paced" ? "at a pace" : "without a pace";
    return [
      {
        ...ratio(`http route ÷ bare undici POST, ${how}`, http, posts),
        goal: { atMost: 1.5 },
        aim: { atMost: 1.25 },
      },
      ratio(`http route ÷ the same POST by undici's dispatch, ${how}`, http, dispatches),
      ratio(`the least that carries a CALL and its answer ÷ bare undici POST, ${how}`, proxied, posts),
      ratio(`http route ÷ the least that carries a CALL and its answer, ${how}`, http, proxied),
    ];
  };
  return [
    { ...local("Heartbeat", "limit"), goal: { atMost: 1.5 }, aim: { atMost: 1.2 } },
    local("Heartbeat", "ws"),
    local("Heartbeat", "ocpp-rpc"),
    local("MeterValues", "limit"),
    ...behind("flood"),
    ...behind("paced"),
  ];
}

function cpusOf(stretches: readonly Stretch[]): number[] {
  return stretches.map(({ cpu }) => cpu);
}

/** The table of all lanes. */
export function tableOf(lanes: readonly Lane[]): Table {
  const clientBound: number[] = [];
  const rows = lanes.map((lane, row) => {
    if (lane.flood.some(isClientBound)) clientBound.push(row);
    const limit = lanes.find(
      ({ subject, label }) => subject.name.startsWith("limit") && label === lane.label,
    );
    const [flood, paced] = [lane.flood.map(stretchOf), lane.paced.map(stretchOf)];
    const { median, min, max } = spreadOf(cpusOf(flood));
    return [
      lane.subject.name,
      lane.label,
      median,
      `${min.toFixed(1)}–${max.toFixed(1)}`,
      medianRatio(flood, limit?.flood.map(stretchOf) ?? []),
      Math.round(medianOf(flood, "perSecond")),
      spreadOf(lane.flood.map(({ clientCores }) => clientCores)).median,
      lane.rate,
      medianOf(paced, "cpu"),
      medianOf(paced, "p50Ms"),
      medianOf(paced, "p99Ms"),
    ];
  });
  return {
    title: "Round trips",
    columns: [
      "subject",
      "message",
      "µs CPU",
      "spread",
      "÷ limit",
      "messages/s",
      "client cores",
      "pace /s",
      "µs CPU at it",
      "p50 ms",
      "p99 ms",
    ],
    rows,
    clientBound,
    note:
      "µs CPU: of the server, per message, without a pace, as messages/s and ÷ limit are. messages/s of a marked row is what the load " +
      "generator or the machine could do, not the server. What stands behind the pace was found at it.",
  };
}

/** One value a round, of a lane that had several turns in each. */
function byRound(turns: readonly number[], rounds: number): number[] {
  const each = turns.length / rounds;
  return Array.from({ length: rounds }, (_, round) => {
    const own = turns.slice(round * each, (round + 1) * each);
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  });
}

function postTable(lanes: readonly Lane[], { post, dispatched, timer }: Floors): Table {
  const route = lanes.find(({ subject }) => subject.name === "edge, http");
  if (route === undefined) throw new Error("no lane of the http route");
  const edge = { name: "edge, http", flood: route.flood.map(stretchOf), paced: route.paced.map(stretchOf) };
  return {
    title: "The http route beside a bare POST",
    columns: [
      "subject",
      "µs CPU",
      "÷ bare POST",
      "/s",
      "µs CPU at the pace",
      "÷ bare POST",
      "p50 ms",
      "p99 ms",
    ],
    rows: [post, dispatched, timer, edge].map(({ name, flood, paced }) => [
      name,
      medianOf(flood, "cpu"),
      medianRatio(flood, post.flood),
      Math.round(medianOf(flood, "perSecond")),
      medianOf(paced, "cpu"),
      medianRatio(paced, post.paced),
      medianOf(paced, "p50Ms"),
      medianOf(paced, "p99Ms"),
    ]),
    note:
      "The same body to the same backend. At the pace a POST's CPU is that of a process with a timer of 1 ms that sends them, which takes " +
      "what its own row says without any; without a pace each of its 64 connections sends its next as soon as it is answered. The edge's " +
      "round trip begins and ends at the station: its last figure sets it against the least that does so too (subjects/least-proxy.ts).",
  };
}

/** NaN of what was not measured. */
function medianOf(stretches: readonly Stretch[], of: keyof Stretch): number {
  return stretches.length === 0 ? Number.NaN : spreadOf(stretches.map((stretch) => stretch[of])).median;
}

/** NaN of what was not measured. */
function medianRatio(ours: readonly Stretch[], theirs: readonly Stretch[]): number {
  return ours.length === 0 || theirs.length === 0 ? Number.NaN : ratioOf(ours, theirs).median;
}

/** Of µs CPU; where one side had several turns in a round of the other, round by round. */
function ratioOf(ours: readonly Stretch[], theirs: readonly Stretch[]): Spread {
  const rounds = Math.min(ours.length, theirs.length);
  return pairedRatio(byRound(cpusOf(ours), rounds), byRound(cpusOf(theirs), rounds));
}
