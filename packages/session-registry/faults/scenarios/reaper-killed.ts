// kill -9 of an edge, then of the edge that is ending its sessions, in mid-work: the third finishes both, and every session still has
// exactly one end (R7).

import { audit } from "../audit.ts";
import { type Edge, metric } from "../world/edges.ts";
import { until } from "../world/observer.ts";
import { delay } from "../world/time.ts";
import { stationsAt } from "../world/waiting.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import { kill } from "./edge-killed.ts";
import type { Scenario } from "./scenario.ts";

/** Redis is this far away, so that reaping takes seconds and can be caught at it. */
const farMs = 15;

export const reaperKilled: Scenario = {
  name: "reaper-killed",
  summary: "kill -9 of an edge, then of the edge that reaps it, in mid-work (Redis 15 ms away)",
  inQuick: false,
  run: (context) =>
    inWorld(context, { path: "delayed" }, async (world) => {
      const { stack, options, steady, log, report, observer, edges } = world;
      for (const proxy of stack.proxies) proxy.setDelay(farMs, "down");
      await delay(options.calmMs);
      const first = edgeAt(world, 0);
      const orphans = stationsAt(steady, first);
      const killedAtMs = await kill(world, first);
      for (const station of orphans) station.current = undefined;
      log(`${first.name} is dead; who reaps it?`);
      const reaper = await untilReaping(world, 3 * options.leaseMs);
      if (!reaper) return report.must("somebody reaps", false, "nobody within three leases");
      const more = stationsAt(steady, reaper);
      const secondAtMs = await kill(world, reaper);
      for (const station of more) station.current = undefined;
      await observer.refresh();
      const ended = countEnded(world);
      log(`${reaper.name} is dead too, in mid-work: ${ended} sessions were ended`);
      report.must(
        "the reaper died in mid-work",
        ended > 0 && ended < orphans.length,
        `${ended} of ${orphans.length} ended by then`,
      );
      const all = [...orphans, ...more];
      await until(() => countEnded(world) >= all.length, 4 * options.leaseMs);
      report.figure("first edge's sessions all ended after, ms", lastEnd(world, first) - killedAtMs);
      report.figure("reaper's sessions all ended after, ms", lastEnd(world, reaper) - secondAtMs);
      const ledger = await audit(world);
      const once = all.filter(({ identity }) => {
        const ends = (ledger.byIdentity.get(identity) ?? []).filter(({ kind }) => kind === "disconnected");
        return ends.length === 1;
      });
      report.must(
        "sessions of both, ended exactly once",
        once.length === all.length,
        `${once.length} of ${all.length}`,
      );
      report.figure(
        "survivors",
        edges
          .filter((edge) => edge.isReachable)
          .map(({ name }) => name)
          .join(", "),
      );
    }),
};

const countEnded = ({ observer }: World): number =>
  observer.events.filter(({ cause, identity }) => cause === "edge-died" && identity.startsWith("cp-")).length;

const lastEnd = ({ observer }: World, edge: Edge): number =>
  Math.max(
    ...observer.events
      .filter((event) => event.cause === "edge-died" && event.edge === edge.name)
      .map(({ atMs }) => atMs),
  );

/** The edge that buried the dead one, as soon as it has ended a first session. */
async function untilReaping(world: World, limitMs: number): Promise<Edge | undefined> {
  let reaper: Edge | undefined;
  await until(async () => {
    for (const edge of world.edges.filter((each) => each.isReachable)) {
      if ((await metric(edge, "registry_edges_declared_dead_total")) > 0) reaper = edge;
    }
    return reaper !== undefined;
  }, limitMs);
  await until(async () => {
    await world.observer.refresh();
    return countEnded(world) > 0;
  }, 5000);
  return reaper;
}
