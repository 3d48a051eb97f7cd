// The Redis Cluster of a run. I/O: processes, sockets.

import { findRedisServer, startRedisCluster, type RedisCluster, type RedisClusterOptions } from "@cpg/infra";

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
