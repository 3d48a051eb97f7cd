// Connects the streams' own lane to Redis Cluster. Reads the TLS files once.

import { readFileSync } from "node:fs";
import type { GatewayConfig } from "@cpg/config";
import { Cluster, type RedisOptions } from "ioredis";
import { RedisStreamLog, type StreamLog } from "./stream-log.ts";

/** Opens it; never fails because Redis is away: then appends are `unreachable` until it returns. */
export function openStreamLog(
  redis: GatewayConfig["redis"],
  waitTimeoutMs: number,
  onProblem: (error: Error) => void,
): StreamLog {
  const cluster = new Cluster(redis.nodes.map(parseNode), {
    enableOfflineQueue: false, // the route's deadline waits, not a queue without bounds (FACTS §3)
    maxRedirections: 3,
    slotsRefreshTimeout: redis.commandTimeoutMs,
    slotsRefreshInterval: redis.slotsRefreshMs,
    clusterRetryStrategy: (times) => Math.min(50 * times, 500),
    redisOptions: {
      ...credentials(redis),
      ...tlsOptions(redis.tls),
      connectionName: "cpg-streams",
      connectTimeout: redis.connectTimeoutMs,
      commandTimeout: waitTimeoutMs + redis.commandTimeoutMs, // a WAIT may stand in front of the command
      socketTimeout: waitTimeoutMs + redis.socketTimeoutMs,
      keepAlive: 10_000,
    },
  });
  cluster.on("error", onProblem);
  return new RedisStreamLog(cluster, waitTimeoutMs);
}

function credentials({
  username,
  password,
}: GatewayConfig["redis"]): Pick<RedisOptions, "username" | "password"> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function tlsOptions(tls: GatewayConfig["redis"]["tls"]): Pick<RedisOptions, "tls"> {
  if (!tls.enabled) return {};
  const { caFile, certFile, keyFile, serverName } = tls;
  return {
    tls: {
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  };
}

function parseNode(node: string): { readonly host: string; readonly port: number } {
  const colon = node.lastIndexOf(":");
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(node.slice(colon + 1)) };
}
