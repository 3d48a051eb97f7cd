// The network between one edge and Redis is gone, everything else works: the edge keeps its sockets and says `unverified`, the others
// declare it dead; when the network is back it owns what nobody took meanwhile, and closes what was taken (R7, R8).

import { audit, outcomes } from "../audit.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, stationsAt, untilClosed, untilEdge, untilRegistered } from "../world/waiting.ts";
import { edgeAt, inWorld } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

const limitMs = 30_000;

export const redisCut: Scenario = {
  name: "redis-cut",
  summary:
    "one edge loses the network to Redis (silently) for longer than its lease; a third of its stations move",
  inQuick: false,
  run: (context) =>
    inWorld(context, { path: "switched" }, async (world) => {
      const { fleet, steady, options, log, report, stack, commander } = world;
      await delay(options.calmMs);
      const cut = edgeAt(world, 0);
      const there = stationsAt(steady, cut);
      const [moving, staying] = [there.filter((_, i) => i % 3 === 0), there.filter((_, i) => i % 3 !== 0)];
      stack.board.apply({ user: cut.name, onlySubscribers: false }, "silent");
      log(`${cut.name} has no Redis any more; ${moving.length} of its ${there.length} stations move`);
      const old = moving.map(({ current }) => current).filter((life) => life !== undefined);
      for (const station of moving) fleet.leaveBehind(station);
      await fleet.dialAll(moving, (i) => edgeAt(world, 1 + (i % 2)));
      await delay(options.pauseMs - 2000);
      const local = await Promise.all(staying.slice(0, 50).map((station) => commander.send(station, cut)));
      const good = local.filter(
        ({ status, ownership }) => status === 200 && ownership === "unverified",
      ).length;
      report.must(
        "local commands answered, and told `unverified`",
        good === local.length,
        `${good} of ${local.length} (${outcomes(local)})`,
      );
      await delay(1000);
      report.must("the cut was felt: connections hit", stack.board.hits > 0, stack.board.hits);
      stack.board.heal();
      const healedAtMs = nowMs();
      log("the network is back");
      const [validMs, closedMs, registeredMs] = await Promise.all([
        untilEdge(cut, ({ registry }) => registry.leaseValid, limitMs),
        untilClosed(old, healedAtMs, limitMs),
        untilRegistered(world, staying, limitMs),
      ]);
      report.figure("lease valid again after", orNever(validMs));
      report.must(
        "sockets whose stations moved: all closed afterwards",
        closedMs !== undefined,
        `${old.length} in ${orNever(closedMs)}`,
      );
      report.must(
        "stations that stayed: all registered again",
        registeredMs !== undefined,
        `${staying.length} in ${orNever(registeredMs)}`,
      );
      await delay(Math.min(options.calmMs, 3000));
      await audit(world, { cutEdge: cut.name });
    }),
};
