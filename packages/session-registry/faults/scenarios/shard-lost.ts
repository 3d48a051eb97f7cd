// One shard lost with its replica: the others go on, also for edges whose lease lay there, and what it kept is claimed again when it is back.

import { partitions, type Partition } from "@cpg/session-registry";
import { audit, outcomes } from "../audit.ts";
import { metricSum, readiness } from "../world/edges.ts";
import { isOpen, type Station } from "../world/fleet.ts";
import { until } from "../world/observer.ts";
import { slotOf } from "../world/redis-stack.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, untilRegistered } from "../world/waiting.ts";
import { inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** Two leases of failed renewals (H6 of lease-holder.ts), and what the renewals before and behind them take with their deadlines. */
const leasesUntilWell = 3;
const registeredWithinMs = 10_000;

export const shardLost: Scenario = {
  name: "shard-lost",
  summary:
    "a shard with an edge's lease is killed, master and replica, and comes back after that edge has left it",
  inQuick: false,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { stack, options, log, report, edges, steady } = world;
      const count = async (name: string): Promise<number> => metricSum(edges, `registry_${name}_total`);
      await delay(options.calmMs);
      const incarnations = await count("incarnations");
      const lost = await shardWithLease(world);
      const victims = stack.cluster.nodes.filter(({ host, port }) => lost.nodes.includes(`${host}:${port}`));
      const goneAtMs = nowMs();
      await Promise.all(victims.map((node) => node.kill()));
      log(`lost: ports ${victims.map(({ port }) => port).join(", ")}, with ${lost.leases} leases`);
      const limitMs = leasesUntilWell * options.leaseMs;
      const wellMs = await until(
        async () => (await count("incarnations")) > incarnations && areWell(world),
        limitMs,
      );
      report.must("every edge has a lease again", wellMs !== undefined, `${orNever(wellMs)} of ${limitMs}`);
      const elsewhere = steady.filter(
        (station) => !lost.partitions.has(world.observer.partition(station.identity)),
      );
      const againMs = await untilUnderLeases(world, elsewhere, lost.partitions);
      report.must(
        "stations of the other shards registered under it",
        againMs !== undefined,
        orNever(againMs),
      );
      await commandAll(world, elsewhere);
      const taken = (await count("incarnations")) - incarnations;
      report.must("new incarnations: one for each lease that was lost", taken === lost.leases, taken);
      await Promise.all(victims.map((node) => node.restart()));
      await stack.cluster.untilHealthy(30_000);
      log(`back after ${nowMs() - goneAtMs} ms`);
      const backMs = await untilRegistered(world, steady, registeredWithinMs);
      report.must("stations of the lost shard registered again", backMs !== undefined, orNever(backMs));
      await until(async () => (await count("edges_declared_dead")) >= lost.leases, 2 * options.leaseMs);
      const buried = await count("edges_declared_dead");
      report.must("their old leases were buried, and nobody else's", buried === lost.leases, buried);
      await audit(world);
      const died = world.observer.events.filter(({ cause }) => cause === "edge-died");
      report.mustBeNone(
        "sessions ended as those of a dead edge",
        died,
        ({ id }: (typeof died)[number]) => id,
      );
    }),
};

/** Until each row names an incarnation whose lease is not on the lost shard; ms, or undefined. */
function untilUnderLeases(
  { observer }: World,
  stations: readonly Station[],
  lost: ReadonlySet<Partition>,
): Promise<number | undefined> {
  const others = partitions.filter((at) => !lost.has(at));
  return until(async () => {
    const leases = await Promise.all(others.map((at) => observer.redis.hkeys(observer.keys.leases(at))));
    const incarnations = new Set(leases.flat());
    const rows = await observer.rows(stations.map(({ identity }) => identity));
    return stations.every(({ identity }) => incarnations.has(rows.get(identity)?.incarnation ?? ""));
  }, registeredWithinMs);
}

interface Shard {
  readonly nodes: readonly string[];
  readonly partitions: ReadonlySet<Partition>;
  /** How many edges have their lease there. */
  readonly leases: number;
}

/** The shard of the first lease there is. */
async function shardWithLease({ observer, shards }: World): Promise<Shard> {
  const leases = await Promise.all(partitions.map((at) => observer.redis.hlen(observer.keys.leases(at))));
  const first = partitions.find((at) => (leases[at] ?? 0) > 0);
  if (first === undefined) throw new Error("no edge has a lease");
  const own = partitions.filter((at) => shards[at] === shards[first]);
  return {
    nodes: observer.redis.slots[slotOf(first)] ?? [],
    partitions: new Set(own),
    leases: own.reduce((sum, at) => sum + (leases[at] ?? 0), 0),
  };
}

async function areWell({ edges }: World): Promise<boolean> {
  const said = await Promise.all(edges.map((edge) => readiness(edge).catch(() => undefined)));
  return said.every((one) => one?.registry.leaseValid === true);
}

/** One command to each, through random edges. */
async function commandAll({ commander, edges, report }: World, stations: readonly Station[]): Promise<void> {
  const connected = stations.filter(({ current }) => isOpen(current));
  const results = await commander.sweep(connected, edges);
  const good = results.filter(({ status, ownership }) => status === 200 && ownership === "verified").length;
  report.must(
    "… and commanded through random edges, while the shard is lost",
    good === connected.length,
    `${good} of ${connected.length} (${outcomes(results)})`,
  );
}
