// The Redis Cluster of a run. I/O: processes, sockets.

import { findRedisServer, startRedisCluster, type RedisCluster, type RedisClusterOptions } from "@cpg/infra";
import { Redis } from "ioredis";

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

/** The name of the bench's own connections: they are nobody's whom it measures. */
export const ownConnectionName = "cpg-bench";

/** Connections of clients to these nodes, counted at Redis' end; the bench's own are not among them, nor are those between nodes. */
export async function connectionsTo(
  addresses: readonly { readonly host: string; readonly port: number }[],
): Promise<number> {
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
