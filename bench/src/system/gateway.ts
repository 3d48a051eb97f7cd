// The system under test: the shipped edge as processes over a Redis Cluster, with default settings unless a scenario says so.
// I/O: processes, files, HTTP.

import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort, startProcess, uniquePrefix, type TestProcess } from "@cpg/testkit";

import type { Endpoint } from "../load/generator.ts";
import { ask } from "../measure/ask.ts";
import { scrapeAll, type Scrape } from "../measure/prometheus.ts";
import { BenchError } from "../scenario.ts";
import { until } from "../time.ts";
import { keptFromChildren } from "./environment.ts";
import { Registered } from "./registered.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** One edge process. */
export interface Edge {
  readonly name: string;
  readonly process: TestProcess;
  readonly endpoint: Endpoint;
  readonly api: string;
  readonly metrics: string;
}

/** What to start. */
export interface GatewayPlan {
  readonly edges: number;
  /** `false`: the in-process registry, one edge. */
  readonly redisNodes: readonly { readonly host: string; readonly port: number }[] | false;
  /** Where to read rows if the edges go through a proxy; default `redisNodes`. */
  readonly rowsFrom?: readonly { readonly host: string; readonly port: number }[];
  readonly routes?: object;
  /** Authenticate by a file of this many machine keys; absent: authentication off. */
  readonly credentials?: { readonly prefix: string; readonly count: number; readonly password: string };
  readonly arguments?: readonly string[];
  /** The edge's program; the shipped one unless given. */
  readonly program?: URL;
  /** Arguments of Node itself, for instance `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
}

/** A running gateway. */
export interface Gateway {
  readonly edges: readonly Edge[];
  readonly pids: readonly number[];
  readonly keyPrefix: string;
  readonly endpoints: readonly Endpoint[];
  /** Sum over the edges that live. */
  metrics(): Promise<Scrape>;
  /** Incarnations of the edges that live. */
  incarnations(): Promise<string[]>;
  /** Stations registered to living edges, by the index (fast) or by the rows (exact). */
  registered(how: "index" | "rows"): Promise<number>;
  /** Waits until `isThere` says yes to the number of stations registered to the edges that live now; false when `timeoutMs` passed. */
  untilRegistered(isThere: (count: number) => boolean, timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Routes by which every action is answered at the edge, by the demo handler. */
export const demoRoutes = {
  integrations: { demo: { type: "local", handler: "demo" } },
  routes: { $default: "demo" },
};

const edgeMain = new URL("../../../packages/edge/dist/main.js", import.meta.url);

/** Starts the edges and waits until each says that it is ready. */
export async function startGateway(plan: GatewayPlan): Promise<Gateway> {
  const folder = makeTemporaryFolder();
  const keyPrefix = uniquePrefix();
  const shared = await sharedArguments(plan, folder.path, keyPrefix);
  const edges: Edge[] = [];
  const rowsFrom = plan.rowsFrom ?? plan.redisNodes;
  const registered = rowsFrom === false ? undefined : new Registered(rowsFrom, keyPrefix);
  const stop = async (): Promise<void> => {
    registered?.close();
    const isProfiled = (plan.nodeArguments ?? []).length > 0;
    await Promise.all(edges.map((edge) => end(edge, isProfiled)));
    folder.remove();
  };
  try {
    for (let n = 0; n < plan.edges; n++) {
      edges.push(await startEdge(`edge-${n}`, shared, plan));
    }
    await Promise.all(edges.map((edge) => untilReady(edge, plan.redisNodes !== false)));
  } catch (error) {
    await stop();
    throw error;
  }
  return gatewayOf({ edges, keyPrefix, registered, stop });
}

/** An edge's drain ends within 25 s by default. */
const orderlyEndMs = 30_000;

// A profile is written by a process that ends by itself; one that hangs does not.
async function end({ process }: Edge, isProfiled: boolean): Promise<void> {
  if (isProfiled) {
    let hasEnded = false;
    void process.kill("SIGTERM").then(() => (hasEnded = true));
    await until(() => hasEnded, orderlyEndMs);
  }
  await process.kill("SIGKILL");
}

function gatewayOf(parts: {
  readonly edges: readonly Edge[];
  readonly keyPrefix: string;
  readonly registered: Registered | undefined;
  readonly stop: () => Promise<void>;
}): Gateway {
  const { edges, keyPrefix, registered, stop } = parts;
  const dead = new Set<Edge>();
  for (const edge of edges) void edge.process.exited.then(() => dead.add(edge));
  const living = (): Edge[] => edges.filter((edge) => !dead.has(edge));
  const incarnations = async (): Promise<string[]> =>
    (await Promise.all(living().map(incarnationOf))).filter((name) => name !== undefined);
  const count = async (how: "index" | "rows"): Promise<number> => {
    if (registered === undefined) throw new Error("nobody is registered in Redis here");
    const alive = await incarnations();
    return how === "index" ? registered.indexed(alive) : registered.rows(alive);
  };
  return {
    edges,
    pids: edges.map((edge) => edge.process.pid),
    keyPrefix,
    endpoints: edges.map((edge) => edge.endpoint),
    metrics: () => scrapeAll(living().map(({ metrics }) => metrics)),
    incarnations,
    registered: count,
    async untilRegistered(isThere, timeoutMs) {
      // Asked once: an edge that is asked at every poll would be measured together with the question.
      const alive = await incarnations();
      const asked = async (): Promise<number> => registered?.indexed(alive) ?? Promise.resolve(Number.NaN);
      return until(async () => isThere(await asked().catch(() => Number.NaN)), timeoutMs, 25);
    },
    stop,
  };
}

/** Undefined while the edge has not read its own lease yet, and when it is gone. Errors: BenchError if it is there and hangs. */
async function incarnationOf(edge: Edge): Promise<string | undefined> {
  const answer = await ask(`${edge.api}/v1/edges`).catch((error: unknown) => {
    if (error instanceof BenchError) throw error;
    return undefined;
  });
  if (answer?.status !== 200) return undefined;
  const { edges } = JSON.parse(answer.text) as { edges: { name: string; incarnation: string }[] };
  return edges.findLast(({ name }) => name === edge.name)?.incarnation;
}

async function sharedArguments(plan: GatewayPlan, folder: string, keyPrefix: string): Promise<string[]> {
  const shared = ["--listen-host=127.0.0.1", `--redis-key-prefix=${keyPrefix}`];
  if (plan.redisNodes === false) shared.push("--registry-kind=memory");
  else shared.push(`--redis-nodes=${plan.redisNodes.map(({ host, port }) => `${host}:${port}`).join(",")}`);
  if (plan.routes !== undefined) {
    await writeFile(join(folder, "routes.json"), JSON.stringify(plan.routes));
    shared.push(`--routes-file=${join(folder, "routes.json")}`);
  }
  if (plan.credentials === undefined) {
    shared.push("--edge-environment=development", "--auth-mode=none");
  } else {
    await writeFile(join(folder, "keys.json"), JSON.stringify(credentialsFile(plan.credentials)));
    shared.push(`--auth-file=${join(folder, "keys.json")}`);
  }
  return [...shared, ...(plan.arguments ?? [])];
}

function credentialsFile({ prefix, count, password }: NonNullable<GatewayPlan["credentials"]>): object {
  const entries = Array.from({ length: count }, (_, n) => {
    const salt = randomBytes(16);
    const hash = createHash("sha256").update(salt).update(password).digest("base64");
    return [`${prefix}${n}`, { salt: salt.toString("base64"), hash }] as const;
  });
  return Object.fromEntries(entries);
}

async function startEdge(
  name: string,
  shared: readonly string[],
  { nodeArguments = [], program = edgeMain }: GatewayPlan,
): Promise<Edge> {
  const [port, management, metrics] = [await freePort(), await freePort(), await freePort()];
  const started = await startProcess({
    command: process.execPath,
    env: Object.fromEntries(keptFromChildren(process.env).map((variable) => [variable, undefined])),
    args: [
      ...nodeArguments,
      fileURLToPath(program),
      `--edge-name=${name}`,
      `--listen-port=${port}`,
      `--management-port=${management}`,
      `--metrics-port=${metrics}`,
      ...shared,
    ],
  });
  return {
    name,
    process: started,
    endpoint: { host: "127.0.0.1", port, path: "/ocpp/" },
    api: `http://127.0.0.1:${management}`,
    metrics: `http://127.0.0.1:${metrics}/metrics`,
  };
}

// Ready, and its own lease read: before, nobody could tell which rows are its own.
async function untilReady(edge: Edge, hasRegistry: boolean): Promise<void> {
  let ended = false;
  void edge.process.exited.then(() => (ended = true));
  const isReady = async (): Promise<boolean> => {
    if (ended) throw new BenchError(`the gateway is dead: ${edge.name} ended: ${lastLine(edge)}`);
    const answer = await ask(`${edge.api}/readyz`, 5_000).catch(() => undefined);
    return answer?.status === 200 && (!hasRegistry || (await incarnationOf(edge)) !== undefined);
  };
  if (!(await until(isReady, 30_000, 50))) {
    throw new BenchError(`the gateway is dead: ${edge.name} was not ready within 30 s: ${lastLine(edge)}`);
  }
}

/** What an edge said of its end: the error of a crash stands some lines above the last. */
function lastLine(edge: Edge): string {
  const lines = edge.process.lines().filter((line) => line.trim() !== "");
  return lines.findLast((line) => /^\w*Error\b/u.test(line)) ?? lines.at(-1) ?? "it printed nothing";
}
