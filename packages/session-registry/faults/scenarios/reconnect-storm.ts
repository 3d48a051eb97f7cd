// Every station reconnects at once to another edge while its old socket is half open: what a mobile network's hiccup does.

import { audit } from "../audit.ts";
import { spread } from "../report.ts";
import { isOpen } from "../world/fleet.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, untilClosed } from "../world/waiting.ts";
import { edgeAt, inWorld } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Dials a second: within a second or two all of them, at the pace of this one client process. */
const perSecond = 10_000;
const limitMs = 30_000;

export const reconnectStorm: Scenario = {
  name: "reconnect-storm",
  summary: "all stations reconnect at once to other edges while their old sockets are half open",
  inQuick: true,
  run: (context) =>
    inWorld(context, { stations: context.options.stormStations }, async (world) => {
      const { fleet, steady, options, log, report, edges } = world;
      await delay(options.calmMs);
      const old = steady.map(({ current }) => current).filter((life) => isOpen(life));
      const homes = new Map(
        steady.map((station) => [
          station,
          edges.findIndex(({ name }) => name === station.current?.edge.name),
        ]),
      );
      for (const station of steady) fleet.silence(station);
      const stormAtMs = nowMs();
      log(`${steady.length} stations reconnect`);
      await fleet.dialAll(
        steady,
        (i) => edgeAt(world, ((homes.get(steady[i] ?? steady[0] ?? never()) ?? 0) + 1) % edges.length),
        perSecond,
      );
      const openMs = steady.map(
        ({ current }) => (current?.openedAtMs ?? Infinity) - (current?.dialledAtMs ?? 0),
      );
      report.figure("dial to open", spread(openMs));
      report.figure(
        "last one open after, ms",
        Math.max(...steady.map(({ current }) => (current?.openedAtMs ?? Infinity) - stormAtMs)),
      );
      const closedMs = await untilClosed(old, stormAtMs, limitMs);
      report.must(
        "half-open sockets: all closed by their edges",
        closedMs !== undefined,
        `${old.length}, the last after ${orNever(closedMs)}`,
      );
      await delay(Math.min(options.calmMs, 3000));
      const ledger = await audit(world);
      const isStorm = (dialledAtMs: number): boolean => dialledAtMs >= stormAtMs;
      report.figure(
        "dial to registered",
        spread(ledger.latencies(steady, (life) => isStorm(life.dialledAtMs))),
      );
      const grants = steady
        .map(({ current }) => current && ledger.grantOf(current))
        .filter((grant) => grant !== undefined);
      report.must(
        "registered",
        grants.length === steady.length,
        `${grants.length} of ${steady.length}, the last after ${Math.max(...grants.map(({ atMs }) => atMs - stormAtMs))} ms`,
      );
    }),
};

function never(): never {
  throw new Error("no station");
}
