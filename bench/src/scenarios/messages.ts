// Heartbeat and MeterValues round trips: local, http and stream routes, the limit and the peers, interleaved round by round.
//
// M1. Every subject has stations of its own that stay connected; only one subject works at a time.
// M2. The main figure is server CPU per message without a pace (each station sends as soon as it is answered). p50 and p99
//     are taken at a pace, where they mean something; so is a second figure of CPU, which an edge far from its limits takes.
// M3. The first rounds warm up: what the compiler does then is not a message's cost. The pace is higher in them, or it would meet
//     too few messages to have compiled them: an `http` route compiles for some 40,000 CALLs (read with perf: 2 to 12 µs a CALL until then, 1
//     to 3 afterwards).
// M4. What leads to a backend is divided by a POST of a process beside it, and each of both varies by a fifth with what else the host does:
//     so they take turns, several times a round (`turns`): the median of 15 such pairs moves by 0.05 to 0.08 from run to run by chance alone.
//     The `http` route has both of its figures judged.
// M5. With `own-core` whoever works has a core to itself (own-core.ts), which tells how much of a ratio is the kernel's choice who sits beside
//     whom. bench/README.md judges the goals without: as in all runs before there was this choice.
// M6. What is wrong in a warm-up is wrong, and so is a station lost between its stretches or behind the last; but one that a peer lost is only
//     told (accept.ts, A4).

import { meterValuesPayload } from "../load/payloads.ts";
import type { Report } from "../report/model.ts";
import { valueOf, type Scenario, type Surroundings } from "../scenario.ts";
import { closing, type Closing } from "../system/closing.ts";
import { findOwnCore } from "../system/own-core.ts";
import { startWorker } from "../system/worker.ts";
import { refuseBeyondDescriptors, rounds, seconds, warmUp } from "./load-parameters.ts";
import { measure, noteLosses, openLanes, type Lane } from "./message-lanes.ts";
import { reportOf, type Floors } from "./message-report.ts";
import { addPostFloor, type PostFloor } from "./post-floor.ts";
import { cpuPerMessage } from "./reading.ts";

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
      meaning: "pace of Heartbeats where p50 and p99 are taken",
    },
    {
      name: "backend-rate",
      default: 2_000,
      min: 10,
      max: 50_000,
      unit: "/s",
      meaning: "the same of MeterValues: local, http and stream",
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
    const measureFloor = async (floor: PostFloor, rate: number): Promise<void> => {
      await core?.lend([floor.pid]);
      const { cpu } = await floor.measure(rate, valueOf(values, "seconds"));
      say(
        `round ${round}: ${floor.name}, ${rate === 0 ? "no pace" : `${rate}/s`}: ${cpu.toFixed(1)} µs CPU per POST`,
      );
    };
    const postRate = valueOf(values, "backend-rate") * pace;
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
      await measureFloor(floors.post, postRate);
      await measureFloor(floors.post, 0);
    }
    await measureFloor(floors.dispatched, postRate);
    await measureFloor(floors.dispatched, 0);
    await measureFloor(floors.timer, postRate);
    if (round > 0) continue;
    for (const { flood, paced } of lanes) flood.length = paced.length = 0;
    for (const floor of Object.values(floors)) floor.forget();
  }
  for (const lane of lanes) await noteLosses(lane);
  return reportOf(lanes, floors);
}

/** M3. */
function paceOf(round: number): number {
  return round <= 0 ? 3 : 1;
}
