// All of Redis away: sockets stay, newcomers are served and registered when it is back, local commands work, nobody is declared dead (R8).

import { audit, outcomes } from "../audit.ts";
import { metric, metricSum } from "../world/edges.ts";
import { type Command, pick } from "../world/commander.ts";
import type { Station } from "../world/fleet.ts";
import { until } from "../world/observer.ts";
import { delay, nowMs } from "../world/time.ts";
import { orNever, untilRegistered } from "../world/waiting.ts";
import { edgeAt, inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** registry.maxOwed, its default; a KB for each is allowed. */
const maxOwed = 18_000;
const registeredWithinMs = 5000;
const sampleSize = 200;

export const redisAway: Scenario = {
  name: "redis-away",
  summary:
    "all six Redis nodes are killed and come back later; stations come, go and are commanded meanwhile",
  inQuick: true,
  run: (context) =>
    inWorld(context, { canCollect: true }, async (world) => {
      const { stack, options, log, fleet, steady } = world;
      await delay(options.calmMs);
      const incarnations = await metricSum(world.edges, "registry_incarnations_total");
      const heapBefore = await heaps(world);
      const goneAtMs = nowMs();
      await Promise.all(stack.cluster.nodes.map((node) => node.kill()));
      log("Redis is away");
      const newcomers = fleet.make(Math.max(30, Math.round(steady.length / 10)), "late");
      await delay(options.awayMs / 3);
      await fleet.dialAll(newcomers, (i) => edgeAt(world, i % 3), 200);
      for (const station of newcomers) fleet.beat(station);
      const commands = await commandLocally(world, newcomers);
      await delay(Math.max(0, goneAtMs + options.awayMs - nowMs() - 2000));
      const heapAfter = await heaps(world);
      await checkMeanwhile(world, newcomers, commands);
      await Promise.all(stack.cluster.nodes.map((node) => node.restart()));
      const isOk = await until(() => isStateOk(world), 60_000);
      log(`cluster_state:ok ${orNever(isOk)} after its return`);
      const everyone = [...steady, ...newcomers];
      checkReturn(world, await untilRegistered(world, everyone, 30_000), { goneAtMs, heapBefore, heapAfter });
      await stack.cluster.untilHealthy(30_000);
      await delay(2000);
      await audit(world, { failover: true });
      await checkNobodyDied(world, incarnations);
    }),
};

/** Heap in use after a collection, MB by edge. */
async function heaps({ edges }: World): Promise<readonly number[]> {
  for (const edge of edges) edge.process.signal("SIGUSR2");
  await delay(1000);
  const bytes = await Promise.all(edges.map((edge) => metric(edge, "nodejs_heap_used_bytes")));
  return bytes.map((each) => each / 1024 / 1024);
}

/** Commands through the very edges that hold the sockets. */
async function commandLocally(
  { commander, edges, steady }: World,
  newcomers: readonly Station[],
): Promise<Command[]> {
  const sample = Array.from({ length: sampleSize }, (_, i) => pick(i % 2 === 0 ? steady : newcomers));
  const ends = sample.map(async (station) => {
    const edge = edges.find(({ name }) => name === station?.current?.edge.name);
    return station && edge ? commander.send(station, edge) : undefined;
  });
  return (await Promise.all(ends)).filter((command) => command !== undefined);
}

async function checkMeanwhile(
  { report }: World,
  newcomers: readonly Station[],
  commands: readonly Command[],
): Promise<void> {
  await until(() => newcomers.every(({ current }) => (current?.heartbeatsAnswered ?? 0) > 0), 5000);
  const served = newcomers.filter(({ current }) => (current?.heartbeatsAnswered ?? 0) > 0).length;
  report.must(
    "stations that came meanwhile and were served",
    served === newcomers.length,
    `${served} of ${newcomers.length}`,
  );
  const good = commands.filter(
    ({ status, ownership }) => status === 200 && ownership === "unverified",
  ).length;
  report.must(
    "local commands answered, and told `unverified`",
    good === commands.length,
    `${good} of ${commands.length} (${outcomes(commands)})`,
  );
}

interface Outage {
  readonly goneAtMs: number;
  readonly heapBefore: readonly number[];
  readonly heapAfter: readonly number[];
}

function checkReturn(
  { report, log }: World,
  registeredMs: number | undefined,
  { goneAtMs, heapBefore, heapAfter }: Outage,
): void {
  log(`everyone registered ${orNever(registeredMs)} after cluster_state:ok`);
  report.figure("from the kill to cluster_state:ok and all registered, ms", nowMs() - goneAtMs);
  report.must(
    "all registered within 5 s of cluster_state:ok",
    registeredMs !== undefined && registeredMs <= registeredWithinMs,
    orNever(registeredMs),
  );
  const growth = Math.max(...heapAfter.map((mb, i) => mb - (heapBefore[i] ?? 0)));
  report.must(
    "heap growth of an edge at most 1 KB × maxOwed",
    growth <= maxOwed / 1024,
    `${growth.toFixed(1)} MB of ${(maxOwed / 1024).toFixed(1)} (${heapBefore.map((mb) => mb.toFixed(1)).join("/")} → ${heapAfter.map((mb) => mb.toFixed(1)).join("/")} MB)`,
  );
}

async function isStateOk({ stack, observer }: World): Promise<boolean> {
  const nodes = observer.redis.nodes("all");
  if (nodes.length < stack.cluster.nodes.length) return false;
  const states = await Promise.all(nodes.map((node) => node.cluster("INFO").catch(() => "")));
  return states.every((state) => state.includes("cluster_state:ok"));
}

async function checkNobodyDied({ edges, report, observer }: World, incarnations: number): Promise<void> {
  const dead = await metricSum(edges, "registry_edges_declared_dead_total");
  const died = observer.events.filter(({ cause }) => cause === "edge-died");
  report.must(
    "live edges declared dead",
    dead === 0 && died.length === 0,
    `${dead}, ${died.length} sessions ended as edge-died`,
  );
  const taken = (await metricSum(edges, "registry_incarnations_total")) - incarnations;
  report.must("new incarnations taken by live edges", taken === 0, taken);
}
