// Edges as processes with a backend behind them. I/O: processes, HTTP.

import { createServer, type RequestListener, type Server } from "node:http";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, startProcess, type TestProcess } from "@cpg/testkit";
import { scale } from "./prometheus.ts";

const edgeMain = fileURLToPath(new URL("./main.js", import.meta.resolve("@cpg/edge")));

/** A running edge. */
export interface EdgeProcess {
  readonly name: string;
  readonly process: TestProcess;
  readonly endpoint: string;
  readonly api: string;
  readonly metricsPort: number;
}

/** Edges, and what they need. */
export interface Stack {
  readonly edges: readonly [EdgeProcess, EdgeProcess];
  readonly backend: Backend;
  stop(): Promise<void>;
}

/** The operator's backend. */
export interface Backend {
  readonly port: number;
  /** From now on it answers everything with 500. */
  fail(): void;
  stop(): void;
}

/** What a stack runs on. */
export interface StackOptions {
  readonly redisNodes: readonly { readonly host: string; readonly port: number }[];
  readonly keyPrefix: string;
  readonly arguments?: readonly string[];
  /** How long a CALL may wait for the backend or its stream. */
  readonly deadlineMs?: number;
  /** Where the edges are scraped; default: two free ones. */
  readonly metricsPorts?: readonly [number, number];
}

/** A backend that accepts everything but `Authorize`, which it refuses with a CALLERROR of its own. */
async function startBackend(): Promise<Backend> {
  let isFailing = false;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const isRefused = request.url?.startsWith("/Authorize");
      response.writeHead(isFailing ? 500 : isRefused ? 422 : 200, { "content-type": "application/json" });
      response.end(
        isRefused
          ? '{"code":"SecurityError"}'
          : JSON.stringify({ status: "Accepted", currentTime: new Date().toISOString(), interval: 300 }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    fail() {
      isFailing = true;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Two ready edges on one registry: BootNotification and the rest over HTTP, MeterValues into a stream, Heartbeat at the edge. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { deadlineMs = 5000 } = options;
  const folder = await mkdtemp(join(tmpdir(), "cpg-dashboards-"));
  const backend = await startBackend();
  const routesFile = join(folder, "routes.json");
  await writeFile(
    routesFile,
    JSON.stringify({
      integrations: {
        csms: {
          type: "http",
          url: `http://127.0.0.1:${backend.port}/{action}`,
          deadlineMs,
        },
        meters: { type: "stream", deadlineMs },
        edge: { type: "local", handler: "heartbeat" },
      },
      routes: {
        $default: "csms",
        $connect: "csms",
        $disconnect: "csms",
        MeterValues: "meters",
        Heartbeat: "edge",
      },
    }),
  );
  const common = [...commonArguments(options), `--routes-file=${routesFile}`];
  const [first = await freePort(), second = await freePort()] = options.metricsPorts ?? [];
  const [one, two] = await Promise.all([
    startEdge("edge-1", first, common),
    startEdge("edge-2", second, common),
  ]);
  return {
    edges: [one, two],
    backend,
    async stop() {
      await Promise.all([one, two].map((edge) => edge.process.kill("SIGKILL")));
      backend.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An edge of its own, and what it calls. */
export interface UnansweredEdge {
  readonly edge: EdgeProcess;
  stop(): Promise<void>;
}

/**
 * `edge-3` on the same registry, whose backend takes every CALL, Heartbeat too, and never answers one. Only MeterValues are
 * answered at the edge, and StatusNotification by a backend that is slow: four at once, after two seconds. Deadlines and these seconds
 * are as scaled as the rules' windows: the usual deadline, and for BootNotification the longest of all.
 */
export async function startUnansweredEdge(
  options: Pick<StackOptions, "redisNodes" | "keyPrefix">,
): Promise<UnansweredEdge> {
  const folder = await mkdtemp(join(tmpdir(), "cpg-dashboards-"));
  const [silent, slow] = await Promise.all([listening(() => undefined), listening(answerSlowly)]);
  const url = urlOf(silent);
  const deadlineMs = Math.round(25_000 * scale);
  const routes = {
    integrations: {
      silent: { type: "http", url, deadlineMs, maxConcurrent: 16 },
      patient: { type: "http", url, deadlineMs: 600_000 * scale },
      slow: { type: "http", url: urlOf(slow), deadlineMs, maxConcurrent: 4 },
      edge: { type: "local", handler: "demo" },
    },
    routes: {
      $default: "silent",
      BootNotification: "patient",
      StatusNotification: "slow",
      MeterValues: "edge",
    },
  };
  const routesFile = join(folder, "routes.json");
  await writeFile(routesFile, JSON.stringify(routes));
  const edge = await startEdge("edge-3", await freePort(), [
    ...commonArguments(options),
    `--routes-file=${routesFile}`,
  ]);
  return {
    edge,
    async stop() {
      await edge.process.kill("SIGKILL");
      for (const server of [silent, slow]) {
        server.close();
        server.closeAllConnections();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server on a free port of this machine. */
async function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const urlOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/{action}`;

const answerSlowly: RequestListener = (request, response) => {
  request.resume().on("end", () => {
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end("{}");
    }, 2_000 * scale);
  });
};

/** An edge that lets in whom its file knows. */
export interface KeyedEdge {
  readonly edge: EdgeProcess;
  /** Puts a file with so many charge points in its place. */
  keys(count: number): Promise<void>;
  /** Puts one in its place that nobody can read. */
  breakFile(): Promise<void>;
  stop(): Promise<void>;
}

/** `edge-4` on the same registry, with ten charge points in its file; nobody connects to it. */
export async function startKeyedEdge(
  options: Pick<StackOptions, "redisNodes" | "keyPrefix">,
  metricsPort?: number,
): Promise<KeyedEdge> {
  const folder = await mkdtemp(join(tmpdir(), "cpg-dashboards-"));
  const file = join(folder, "credentials.json");
  const put = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  const entry = {
    salt: Buffer.alloc(16, 1).toString("base64"),
    hash: Buffer.alloc(32, 2).toString("base64"),
  };
  const keys = (count: number): Promise<void> =>
    put(JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`CP${n}`, entry]))));
  await keys(10);
  const auth = ["--auth-mode=file", `--auth-file=${file}`];
  const edge = await startEdge("edge-4", metricsPort ?? (await freePort()), commonArguments(options), auth);
  return {
    edge,
    keys,
    breakFile: () => put("{"),
    async stop() {
      await edge.process.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function commonArguments(options: StackOptions): readonly string[] {
  return [
    `--redis-nodes=${options.redisNodes.map(({ host, port }) => `${host}:${port}`).join(",")}`,
    `--redis-key-prefix=${options.keyPrefix}`,
    "--telemetry-redis-nodes-ms=500", // at 1/60 of the time, too
    ...(options.arguments ?? []),
  ];
}

async function startEdge(
  name: string,
  metrics: number,
  common: readonly string[],
  auth: readonly string[] = ["--auth-mode=none"],
): Promise<EdgeProcess> {
  const [port, management] = [await freePort(), await freePort()];
  const process_ = await startProcess({
    command: process.execPath,
    args: [
      edgeMain,
      "--edge-environment=development",
      ...auth,
      "--listen-host=127.0.0.1",
      `--edge-name=${name}`,
      `--listen-port=${port}`,
      `--management-port=${management}`,
      `--metrics-port=${metrics}`,
      ...common,
    ],
  });
  const api = `http://127.0.0.1:${management}`;
  const ready = eventually(async () => (await fetch(`${api}/readyz`)).status === 200, { timeoutMs: 30_000 });
  const ended = process_.exited.then(() => Promise.reject(new Error("it ended")));
  await Promise.race([ready, ended]).catch((error: unknown) => {
    throw new Error(`${name} was not ready; it printed:\n${process_.lines().join("\n")}`, { cause: error });
  });
  // Both go on until the test is over, and neither matters any more.
  ready.catch(() => undefined);
  ended.catch(() => undefined);
  return { name, process: process_, endpoint: `ws://127.0.0.1:${port}/ocpp`, api, metricsPort: metrics };
}
