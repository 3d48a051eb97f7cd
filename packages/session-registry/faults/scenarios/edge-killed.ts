// kill -9 of an edge: its sessions stop being routable within one lease, each ends with exactly one event, and whoever
// reconnects belongs to the new edge at once (R7, R1).

import { audit } from "../audit.ts";
import { spread } from "../report.ts";
import type { Edge } from "../world/edges.ts";
import { isOpen, type Station } from "../world/fleet.ts";
import type { Ledger } from "../world/ledger.ts";
import { until } from "../world/observer.ts";
import { delay, nowMs } from "../world/time.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Stations asked for one by one at another edge until all are unknown. */
const sampleSize = 40;

export const edgeKilled: Scenario = {
  name: "edge-killed",
  summary: "kill -9 of an edge with a third of the stations; half of them reconnect at once, half stay away",
  inQuick: true,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { fleet, steady, options, report, log } = world;
      await delay(options.calmMs);
      const victim = edgeAt(world, 0);
      const orphans = steady.filter(({ current }) => isOpen(current) && current.edge.name === victim.name);
      const killedAtMs = await kill(world, victim);
      log(`${victim.name} is dead, with ${orphans.length} stations`);
      const [back, away] = [orphans.filter((_, i) => i % 2 === 0), orphans.filter((_, i) => i % 2 === 1)];
      for (const station of away) station.current = undefined;
      await fleet.dialAll(back, (i) => edgeAt(world, 1 + (i % 2)), 3000);
      await checkReconnected(world, back);
      const unroutableMs = await untilUnroutable(world, away, killedAtMs);
      report.must(
        "unroutable within one lease",
        unroutableMs !== undefined && unroutableMs <= options.leaseMs,
        `${unroutableMs ?? "never"} ms of ${options.leaseMs} (sample of ${sampleSize})`,
      );
      await until(
        () => world.observer.events.filter(({ cause }) => cause === "edge-died").length >= away.length,
        options.leaseMs,
      );
      const ledger = await audit(world);
      checkEnds(world, ledger, { victim, orphans, killedAtMs });
    }),
};

/** kill -9. */
export async function kill(world: World, victim: Edge): Promise<number> {
  await world.abandon(victim);
  const killedAtMs = nowMs();
  await victim.process.kill("SIGKILL");
  return killedAtMs;
}

async function checkReconnected(
  { commander, edges, report }: World,
  back: readonly Station[],
): Promise<void> {
  const results = await commander.sweep(back, edges);
  const good = results.filter(
    ({ status, answeredBy, station }) => status === 200 && answeredBy === station.current?.edge.name,
  );
  report.must(
    "reconnected stations reached at their new edge at once",
    good.length === back.length,
    `${good.length} of ${back.length}`,
  );
}

/** Asks a living edge for a sample until it knows none of them; ms since `sinceMs`. */
async function untilUnroutable(
  { edges, options }: World,
  away: readonly Station[],
  sinceMs: number,
): Promise<number | undefined> {
  const asked = edges.find((edge) => edge.isReachable);
  const step = Math.max(1, Math.floor(away.length / sampleSize));
  const sample = away.filter((_, i) => i % step === 0);
  const found = await until(async () => {
    const statuses = await Promise.all(
      sample.map(async ({ identity }) => (await fetch(`${asked?.api}/v1/charge-points/${identity}`)).status),
    );
    return statuses.every((status) => status === 404);
  }, 2 * options.leaseMs);
  return found === undefined ? undefined : nowMs() - sinceMs;
}

interface Death {
  readonly victim: Edge;
  readonly orphans: readonly Station[];
  readonly killedAtMs: number;
}

/** 100 % of the `disconnected` events, each once; the audit has looked for repetitions. */
function checkEnds({ report, fleet }: World, ledger: Ledger, { victim, orphans, killedAtMs }: Death): void {
  const ends = orphans.flatMap(({ identity }) => {
    const events = ledger.byIdentity.get(identity) ?? [];
    const epoch = events.findLast(({ kind, edge }) => kind === "connected" && edge === victim.name)?.epoch;
    return [events.filter((event) => event.kind === "disconnected" && event.epoch === epoch)];
  });
  report.must(
    "`disconnected` events of the dead edge's sessions, each once",
    ends.every((each) => each.length === 1),
    `${ends.filter((each) => each.length === 1).length} of ${orphans.length}`,
  );
  const causes = Map.groupBy(ends.flat(), ({ cause }) => cause);
  for (const [cause, all] of causes) {
    report.figure(`ended as ${cause}, after the kill`, spread(all.map(({ atMs }) => atMs - killedAtMs)));
  }
  report.figure(
    "reconnecting, dial to registered",
    spread(
      ledger.latencies(
        fleet.stations,
        (life) =>
          life.dialledAtMs >= killedAtMs && life.serial > orphans.length && orphans.includes(life.station),
      ),
    ),
  );
}
