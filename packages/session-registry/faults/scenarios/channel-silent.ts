// The silent subscriber of FACTS §3: one edge's wake-up connections swallow everything while all else is healthy. Commands are
// asked again by the inbox; they and evictions arrive by polling, and /readyz says so in time.

import { audit } from "../audit.ts";
import { spread } from "../report.ts";
import type { Station } from "../world/fleet.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, stationsAt, untilClosed, untilEdge } from "../world/waiting.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Default registry.inboxPollMs; after how long an edge asks again (packages/edge, commands/limits.ts); what a busy machine adds. */
const pollMs = 500;
const askAgainMs = 500;
const slackMs = 500;
/** A shard's channel is probed after 30 s of silence, and the probe given up after 5 s. */
const noticedWithinMs = 60_000;

export const channelSilent: Scenario = {
  name: "channel-silent",
  summary: "the subscriber connections of one edge go silent, everything else works",
  inQuick: false,
  run: (context) =>
    inWorld(context, { path: "switched" }, async (world) => {
      const { fleet, steady, options, log, report, stack } = world;
      await delay(options.calmMs);
      const deaf = edgeAt(world, 0);
      const there = stationsAt(steady, deaf);
      report.figure("commands through other edges, before", spread(await timeCommands(world, there)));
      stack.board.apply({ user: deaf.name, onlySubscribers: true }, "silent");
      const deafAtMs = nowMs();
      log(`${deaf.name} hears no wake-ups any more`);
      await delay(500);
      const deafMs = await timeCommands(world, there);
      report.figure("commands through other edges, meanwhile", spread(deafMs));
      report.must(
        "… none later than the asking again, a poll and 500 ms",
        Math.max(...deafMs) <= askAgainMs + pollMs + slackMs,
        `${Math.max(...deafMs)} ms`,
      );
      const moving = there.slice(0, 50);
      const old = moving.map(({ current }) => current).filter((life) => life !== undefined);
      for (const station of moving) fleet.silence(station);
      const movedAtMs = nowMs();
      await fleet.dialAll(moving, () => edgeAt(world, 1));
      const closedMs = await untilClosed(old, movedAtMs, 10_000);
      report.must(
        "evictions reach it within a poll and 500 ms",
        (closedMs ?? Infinity) <= pollMs + slackMs,
        orNever(closedMs),
      );
      if (!options.isQuick) {
        const noticed = await untilEdge(deaf, ({ registry }) => !registry.channelAlive, noticedWithinMs);
        report.must(
          "/readyz says that the channel is dead",
          noticed !== undefined,
          noticed === undefined ? orNever(noticed) : `${nowMs() - deafAtMs} ms after the fault`,
        );
      }
      report.must("the fault was felt: connections hit", stack.board.hits > 0, stack.board.hits);
      stack.board.heal();
      log("the channel works again");
      if (!options.isQuick) {
        const healedMs = await untilEdge(deaf, ({ ready }) => ready, noticedWithinMs);
        report.must("ready again afterwards", healedMs !== undefined, orNever(healedMs));
        report.figure(
          "commands through other edges, afterwards",
          spread(await timeCommands(world, there.slice(50))),
        );
      }
      await audit(world);
    }),
};

/** From post to answer, ms, of a command to each of 60 stations through the edges that do not hold them. */
async function timeCommands(world: World, stations: readonly Station[]): Promise<number[]> {
  const times: number[] = [];
  for (const [i, station] of stations.slice(50, 110).entries()) {
    const command = await world.commander.send(station, edgeAt(world, 1 + (i % 2)));
    if (command.status === 200) times.push((command.endedAtMs ?? 0) - command.postedAtMs);
    await delay(20);
  }
  return times;
}
