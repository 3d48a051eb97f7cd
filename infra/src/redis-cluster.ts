// A Redis Cluster on this machine, from `infra/redis/redis.conf`: for `npm start`, tests and benchmarks.
// I/O: processes, files, sockets.
//
// K1. All or nothing: when starting fails, nothing of it runs or lies around.
// K2. stop() ends every node and removes the data; it may be called twice.
// K3. Ports we chose ourselves may be taken by somebody before Redis listens: then others are chosen, a few times.

import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import type { ChildExit } from "./child.ts";
import { formCluster, untilHealthy } from "./cluster-forming.ts";
import { claimRunFolder } from "./leftovers.ts";
import { defaultCacheDir } from "./paths.ts";
import { findFreePorts } from "./ports.ts";
import { type RedisNodeProcess, RedisNodeError, startRedisNode, withConnection } from "./redis-node.ts";
import type { RedisServer } from "./redis-server.ts";

/** What is known of a node before it starts. `role` is the one it begins with; a failover changes it. */
export type RedisNodePlan = {
  readonly index: number;
  readonly host: string;
  readonly port: number;
  readonly busPort: number;
  readonly role: "master" | "replica";
};

/** A node of a running cluster. */
export type RedisNode = RedisNodePlan & RedisNodeProcess;

/** How many nodes, where, and what differs from `redis.conf`. */
export type RedisClusterOptions = {
  readonly server: RedisServer;
  /** Default 3. */
  readonly masters?: number;
  /** In total, dealt out to the masters in turn. Default: one for each master. */
  readonly replicas?: number;
  /** One port per node, masters first; `{ from: 7000 }` for a row of them; default free ones. */
  readonly ports?: readonly number[] | { readonly from: number };
  /** The address the nodes bind and are known by. Default 127.0.0.1. */
  readonly host?: string;
  /** Lines of redis.conf to override on all nodes … */
  readonly config?: Readonly<Record<string, string>>;
  /** … and on one, for instance `cluster-announce-port` of a proxy before it. */
  readonly configFor?: (node: RedisNodePlan) => Readonly<Record<string, string>>;
  /** Folder for the data of running clusters. Default: the project's cache. */
  readonly runsDir?: string;
  /** How long the cluster may take to stand, in ms. Default 20 s (it takes about 3). */
  readonly readyTimeoutMs?: number;
};

/** A cluster that stands. */
export type RedisCluster = {
  readonly nodes: readonly RedisNode[];
  /** What a client needs: host and port of each node. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** `redis://host:port`, one per node. */
  readonly urls: readonly string[];
  /** Where the data is. */
  readonly dir: string;
  /** The running node that is master of a slot now, as a living node sees it. Rejects if nobody is. */
  readonly masterOfSlot: (slot: number) => Promise<RedisNode>;
  /** Settles when all running nodes agree that every slot is served and every replica is linked. Default limit 20 s. */
  readonly untilHealthy: (timeoutMs?: number) => Promise<void>;
  /** Called when a node ends that nobody killed through this object. */
  readonly onUnexpectedExit: (listener: (node: RedisNode, exit: ChildExit) => void) => void;
  /** Ends everything and removes the data (K2). */
  readonly stop: () => Promise<void>;
};

const attempts = 5;

/** Starts a cluster and waits until all its nodes say that it is complete. Rejects with RedisNodeError or ClusterNotReadyError. */
export async function startRedisCluster(options: RedisClusterOptions): Promise<RedisCluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const ours =
        options.ports === undefined && error instanceof RedisNodeError && error.code === "PORT_IN_USE";
      if (!ours || attempt === attempts) throw error; // K3
    }
  }
}

async function startOnce(options: RedisClusterOptions): Promise<RedisCluster> {
  const masters = options.masters ?? 3;
  const plans = await planNodes(options, masters);
  const runsDir = options.runsDir ?? join(defaultCacheDir, "run");
  const dir = await claimRunFolder(runsDir, `redis-${process.pid}-${randomUUID().slice(0, 8)}`);
  const nodes: RedisNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const starts = await Promise.allSettled(plans.map((plan) => startNode(plan, dir, options)));
    for (const start of starts) if (start.status === "fulfilled") nodes.push(start.value);
    for (const start of starts) if (start.status === "rejected") throw start.reason;
    await formCluster(nodes, masters);
    await untilHealthy(nodes, options.readyTimeoutMs ?? 20_000);
  } catch (error) {
    await stop(); // K1
    throw error;
  }
  return clusterOf(nodes, dir, stop);
}

async function planNodes(options: RedisClusterOptions, masters: number): Promise<RedisNodePlan[]> {
  const host = options.host ?? "127.0.0.1";
  const count = masters + (options.replicas ?? masters);
  const ports = await clientPorts(options.ports, count, host);
  if (ports.length !== count)
    throw new RangeError(`${count} nodes need ${count} ports, ${ports.length} were given`);
  // A row of known ports keeps Redis' own rule, so that firewalls and people find the bus; otherwise it gets free ones.
  const busPorts =
    options.ports === undefined ? await findFreePorts(count, host) : ports.map((port) => port + 10_000);
  return ports.map((port, index) => ({
    index,
    host,
    port,
    busPort: busPorts[index] ?? port + 10_000,
    role: index < masters ? "master" : "replica",
  }));
}

async function clientPorts(
  ports: RedisClusterOptions["ports"],
  count: number,
  host: string,
): Promise<readonly number[]> {
  if (ports === undefined) return findFreePorts(count, host);
  if (!("from" in ports)) return ports;
  return Array.from({ length: count }, (_, index) => ports.from + index);
}

async function startNode(plan: RedisNodePlan, dir: string, options: RedisClusterOptions): Promise<RedisNode> {
  const started = await startRedisNode({
    server: options.server,
    host: plan.host,
    port: plan.port,
    busPort: plan.busPort,
    dir: join(dir, String(plan.port)),
    config: { ...options.config, ...options.configFor?.(plan) },
  });
  return { ...plan, ...started };
}

function clusterOf(nodes: readonly RedisNode[], dir: string, stop: () => Promise<void>): RedisCluster {
  let stopped: Promise<void> | undefined;
  const running = (): RedisNode[] => nodes.filter((node) => node.running());
  return {
    nodes,
    addresses: nodes.map(({ host, port }) => ({ host, port })),
    urls: nodes.map(({ host, port }) => `redis://${host}:${port}`),
    dir,
    masterOfSlot: (slot) => masterOfSlot(running(), slot),
    untilHealthy: (timeoutMs = 20_000) => untilHealthy(running(), timeoutMs),
    onUnexpectedExit: (listener) => {
      for (const node of nodes) node.onUnexpectedExit((exit) => listener(node, exit));
    },
    stop: () => (stopped ??= stop()), // K2
  };
}

async function masterOfSlot(running: readonly RedisNode[], slot: number): Promise<RedisNode> {
  const ids = new Map<string, RedisNode>();
  for (const node of running) ids.set((await idOf(node)) ?? `silent ${node.port}`, node);
  for (const asked of running) {
    const slots = await withConnection(asked, (redis) => redis.call("CLUSTER", "SLOTS")).catch(
      () => undefined,
    );
    const found = ids.get(masterIn(slots, slot) ?? "");
    if (found !== undefined) return found;
  }
  throw new Error(`no running node is master of slot ${slot}`);
}

// By node id: the port in the answer is the announced one, which may be a proxy's.
function masterIn(slots: unknown, slot: number): string | undefined {
  if (!Array.isArray(slots)) return undefined;
  for (const range of slots as unknown[]) {
    if (!Array.isArray(range)) continue;
    const [first, last, master] = range as unknown[];
    if (
      typeof first === "number" &&
      typeof last === "number" &&
      first <= slot &&
      slot <= last &&
      Array.isArray(master)
    ) {
      return String((master as unknown[])[2]);
    }
  }
  return undefined;
}

async function idOf(node: RedisNode): Promise<string | undefined> {
  return withConnection(node, async (redis) => String(await redis.call("CLUSTER", "MYID"))).catch(
    () => undefined,
  );
}
