// Heartbeat and MeterValues round trips: local, http and stream routes, the limit and the peers, interleaved round by round.
//
// M1. Every subject has stations of its own that stay connected; only one subject works at a time.
// M2. The main figure is server CPU per message without a pace (each station sends as soon as it is answered). p50 and p99
//     are taken at a pace, where they mean something.
// M3. The first rounds warm up: what the compiler does then is not a message's cost. What goes at a pace goes faster in them, or it would meet
//     too few messages to have compiled them: an `http` route compiles for some 40,000 CALLs (read with perf: 2 to 12 µs a CALL until then, 1
//     to 3 afterwards).
// M4. What leads to a backend is divided by a POST of a process beside it, and each of both varies by a fifth with what else the host does:
//     so they take turns, several times a round (`turns`): the median of 15 such pairs moves by 0.05 to 0.08 from run to run by chance alone.
// M5. With `own-core` whoever works has a core to itself (own-core.ts), which tells how much of a ratio is the kernel's choice who sits beside
//     whom. bench/README.md judges the goals without: as in all runs before there was this choice.
// M6. What is wrong in a warm-up is wrong, and so is a station lost between its stretches or behind the last; but one that a peer lost is only
//     told (accept.ts, A4).

import { meterValuesPayload } from "../load/payloads.ts";
import { pairedRatio, spreadOf } from "../measure/statistics.ts";
import type { Figure, Plot, PlotPoint, Report, Table } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { findOwnCore } from "../system/own-core.ts";
import { startWorker } from "../system/worker.ts";
import { refuseBeyondDescriptors, rounds, seconds, warmUp } from "./load-parameters.ts";
import { mainRounds, measure, noteLosses, openLanes, type Lane } from "./message-lanes.ts";
import { addPostFloor, type Posted, type PostFloor } from "./post-floor.ts";
import { cpuPerMessage, isClientBound, latencyMs } from "./reading.ts";

/** The benchmark. */
export const messages: Scenario = {
  name: "messages",
  title: "Heartbeat and MeterValues round trips: CPU per message against the limit and the peers",
  parameters: [
    {
      name: "stations",
      default: 1_000,
      min: 1,
      max: 15_000,
      unit: "stations",
      meaning: "connected to each subject",
    },
    rounds(5),
    warmUp(3),
    seconds(3, "measured per subject and round"),
    {
      name: "rate",
      default: 5_000,
      min: 10,
      max: 100_000,
      unit: "/s",
      meaning: "pace at which p50 and p99 are taken",
    },
    {
      name: "backend-rate",
      default: 2_000,
      min: 10,
      max: 50_000,
      unit: "/s",
      meaning: "pace of the http and stream routes",
    },
    {
      name: "turns",
      default: 6,
      min: 1,
      max: 100,
      unit: "turns",
      meaning: "of the http route, the least and the POST in each round",
    },
    {
      name: "own-core",
      default: 0,
      min: 0,
      max: 1,
      unit: "",
      meaning: "1: whoever is measured has a core to itself; 0: the kernel chooses",
    },
    {
      name: "clients",
      default: 2,
      min: 1,
      max: 16,
      unit: "processes",
      meaning: "load generators for each subject",
    },
  ],
  refuse: refuseBeyondDescriptors(),
  run: (surroundings) => closing((owner) => run(surroundings, owner)),
};

async function run(surroundings: Surroundings, owner: Closing): Promise<Report> {
  const { values, say } = surroundings;
  const core = valueOf(values, "own-core") === 1 ? await findOwnCore() : undefined;
  const backend = owner.own(await startWorker(new URL("../subjects/http-backend.js", import.meta.url)));
  const origin = `http://127.0.0.1:${await backend.ask<number>("listen")}`;
  const { lanes, pids } = await openLanes(surroundings, owner, origin);
  const post = { origin, path: "/MeterValues/floor", body: meterValuesPayload };
  const floors: Floors<PostFloor> = {
    post: owner.own(await addPostFloor({ ...post, way: "request" })),
    dispatched: owner.own(await addPostFloor({ ...post, way: "dispatch" })),
    timer: owner.own(await addPostFloor({ ...post, way: "nothing" })),
  };
  await core?.clear([...pids, backend.pid, ...Object.values(floors).map(({ pid }) => pid)]);
  for (let round = 1 - valueOf(values, "warm-up"); round <= valueOf(values, "rounds"); round++) {
    const pace = paceOf(round);
    const measureFloor = async (floor: PostFloor): Promise<void> => {
      await core?.lend([floor.pid]);
      const cpu = await floor.measure(valueOf(values, "backend-rate") * pace, valueOf(values, "seconds"));
      say(`round ${round}: ${floor.name}: ${cpu.toFixed(1)} µs CPU per POST`);
    };
    const measureAll = async (some: readonly Lane[]): Promise<void> => {
      for (const lane of some) {
        await core?.lend(lane.subject.pids); // M5
        const cpu = cpuPerMessage(await measure(lane, values, pace)).toFixed(1);
        say(`round ${round}: ${lane.label}, ${lane.subject.name}: ${cpu} µs CPU per message`);
      }
    };
    await measureAll(lanes.filter(({ takesTurns }) => !takesTurns));
    for (let turn = 0; turn < valueOf(values, "turns"); turn++) {
      await measureAll(lanes.filter(({ takesTurns }) => takesTurns));
      await measureFloor(floors.post);
    }
    await measureFloor(floors.dispatched);
    await measureFloor(floors.timer);
    if (round > 0) continue;
    for (const { flood, paced } of lanes) flood.length = paced.length = 0;
    for (const floor of Object.values(floors)) floor.forget();
  }
  for (const lane of lanes) await noteLosses(lane);
  return reportOf(lanes, floors);
}

/** What the `http` route is set against. */
export interface Floors<F = Posted> {
  /** The one that is judged by, in turn with the route. */
  readonly post: F;
  /** Two more, once a round: the same POST by the layer of undici that the edge uses, and what sends any of them. */
  readonly dispatched: F;
  readonly timer: F;
}

/** M3. */
function paceOf(round: number): number {
  return round <= 0 ? 3 : 1;
}

/** Pure. */
export function reportOf(lanes: readonly Lane[], floors: Floors): Report {
  const wrong = lanes.flatMap((lane) => lane.wrong);
  for (const floor of Object.values(floors))
    if (floor.failed() > 0) wrong.push(`${floor.name}: ${floor.failed()} failed`);
  return {
    figures: figuresOf(lanes, floors),
    tables: [tableOf(lanes), postTable(lanes, floors)],
    plots: [
      barsOf(
        "Server CPU per message, answered by the server itself",
        lanes.filter((lane) => !lane.isPacedOnly),
      ),
      barsOf(
        "Server CPU per message, answered by what is behind it",
        lanes.filter((lane) => lane.isPacedOnly),
        [floors.post, floors.dispatched].map((floor) => ({
          x: floor.name,
          y: spreadOf(floor.rounds).median,
          series: "MeterValues",
        })),
      ),
    ],
    wrong,
    warnings: lanes.flatMap(({ warnings }) => warnings),
  };
}

function barsOf(title: string, lanes: readonly Lane[], others: readonly PlotPoint[] = []): Plot {
  const points = lanes.map((lane): PlotPoint => {
    const { median } = spreadOf(mainRounds(lane).map(cpuPerMessage));
    return { x: lane.subject.name, y: median, series: lane.label };
  });
  return { title, kind: "bars", x: "", y: "µs CPU", points: [...others, ...points] };
}

function figuresOf(lanes: readonly Lane[], { post, dispatched }: Floors): Figure[] {
  const rounds = (label: string, name: string, isPacedOnly = false): number[] =>
    cpuOf(lanes, name, { label, isPacedOnly });
  const http = rounds("MeterValues", "edge, http", true);
  const proxied = rounds("MeterValues", "the least", true);
  const ratio = (name: string, ours: number[], theirs: readonly number[]): Figure => {
    const { median, min, max } = pairedRatio(ours, theirs);
    return { name, value: median, unit: "×", range: [min, max] };
  };
  return [
    {
      ...ratio("Heartbeat, local ÷ limit", rounds("Heartbeat", "edge, local"), rounds("Heartbeat", "limit")),
      goal: { atMost: 1.5 },
      aim: { atMost: 1.2 },
    },
    ratio("Heartbeat, local ÷ ws", rounds("Heartbeat", "edge, local"), rounds("Heartbeat", "ws")),
    ratio("Heartbeat, local ÷ ocpp-rpc", rounds("Heartbeat", "edge, local"), rounds("Heartbeat", "ocpp-rpc")),
    ratio("MeterValues, local ÷ limit", rounds("MeterValues", "edge, local"), rounds("MeterValues", "limit")),
    {
      ...ratio("http route ÷ bare undici POST", http, post.rounds),
      goal: { atMost: 1.5 },
      aim: { atMost: 1.25 },
    },
    ratio(
      "http route ÷ the same POST by undici's dispatch",
      byRound(http, dispatched.rounds.length),
      dispatched.rounds,
    ),
    ratio("the least that carries a CALL and its answer ÷ bare undici POST", proxied, post.rounds),
    ratio("http route ÷ the least that carries a CALL and its answer", http, proxied),
  ];
}

/** µs CPU per message, round by round, of whoever's name begins so, with this message and at this pace. */
function cpuOf(
  lanes: readonly Lane[],
  name: string,
  { label, isPacedOnly }: Pick<Lane, "label" | "isPacedOnly">,
): number[] {
  return lanes
    .filter((lane) => lane.label === label && lane.subject.name.startsWith(name))
    .filter((lane) => lane.isPacedOnly === isPacedOnly)
    .flatMap((lane) => mainRounds(lane).map(cpuPerMessage));
}

/** The table of all lanes. */
export function tableOf(lanes: readonly Lane[]): Table {
  const clientBound: number[] = [];
  const rows = lanes.map((lane, row) => {
    const cpu = mainRounds(lane).map(cpuPerMessage);
    const spread = spreadOf(cpu);
    if (lane.flood.some(isClientBound)) clientBound.push(row);
    const limit = cpuOf(lanes, "limit", lane);
    const rate = spreadOf(mainRounds(lane).map(({ answered, seconds }) => answered / seconds)).median;
    return [
      lane.isPacedOnly ? `${lane.subject.name}, paced` : lane.subject.name,
      lane.label,
      spread.median,
      `${spread.min.toFixed(1)}–${spread.max.toFixed(1)}`,
      pairedRatio(byRound(cpu, limit.length), limit).median,
      Math.round(rate),
      spreadOf(mainRounds(lane).map(({ clientCores }) => clientCores)).median,
      spreadOf(lane.paced.map(({ latencies }) => latencyMs(latencies, 0.5))).median,
      spreadOf(lane.paced.map(({ latencies }) => latencyMs(latencies, 0.99))).median,
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
      "p50 ms",
      "p99 ms",
    ],
    rows,
    clientBound,
    note:
      "µs CPU: of the server, per message, without a pace (rows that say paced: at the pace of http and stream). ÷ limit: by the limit's row " +
      "of the same message, a paced one by the paced. messages/s of a marked row is what the load generator could do, not the server. " +
      "p50 and p99 at the pace.",
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

function postTable(lanes: readonly Lane[], floors: Floors): Table {
  const rounds = lanes.find(({ subject }) => subject.name === "edge, http")?.paced ?? [];
  const { post } = floors;
  const cpu = rounds.map(cpuPerMessage);
  const median = (q: number): number =>
    spreadOf(rounds.map(({ latencies }) => latencyMs(latencies, q))).median;
  return {
    title: "The http route beside a bare POST",
    columns: ["subject", "µs CPU", "÷ bare POST", "p50 ms", "p99 ms"],
    rows: [
      ...Object.values(floors).map((floor: Posted) => [
        floor.name,
        spreadOf(floor.rounds).median,
        pairedRatio(floor.rounds, byRound(post.rounds, floor.rounds.length)).median,
        spreadOf(floor.p50).median,
        spreadOf(floor.p99).median,
      ]),
      ["edge, http", spreadOf(cpu).median, pairedRatio(cpu, post.rounds).median, median(0.5), median(0.99)],
    ],
    note:
      "The same body to the same backend at the same pace. A POST's CPU is that of a process with a timer of 1 ms that sends them, which " +
      "takes what its own row says without any. The edge's round trip begins and ends at the station: the last figure sets it against the " +
      "least that does so too (subjects/least-proxy.ts).",
  };
}
