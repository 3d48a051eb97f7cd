// The Redis Cluster of a run. I/O: processes, sockets.

import { findRedisServer, startRedisCluster, type RedisCluster, type RedisClusterOptions } from "@cpg/infra";
import { Cluster, Redis } from "ioredis";

import { BenchError } from "../scenario.ts";
import { cpuSecondsOf } from "../measure/process.ts";

/** Starts 3 masters and 3 replicas on free ports. Errors: BenchError with what to install. */
export async function startRedis(
  options: Pick<RedisClusterOptions, "ports" | "configFor"> = {},
): Promise<RedisCluster> {
  const search = await findRedisServer({ log: (line) => process.stderr.write(`${line}\n`) });
  if (search.kind === "missing") throw new BenchError(`no Redis: ${search.advice} (${search.reason})`);
  return startRedisCluster({ ...options, server: search.server });
}

/** CPU of the nodes that run, seconds since their start. */
export function redisCpuSeconds(cluster: RedisCluster): number {
  return cpuSecondsOf(cluster.nodes.filter((node) => node.running()).map((node) => node.pid()));
}

type Addresses = readonly { readonly host: string; readonly port: number }[];

/** The name of the bench's own connections: they are nobody's whom it measures. */
const ownConnectionName = "cpg-bench";

/** A client of the bench's own, which goes on when nodes die. */
export function ownCluster(addresses: Addresses): Cluster {
  const redis = new Cluster([...addresses], {
    redisOptions: { connectionName: ownConnectionName },
    slotsRefreshInterval: 1_000,
    clusterRetryStrategy: () => 100,
  });
  return redis.on("error", () => undefined);
}

/** All keys of the masters that fit, node by node. */
export async function* keysOf(
  redis: Cluster,
  pattern: string,
): AsyncGenerator<{ node: Redis; keys: string[] }> {
  for (const node of redis.nodes("master")) {
    let cursor = "0";
    do {
      const [next, keys] = await node.scan(cursor, "MATCH", pattern, "COUNT", 2_000);
      yield { node, keys };
      cursor = next;
    } while (cursor !== "0");
  }
}

/** Connections of clients to these nodes, counted at Redis' end; the bench's own are not among them, nor are those between nodes. */
export async function connectionsTo(addresses: Addresses): Promise<number> {
  const counts = addresses.map(async (address) => {
    const redis = new Redis({ ...address, connectionName: ownConnectionName });
    const list = (await redis.client("LIST")) as string;
    redis.disconnect();
    return list.split("\n").filter(isOthers).length;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

// `… name=cpg-bench age=0 idle=0 flags=N …`; flags M and S are the links between a master and its replica.
function isOthers(line: string): boolean {
  return / flags=[^MS ]+ /u.test(line) && !line.includes(ownConnectionName);
}
