// Everything `npm start` runs, started in order and ended in the opposite one. I/O: processes, files, sockets.
//
// G1. Started: Redis, backend, edges. Ended: edges (they drain), backend, Redis, files. Also when starting fails halfway.
// G2. Nothing is started unless every port is free: a gateway on half of its ports would be worse than none.
// G3. A process that ends by itself ends everything: what is left would look like the gateway and not be it.
// G4. But an edge that was told to leave (SIGTERM, a drain, exit code 0) is what the others are there for: they go on, and it is told.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { startDemoBackend } from "../demo-backend.ts";
import { isPortFree } from "../ports.ts";
import { startRedisCluster } from "../redis-cluster.ts";
import type { RedisServer } from "../redis-server.ts";
import { type EdgeProcess, exitText, startEdge } from "./edge-process.ts";
import { edgeArguments, type LocalPlan, neededPorts } from "./plan.ts";
import { listenerOf } from "./port-owner.ts";

/** Where things are, and who hears of them. */
export type LocalSurroundings = {
  /** The compiled main.js of the edge. */
  readonly edgeMain: string;
  /** The routes of the demo; the backend's address in it is adapted to the plan. */
  readonly routesFile: string;
  /** Routes of the person's own, in place of the demo's: absolute. */
  readonly ownRoutesFile?: string | undefined;
  /** For files of this run. */
  readonly runsDir: string;
  readonly say: (line: string) => void;
};

/** The running whole. */
export type LocalGateway = {
  /** Settles with a sentence when something ended that should not have (G3); otherwise never. */
  readonly failed: Promise<string>;
  /** Ends everything in order (G1). When `hurry` fires, without waiting for the drain. */
  readonly stop: (hurry: AbortSignal) => Promise<void>;
};

/** A failure that a person can do something about; the message is what to tell them. */
export class LocalStartError extends Error {}

/** The edge's own deadline for a drain is 25 s. */
const drainLimitMs = 30_000;
const readyLimitMs = 30_000;
const demoBackendAddress = "http://127.0.0.1:8000";

type End = (hurry: AbortSignal) => Promise<void>;

/** A port of the plan that is taken, and by whom, as one sentence; undefined if all are free (G2). */
export async function busyPort(plan: LocalPlan): Promise<string | undefined> {
  for (const { port, purpose } of neededPorts(plan)) {
    if (await isPortFree(port)) continue;
    const owner = (await listenerOf(port)) ?? "another program";
    // Who is there may be the person's own backend, which is not to be stopped.
    const orMove = port === plan.backendPort ? " give your backend another port, or" : "";
    return `Port ${port} (${purpose}) is in use by ${owner}: stop it, or${orMove} move this gateway with --port-offset ${plan.portOffset + 100}.`;
  }
  return undefined;
}

/**
 * Starts everything of `plan` and waits until every edge is ready. `server` is needed for the cluster registry. Rejects with
 * LocalStartError, or with the reason of `signal`; then nothing runs any more.
 */
export async function startLocalGateway(
  plan: LocalPlan,
  server: RedisServer | undefined,
  surroundings: LocalSurroundings,
  signal: AbortSignal,
): Promise<LocalGateway> {
  const busy = await busyPort(plan);
  if (busy !== undefined) throw new LocalStartError(busy);
  const ends: End[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (hurry: AbortSignal): Promise<void> => (stopping ??= endAll(ends, hurry));
  let failUnlessStopping: (sentence: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    failUnlessStopping = (sentence) => {
      if (stopping === undefined) resolve(sentence);
    };
  });
  try {
    await startRedis(plan, server, surroundings.runsDir, { ends, fail: failUnlessStopping });
    signal.throwIfAborted();
    const backend = await startDemoBackend(plan.backendPort);
    ends.push(() => backend.close());
    const routesFile = await routesFor(plan, surroundings, ends);
    const sayLeft = (line: string): void => {
      if (stopping === undefined) surroundings.say(line);
    };
    await startEdges(plan, routesFile, { surroundings, signal, ends, fail: failUnlessStopping, sayLeft });
    return { failed, stop };
  } catch (error) {
    await stop(AbortSignal.timeout(5_000));
    signal.throwIfAborted();
    throw error instanceof LocalStartError ? error : new LocalStartError(messageOf(error), { cause: error });
  }
}

// G1. The last started is the first ended.
async function endAll(ends: End[], hurry: AbortSignal): Promise<void> {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end(hurry);
}

async function startRedis(
  plan: LocalPlan,
  server: RedisServer | undefined,
  runsDir: string,
  { ends, fail }: Pick<EdgesContext, "ends" | "fail">,
): Promise<void> {
  if (plan.registry === "memory") return;
  if (server === undefined) throw new LocalStartError("the cluster registry needs a Redis server");
  const cluster = await startRedisCluster({ server, ports: plan.redisPorts, runsDir });
  ends.push(() => cluster.stop());
  cluster.onUnexpectedExit((node, exit) => {
    fail(`Redis on port ${node.port} ended unexpectedly (${exitText(exit)}). Its last lines:\n${node.log()}`);
  });
}

// The file in the repository is what runs; only a gateway that was moved gets a copy with the backend's port in it.
async function routesFor(plan: LocalPlan, surroundings: LocalSurroundings, ends: End[]): Promise<string> {
  if (surroundings.ownRoutesFile !== undefined) return surroundings.ownRoutesFile;
  const address = `http://127.0.0.1:${plan.backendPort}`;
  if (address === demoBackendAddress) return surroundings.routesFile;
  await mkdir(surroundings.runsDir, { recursive: true });
  const copy = join(surroundings.runsDir, `routes-${plan.backendPort}.json`);
  ends.push(() => rm(copy, { force: true }));
  await writeFile(
    copy,
    (await readFile(surroundings.routesFile, "utf8")).replaceAll(demoBackendAddress, address),
  );
  return copy;
}

type EdgesContext = {
  readonly surroundings: LocalSurroundings;
  readonly signal: AbortSignal;
  readonly ends: End[];
  readonly fail: (sentence: string) => void;
  /** Gets the line about an edge that has left while the others go on (G4). */
  readonly sayLeft: (line: string) => void;
};

async function startEdges(plan: LocalPlan, routesFile: string, context: EdgesContext): Promise<void> {
  const { surroundings, signal, ends } = context;
  const edges: EdgeProcess[] = [];
  ends.push((hurry) => stopEdges(edges, hurry, surroundings.say));
  for (const each of plan.edges) {
    const edge = await startEdge(
      each,
      surroundings.edgeMain,
      edgeArguments(plan, each, routesFile),
      surroundings.say,
    );
    edges.push(edge);
    // What is wrong in the routes or the environment is so for all of them: the first tells it, once, while nothing else of them runs.
    if (edges.length === 1) await edge.untilReady(readyLimitMs, signal);
  }
  await Promise.all(edges.map((edge) => edge.untilReady(readyLimitMs, signal)));
  for (const edge of edges) void watch(edge, edges, context);
}

async function watch(
  edge: EdgeProcess,
  edges: readonly EdgeProcess[],
  { fail, sayLeft }: Pick<EdgesContext, "fail" | "sayLeft">,
): Promise<void> {
  const exit = await edge.exited;
  const others = edges.filter((other) => other.exit() === undefined).map((other) => other.plan.name);
  const who = `${edge.plan.name} (process ${edge.pid})`;
  if (exit.code === 0 && others.length > 0)
    return sayLeft(`${who} has left in order (exit code 0); without it: ${others.join(", ")}`); // G4
  fail(
    `${who} ended unexpectedly (${exitText(exit)}). What it said last stands above; ` +
      `start again, with CPG_TELEMETRY_LOG_LEVEL=debug to hear more.`,
  );
}

async function stopEdges(
  edges: readonly EdgeProcess[],
  hurry: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  await Promise.all(
    edges.map(async (edge) => {
      if (edge.exit() !== undefined) return; // told already
      const exit = await edge.stop(drainLimitMs, hurry);
      if (exit.code !== 0) say(`${edge.plan.name} did not end well: ${exitText(exit)}`);
    }),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
