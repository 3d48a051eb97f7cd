// An edge stands still for longer than its lease (SIGSTOP) and goes on as if nothing had happened: it must notice that it owns
// nothing any more, before any of its sockets gets a command that belongs to a newer one (R1, R3, R6, R7).

import { audit, outcomes } from "../audit.ts";
import { metric } from "../world/edges.ts";
import type { SocketLife, Station } from "../world/fleet.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, stationsAt, untilClosed, untilEdge, untilRegistered } from "../world/waiting.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import type { Command } from "../world/commander.ts";
import type { Scenario } from "./scenario.ts";

/** Commands that wait in the sleeper's accept queue and in its inbox. */
const waitingCommands = 60;
const limitMs = 20_000;

export const edgePaused: Scenario = {
  name: "edge-paused",
  summary:
    "an edge is stopped (SIGSTOP) for longer than its lease and continued; half of its stations moved meanwhile",
  inQuick: true,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { fleet, steady, options, log } = world;
      await delay(options.calmMs);
      const sleeper = edgeAt(world, 0);
      const there = stationsAt(steady, sleeper);
      const [moving, staying] = [there.filter((_, i) => i % 2 === 0), there.filter((_, i) => i % 2 === 1)];
      await world.abandon(sleeper);
      const incarnations = await metric(sleeper, "registry_incarnations_total");
      sleeper.process.signal("SIGSTOP");
      log(`${sleeper.name} stands still, with ${there.length} stations; ${moving.length} of them move`);
      const old = moving.map(({ current }) => current).filter((life) => life !== undefined);
      for (const station of moving) fleet.leaveBehind(station);
      await fleet.dialAll(moving, (i) => edgeAt(world, 1 + (i % 2)));
      const toInbox = staying
        .slice(0, waitingCommands)
        .map((station, i) => world.commander.send(station, edgeAt(world, 1 + (i % 2))));
      await delay(options.pauseMs - 1000);
      const toApi = moving.slice(0, waitingCommands).map((station) => world.commander.send(station, sleeper));
      await delay(1000);
      sleeper.process.signal("SIGCONT");
      const resumedAtMs = nowMs();
      log("it goes on");
      await checkWaking(world, { old, staying, resumedAtMs, incarnations, waiting: [...toInbox, ...toApi] });
      sleeper.isReachable = true;
      await delay(Math.min(options.calmMs, 3000));
      await audit(world);
    }),
};

interface Waking {
  readonly old: readonly SocketLife[];
  readonly staying: readonly Station[];
  readonly resumedAtMs: number;
  /** Taken before. */
  readonly incarnations: number;
  readonly waiting: readonly Promise<Command>[];
}

async function checkWaking(
  world: World,
  { old, staying, resumedAtMs, incarnations, waiting }: Waking,
): Promise<void> {
  const { report } = world;
  const sleeper = edgeAt(world, 0);
  const [closedMs, validMs, registeredMs, commands] = await Promise.all([
    untilClosed(old, resumedAtMs, limitMs),
    untilEdge(sleeper, ({ registry }) => registry.leaseValid, limitMs),
    untilRegistered(world, staying, limitMs),
    Promise.all(waiting),
  ]);
  report.must(
    "sockets whose stations moved: all closed after it goes on",
    closedMs !== undefined,
    `${old.length} in ${orNever(closedMs)}`,
  );
  report.must(
    "… each as superseded (4001)",
    old.every(({ closeCode }) => closeCode === 4001),
    old.filter(({ closeCode }) => closeCode === 4001).length,
  );
  report.must(
    "stations that stayed: all registered again",
    registeredMs !== undefined,
    `${staying.length} in ${orNever(registeredMs)}`,
  );
  report.figure("lease valid again after", orNever(validMs));
  const taken = (await metric(sleeper, "registry_incarnations_total")) - incarnations;
  report.must("it took one new incarnation", taken === 1, taken);
  report.figure("commands that had waited for it", outcomes(commands));
}
