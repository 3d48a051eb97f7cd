// Connects the streams' own lanes to Redis Cluster.

import type { GatewayConfig } from "@cpg/config";
import { openLoneClient, type Random, type Time } from "@cpg/session-registry";
import { redisSettings } from "../redis-settings.ts";
import { RedisStreamLog, type StreamLog } from "./stream-log.ts";

/** What it needs. */
export interface StreamLogPorts {
  readonly time: Time;
  readonly random: Random;
  readonly onProblem: (error: Error) => void;
}

/** Opens it; never fails because Redis is away: then appends are `unreachable` until it returns. */
export function openStreamLog(
  config: Pick<GatewayConfig, "redis" | "routes">,
  { onProblem, ...ports }: StreamLogPorts,
): StreamLog {
  const redis = redisSettings(config);
  const { waitTimeoutMs } = config.routes.stream;
  const patient = {
    ...redis,
    commandTimeoutMs: waitTimeoutMs + redis.commandTimeoutMs, // a WAIT may stand in front of the command
    socketTimeoutMs: waitTimeoutMs + redis.socketTimeoutMs,
  };
  const plain = openLoneClient(redis, "streams", ports);
  const confirmed = openLoneClient(patient, "streams-wait", ports);
  for (const client of [plain, confirmed]) client.on("error", onProblem);
  return new RedisStreamLog({ plain, confirmed }, waitTimeoutMs, onProblem);
}
