// The shipped edge as processes: the same main.js that `npm start` runs, on free ports.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, startProcess, type TestProcess } from "@cpg/testkit";

const main = fileURLToPath(new URL("../../../dist/main.js", import.meta.url));

/** One running edge process. */
export interface EdgeProcess {
  readonly name: string;
  readonly process: TestProcess;
  /** `ws://…/ocpp`, to be followed by `/` and an identity. */
  readonly endpoint: string;
  readonly api: string;
  readonly metrics: string;
  /** What it logged at level warn and above. */
  complaints(): readonly object[];
}

/** What a stack runs on. */
export interface StackOptions {
  readonly edges: number;
  readonly redisNodes: readonly { readonly host: string; readonly port: number }[];
  readonly keyPrefix: string;
  /** Content of the routes file. */
  readonly routes: object;
  readonly arguments?: readonly string[];
  /** False: do not wait until the edges are ready. */
  readonly untilReady?: boolean;
}

/** Edges that share one registry. */
export interface Stack {
  readonly edges: readonly EdgeProcess[];
  stop(): Promise<void>;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const edges = await startEdges(options);
  if (options.untilReady !== false) await Promise.all(edges.map(untilReady));
  return {
    edges,
    async stop() {
      await Promise.all(edges.map((edge) => edge.process.kill("SIGKILL")));
    },
  };
}

async function startEdges(options: StackOptions): Promise<EdgeProcess[]> {
  const folder = await mkdtemp(join(tmpdir(), "cpg-e2e-"));
  try {
    const routesFile = join(folder, "routes.json");
    await writeFile(routesFile, JSON.stringify(options.routes));
    const names = Array.from({ length: options.edges }, (_, i) => `edge-${"abcdefg"[i] ?? i}`);
    return await Promise.all(names.map((name) => startEdge(name, routesFile, options)));
  } finally {
    await rm(folder, { recursive: true, force: true }); // an edge that answers has read it
  }
}

/** Polls /readyz until it says yes. */
export async function untilReady(edge: EdgeProcess): Promise<void> {
  await eventually(async () => (await fetch(`${edge.api}/readyz`)).status === 200, { timeoutMs: 40_000 });
}

async function startEdge(name: string, routesFile: string, options: StackOptions): Promise<EdgeProcess> {
  const [port, management, metrics] = [await freePort(), await freePort(), await freePort()];
  const nodes = options.redisNodes.map(({ host, port: redisPort }) => `${host}:${redisPort}`).join(",");
  const process_ = await startProcess({
    command: process.execPath,
    args: [
      main,
      "--edge-environment=development",
      "--auth-mode=none",
      "--listen-host=127.0.0.1",
      `--edge-name=${name}`,
      `--listen-port=${port}`,
      `--management-port=${management}`,
      `--metrics-port=${metrics}`,
      `--redis-nodes=${nodes}`,
      `--redis-key-prefix=${options.keyPrefix}`,
      `--routes-file=${routesFile}`,
      ...(options.arguments ?? []),
    ],
  });
  const api = `http://127.0.0.1:${management}`;
  const died = process_.exited.then((): never => {
    throw new Error(`${name} ended before it answered; it printed:\n${process_.lines().join("\n")}`);
  });
  const answers = eventually(async () => (await fetch(`${api}/healthz`)).ok, { timeoutMs: 40_000 });
  await Promise.race([answers, died]);
  return {
    name,
    process: process_,
    endpoint: `ws://127.0.0.1:${port}/ocpp`,
    api,
    metrics: `http://127.0.0.1:${metrics}/metrics`,
    complaints: () => logged(process_).filter((line) => !quietLevels.has(line.level) && !isKnownNotice(line)),
  };
}

const quietLevels: ReadonlySet<string> = new Set(["info", "debug", "trace"]);

interface LogLine {
  readonly level: string;
  readonly msg?: string;
}

/** That authentication is off is said loudly by every edge of these tests; anything else is a complaint. */
function isKnownNotice(line: LogLine): boolean {
  return /authentication/i.test(line.msg ?? "");
}

/** Every line that an edge printed must be a log line: anything else (a stack trace, a Node warning) counts as fatal. */
function logged(process_: TestProcess): LogLine[] {
  return process_
    .lines()
    .filter((line) => line !== "")
    .map((line) => {
      try {
        return JSON.parse(line) as LogLine;
      } catch {
        return { level: "not a log line", msg: line };
      }
    });
}

/** Sum of a metric's samples whose labels contain all of `labels`. */
export async function metric(
  edge: EdgeProcess,
  name: string,
  labels: readonly string[] = [],
): Promise<number> {
  const text = await (await fetch(edge.metrics)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** POST of a command through an edge's API. */
export async function command(
  edge: EdgeProcess,
  identity: string,
  body: { readonly action: string; readonly payload: object; readonly timeoutMs?: number },
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`${edge.api}/v1/charge-points/${encodeURIComponent(identity)}/commands`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
