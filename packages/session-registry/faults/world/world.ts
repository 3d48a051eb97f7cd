// One scenario's world: Redis, three edges, stations with traffic, and the checkers. I/O: processes, sockets.
//
// W1. What was started is stopped in the opposite order, also when something fails; children die with this process.

import { randomBytes } from "node:crypto";
import type { Options } from "../options.ts";
import type { Report } from "../report.ts";
import { Churn } from "./churn.ts";
import { Commander } from "./commander.ts";
import { type Edge, startEdges } from "./edges.ts";
import { Fleet, type Station } from "./fleet.ts";
import { Observer } from "./observer.ts";
import { redisPassword, type RedisPath, type RedisStack, startRedisStack } from "./redis-stack.ts";
import { RowWatch } from "./row-watch.ts";
import { shardNames } from "./shards.ts";
import { delay, watchOwnDelay } from "./time.ts";

/** What a scenario is given. */
export interface Context {
  readonly options: Options;
  readonly report: Report;
  /** Progress, for people. */
  readonly log: (text: string) => void;
}

/** What differs from scenario to scenario. */
export interface WorldPlan {
  readonly path?: RedisPath;
  readonly stations?: number;
  readonly edges?: number;
  /** More arguments for every edge. */
  readonly edgeArguments?: readonly string[];
  /** Edges collect garbage at SIGUSR2. */
  readonly canCollect?: boolean;
}

/** A running world. */
export interface World extends Context {
  readonly stack: RedisStack;
  readonly edges: readonly Edge[];
  readonly fleet: Fleet;
  /** The stations whose connections shall stay. */
  readonly steady: readonly Station[];
  readonly commander: Commander;
  readonly observer: Observer;
  readonly rowWatch: RowWatch;
  readonly keyPrefix: string;
  /** Master of each partition when the world began, `host:port` as the checkers see it. */
  readonly shards: readonly string[];
  readonly ownDelayMs: () => number;
  /** Ends churn and the stream of commands. */
  readonly calmDown: () => Promise<void>;
  /** Before an edge is killed or stopped: nobody is sent there any more, and what its sockets suffer is no news to the audit. */
  readonly abandon: (edge: Edge) => Promise<void>;
}

/** Patience of a command, ms. */
const commandMs = 5000;

const collecting = [
  "--expose-gc",
  "--disable-warning=ExperimentalWarning",
  `--import=${new URL("collect-on-signal.ts", import.meta.url).href}`,
];

/** Builds a world with connected stations and traffic, runs `scenario` in it, and takes it down (W1). */
export async function inWorld(
  context: Context,
  plan: WorldPlan,
  scenario: (world: World) => Promise<void>,
): Promise<void> {
  const closers: (() => unknown)[] = [];
  try {
    const world = await build(context, plan, closers);
    await scenario(world);
  } finally {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  }
}

async function build(context: Context, plan: WorldPlan, closers: (() => unknown)[]): Promise<World> {
  const { options, log } = context;
  const names = ["edge-a", "edge-b", "edge-c", "edge-d"].slice(0, plan.edges ?? 3);
  const keyPrefix = `faults${randomBytes(3).toString("hex")}:`;
  log(`Redis Cluster of 3 + 3 nodes, ${names.length} edges`);
  const stack = await startRedisStack(plan.path ?? "direct", names, options.nodeTimeoutMs);
  closers.push(() => stack.stop());
  const observer = new Observer({ nodes: stack.cluster.addresses, around: stack.around, keyPrefix });
  closers.push(() => observer.stop());
  const seeds = stack.seeds.map(({ host, port }) => `${host}:${port}`).join(",");
  const login = (name: string): string[] =>
    plan.path === "switched" ? [`--redis-username=${name}`, `--redis-password=${redisPassword}`] : [];
  const started = await startEdges({
    names,
    nodeArguments: plan.canCollect === true ? collecting : [],
    argumentsOf: (name) => [
      `--redis-nodes=${seeds}`,
      `--redis-key-prefix=${keyPrefix}`,
      ...leaseArguments(options),
      ...login(name),
      ...(plan.edgeArguments ?? []),
    ],
  });
  closers.push(() => started.stop());
  const fleet = new Fleet(options.heartbeatMs);
  closers.push(() => fleet.stop());
  return populate({ ...context, stack, observer, keyPrefix, edges: started.edges, fleet }, plan, closers);
}

async function populate(
  base: Context & Pick<World, "stack" | "observer" | "keyPrefix" | "edges" | "fleet">,
  plan: WorldPlan,
  closers: (() => unknown)[],
): Promise<World> {
  const { options, edges, fleet, observer, log } = base;
  const steady = fleet.make(plan.stations ?? options.stations, "cp");
  log(`${steady.length} stations connect`);
  await fleet.dialAll(steady, (i) => edges[i % edges.length] ?? fail());
  fleet.startHeartbeats();
  observer.start();
  const rowWatch = new RowWatch(
    observer,
    steady.map(({ identity }) => identity),
  );
  const churn = new Churn(fleet, edges, options.churnPerSecond);
  const commander = new Commander(commandMs);
  commander.start({ steady, moving: churn.stations }, edges, options.commandsPerSecond);
  const own = watchOwnDelay();
  closers.push(() => {
    commander.stop();
    churn.kill();
    rowWatch.stop();
    own.stop();
  });
  const calmDown = (): Promise<void> => {
    commander.stop();
    return churn.end();
  };
  const abandon = (edge: Edge): Promise<void> => {
    edge.isReachable = false;
    fleet.giveUp(edge);
    return churn.update();
  };
  await delay(1000); // the last claims of the ramp, and the checkers' first look

  return {
    ...base,
    steady,
    commander,
    rowWatch,
    shards: shardNames(observer),
    ownDelayMs: own.worstMs,
    calmDown,
    abandon,
  };
}

/** A shorter lease takes shorter renewals, polls and deadlines with it; the defaults are left alone. */
function leaseArguments({ leaseMs }: Options): string[] {
  if (leaseMs === 15_000) return [];
  const renewMs = Math.round(leaseMs / 9);
  return [
    `--registry-lease-ms=${leaseMs}`,
    `--registry-lease-renew-ms=${renewMs}`,
    `--registry-lease-poll-ms=${Math.round(leaseMs / 18)}`,
    `--redis-operation-deadline-ms=${leaseMs - renewMs}`,
  ];
}

function fail(): never {
  throw new Error("no such edge");
}

/** The edge at an index; there always is one. */
export const edgeAt = (world: Pick<World, "edges">, index: number): Edge => world.edges[index] ?? fail();
