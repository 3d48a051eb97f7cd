// One Redis node as a child process: its folder, its configuration, its signals. I/O: files, processes, sockets.
//
// N1. Its command line names its configuration file, which lies in its own folder: so a later run can tell this process from
//     a stranger that got its process id (leftovers.ts). Hence `set-proc-title no`.
// N2. The folder keeps the node's identity (nodes.conf) and data: a restart is the same node again.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Redis } from "ioredis";

import { type Child, type ChildExit, startChild } from "./child.ts";
import { redisConfPath } from "./paths.ts";
import type { RedisServer } from "./redis-server.ts";

/** Where and how a node runs. `config` overrides `infra/redis/redis.conf` line by line. */
export type RedisNodeSpec = {
  readonly server: RedisServer;
  readonly host: string;
  readonly port: number;
  readonly busPort: number;
  readonly dir: string;
  readonly config: Readonly<Record<string, string>>;
};

/** A node that answers. */
export type RedisNodeProcess = {
  /** The process id of its latest start. */
  readonly pid: () => number;
  readonly running: () => boolean;
  /** SIGKILL, as a crash does it. Settles when the process is gone. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: it hangs with open sockets. SIGCONT ends that. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Starts it again in its folder; settles when it answers. Nothing if it runs. */
  readonly restart: () => Promise<void>;
  /** Called with each end that kill() did not ask for. */
  readonly onUnexpectedExit: (listener: (exit: ChildExit) => void) => void;
  /** The last lines of its log. */
  readonly log: () => string;
};

/** A node did not come up; `code` tells why: another process has its port, or its log says it. */
export class RedisNodeError extends Error {
  readonly code: "PORT_IN_USE" | "NODE_EXITED" | "NODE_SILENT";
  constructor(code: RedisNodeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const startLimitMs = 10_000;
const keptLogLines = 40;

/** Starts a node and waits until it answers. Rejects with RedisNodeError; then nothing of it runs. */
export async function startRedisNode(spec: RedisNodeSpec): Promise<RedisNodeProcess> {
  await mkdir(spec.dir, { recursive: true });
  await writeFile(confPath(spec.dir), confText(spec));
  const log: string[] = [];
  const listeners: ((exit: ChildExit) => void)[] = [];
  const asked = new WeakSet<Child>();
  const start = async (): Promise<Child> => {
    const started = await launch(spec, log);
    started.process.once("exit", (code, signal) => {
      if (!asked.has(started)) for (const listener of listeners) listener({ code, signal });
    });
    return started;
  };
  let child = await start();
  return {
    pid: () => child.pid,
    running: () => child.exit() === undefined,
    kill: async () => {
      asked.add(child);
      child.signal("SIGKILL");
      await child.exited;
    },
    pause: () => void child.signal("SIGSTOP"),
    resume: () => void child.signal("SIGCONT"),
    restart: async () => {
      if (child.exit() !== undefined) child = await start();
    },
    onUnexpectedExit: (listener) => void listeners.push(listener),
    log: () => log.join("\n"),
  };
}

/** The configuration file in a node's folder (N1). */
export function confPath(dir: string): string {
  return join(dir, "redis.conf");
}

function confText(spec: RedisNodeSpec): string {
  const own: Record<string, string> = {
    bind: spec.host,
    port: String(spec.port),
    "cluster-port": String(spec.busPort),
    dir: spec.dir,
    "set-proc-title": "no", // N1
    pidfile: join(spec.dir, "redis.pid"),
    ...spec.config,
  };
  const lines = Object.entries(own).map(
    ([key, value]) => `${key} ${value.includes("/") ? JSON.stringify(value) : value}`,
  );
  return [`include ${JSON.stringify(redisConfPath)}`, ...lines, ""].join("\n");
}

async function launch(spec: RedisNodeSpec, log: string[]): Promise<Child> {
  const child = await startChild({
    command: spec.server.command,
    args: [confPath(spec.dir)],
    cwd: spec.dir,
    env: { ...process.env, ...spec.server.env },
    deathSignal: "SIGKILL",
  });
  const keep = (text: string): void => {
    log.push(...text.split("\n").filter((line) => line !== ""));
    log.splice(0, Math.max(0, log.length - keptLogLines));
  };
  child.process.stdout?.setEncoding("utf8").on("data", keep);
  child.process.stderr?.setEncoding("utf8").on("data", keep);
  try {
    await untilItAnswers(spec, child, log);
    return child;
  } catch (error) {
    child.signal("SIGKILL");
    await child.exited;
    throw error;
  }
}

async function untilItAnswers(spec: RedisNodeSpec, child: Child, log: readonly string[]): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  while (performance.now() < deadline) {
    if (child.exit() !== undefined) throw exitedEarly(spec, log);
    // The process id guards against a stranger who has the port and answers in our node's place.
    const answered = await Promise.race([processIdAt(spec.host, spec.port), child.exited]);
    if (answered === String(child.pid)) return;
    await delay(15);
  }
  throw new RedisNodeError(
    "NODE_SILENT",
    `Redis on port ${spec.port} did not answer within ${startLimitMs} ms`,
  );
}

function exitedEarly(spec: RedisNodeSpec, log: readonly string[]): RedisNodeError {
  const text = log.join("\n");
  if (/Address already in use/u.test(text)) {
    return new RedisNodeError("PORT_IN_USE", `port ${spec.port} or ${spec.busPort} is in use`);
  }
  return new RedisNodeError(
    "NODE_EXITED",
    `Redis on port ${spec.port} ended at once: ${log.slice(-5).join(" | ")}`,
  );
}

async function processIdAt(host: string, port: number): Promise<string | undefined> {
  return withConnection({ host, port }, async (redis) => {
    const info = await redis.info("server");
    await redis.ping(); // refused while it loads its data
    return /process_id:(\d+)/u.exec(info)?.[1];
  }).catch(() => undefined);
}

/** Lends a connection of its own to one node; it is closed afterwards. Rejects at the first failure, no retries. */
export async function withConnection<T>(
  address: { readonly host: string; readonly port: number },
  use: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({
    host: address.host,
    port: address.port,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 1_000,
    commandTimeout: 2_000,
  });
  redis.on("error", () => {}); // the command that fails tells
  try {
    await redis.connect();
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}
