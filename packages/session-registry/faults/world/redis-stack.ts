// The Redis Cluster of a scenario: 3 masters, 3 replicas, and what stands before its nodes. I/O: processes, sockets.

import {
  delayingProxy,
  type DelayingProxy,
  type RedisCluster,
  type RedisNode,
  startTestRedisCluster,
} from "@cpg/testkit";
import { partitionTags, type Partition } from "@cpg/session-registry";
import { type NodeAddress, Switchboard } from "./switchboard.ts";

/** `direct`: nothing between; `delayed`: a delaying proxy before each node; `switched`: proxies that tell the edges apart. */
export type RedisPath = "direct" | "delayed" | "switched";

/** Password of the edges' users; no secret. */
export const redisPassword = "faults-only";

/** A cluster with its proxies. */
export interface RedisStack {
  readonly cluster: RedisCluster;
  readonly proxies: readonly DelayingProxy[];
  readonly board: Switchboard;
  /** What edges are told: the proxies, or the nodes. */
  readonly seeds: readonly NodeAddress[];
  /** Announced address → real one, for the checkers. */
  readonly around: Readonly<Record<string, NodeAddress>>;
  readonly stop: () => Promise<void>;
}

const nodeCount = 6;
const host = "127.0.0.1";

/** `nodeTimeoutMs`: cluster-node-timeout, when it shall differ from redis.conf's. */
export async function startRedisStack(
  path: RedisPath,
  users: readonly string[],
  nodeTimeoutMs: number | undefined,
): Promise<RedisStack> {
  // The nodes' ports are known only once they run; the proxies read their target at each connection.
  const targets = Array.from({ length: nodeCount }, (): NodeAddress => ({ host, port: 0 }));
  const board = new Switchboard(users);
  const proxies =
    path === "delayed" ? await Promise.all(targets.map((target) => delayingProxy({ target }))) : [];
  const announced =
    path === "delayed"
      ? proxies.map(({ port }) => port)
      : path === "switched"
        ? await Promise.all(targets.map((target) => board.open(target)))
        : [];
  const acl = users.map((user) => [`user ${user}`, `on >${redisPassword} ~* &* +@all`] as const);
  const cluster = await startTestRedisCluster({
    config: {
      ...(path === "switched" ? Object.fromEntries(acl) : {}),
      ...(nodeTimeoutMs === undefined ? {} : { "cluster-node-timeout": String(nodeTimeoutMs) }),
    },
    configFor({ index, port }) {
      const target = targets[index];
      if (target) target.port = port;
      return announced[index] === undefined ? {} : { "cluster-announce-port": String(announced[index]) };
    },
  });
  const around = Object.fromEntries(
    announced.map((port, i) => [`${host}:${port}`, targets[i] ?? { host, port }]),
  );
  return {
    cluster,
    proxies,
    board,
    around,
    seeds:
      announced.length > 0
        ? announced.map((port) => ({ host, port }))
        : cluster.addresses.map((address) => ({ ...address })),
    async stop() {
      await cluster.stop();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await board.close();
    },
  };
}

/** The node that is master of a partition now. */
export const masterOf = async (stack: RedisStack, partition: Partition): Promise<RedisNode> =>
  stack.cluster.masterOfSlot(slotOf(partition));

/** The slot of a partition: tags are balanced, so it is looked up by the tag's own hash. */
export function slotOf(partition: Partition): number {
  return crc16(Buffer.from(partitionTags[partition] ?? "")) % 16_384;
}

/** CRC-16/XMODEM, which Redis Cluster's slots are made of. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
