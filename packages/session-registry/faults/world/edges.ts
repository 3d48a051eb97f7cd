// The shipped edge as processes, started by path: this package may not depend on the edge's, so it is looked for at run time. I/O: processes, HTTP.

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, startProcess, type TestProcess } from "@cpg/testkit";

const main = fileURLToPath(new URL("../../../edge/dist/main.js", import.meta.url));

/** One edge process. */
export interface Edge {
  readonly name: string;
  /** Where charge points connect. */
  readonly port: number;
  readonly api: string;
  readonly metricsUrl: string;
  readonly process: TestProcess;
  /** False once we killed or stopped it: nobody should be sent there. */
  isReachable: boolean;
}

/** What an edge says of itself at /readyz. */
export interface Readiness {
  readonly ready: boolean;
  readonly registry: {
    readonly leaseValid: boolean;
    readonly channelAlive: boolean;
    readonly owed: number;
    readonly openCircuits: readonly string[];
  };
}

/** What edges are started with. */
export interface EdgesPlan {
  readonly names: readonly string[];
  /** For node itself. */
  readonly nodeArguments: readonly string[];
  /** Arguments for one edge; `redis` nodes are among them. */
  readonly argumentsOf: (name: string) => readonly string[];
}

/** Errors: the edge is not built, or does not come up. */
export async function startEdges(plan: EdgesPlan): Promise<{ edges: Edge[]; stop: () => Promise<void> }> {
  if (!existsSync(main)) {
    throw new Error(`${main} is not there. Build it first: pnpm exec turbo run build --filter=@cpg/edge...`);
  }
  const folder = await mkdtemp(join(tmpdir(), "cpg-faults-"));
  const routes = join(folder, "routes.json");
  await writeFile(
    routes,
    JSON.stringify({
      integrations: { here: { type: "local", handler: "demo" } },
      routes: { $default: "here" },
    }),
  );
  const edges = await Promise.all(
    plan.names.map((name) =>
      startEdge(name, plan.nodeArguments, [`--routes-file=${routes}`, ...plan.argumentsOf(name)]),
    ),
  );
  return {
    edges,
    async stop() {
      await Promise.all(edges.map((edge) => edge.process.kill("SIGKILL")));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startEdge(
  name: string,
  nodeArguments: readonly string[],
  more: readonly string[],
): Promise<Edge> {
  const [port, management, metrics] = [await freePort(), await freePort(), await freePort()];
  const process_ = await startProcess({
    command: process.execPath,
    args: [
      ...nodeArguments,
      main,
      "--edge-environment=development",
      "--auth-mode=none",
      "--listen-host=127.0.0.1",
      "--telemetry-log-level=warn",
      `--edge-name=${name}`,
      `--listen-port=${port}`,
      `--management-port=${management}`,
      `--metrics-port=${metrics}`,
      ...more,
    ],
  });
  const api = `http://127.0.0.1:${management}`;
  const metricsUrl = `http://127.0.0.1:${metrics}/metrics`;
  const edge: Edge = { name, port, api, metricsUrl, process: process_, isReachable: true };
  await eventually(async () => (await ask(`${api}/readyz`)).status === 200, { timeoutMs: 30_000 }).catch(
    (error: unknown) => {
      throw new Error(`${name} did not become ready: ${process_.lines().join("\n")}`, { cause: error });
    },
  );
  return edge;
}

const ask = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(3000) });

/** /readyz now. Rejects when the edge does not answer. */
export async function readiness(edge: Edge): Promise<Readiness> {
  return (await (await ask(`${edge.api}/readyz`)).json()) as Readiness;
}

/** Sum of a metric over the samples whose labels contain all of `labels`, at one edge. */
export async function metric(edge: Edge, name: string, labels: readonly string[] = []): Promise<number> {
  const text = await (await ask(edge.metricsUrl)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Sum over edges that can be asked. */
export async function metricSum(
  edges: readonly Edge[],
  name: string,
  labels: readonly string[] = [],
): Promise<number> {
  const values = await Promise.all(
    edges.filter((edge) => edge.isReachable).map((edge) => metric(edge, name, labels)),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

/** What an edge printed that is no log line below `error`: a stack trace, a Node warning, an error. */
export function complaints(edge: Edge): readonly string[] {
  return edge.process.lines().filter((line) => {
    if (line === "") return false;
    try {
      const { level } = JSON.parse(line) as { level: number | string };
      return typeof level === "number" ? level >= 50 : level === "error" || level === "fatal";
    } catch {
      return true;
    }
  });
}

/** Whether the process has not ended. */
export const isRunning = (edge: Edge): boolean => edge.process.signal("SIGCONT"); // nothing happens to one that is not stopped
