// The settings `redis.*` as @cpg/session-registry wants them. Reads the TLS files once, at the start. Errors: a file cannot be read.

import { readFileSync } from "node:fs";
import type { GatewayConfig } from "@cpg/config";
import type { RedisSettings, RedisTls } from "@cpg/session-registry";

/** How to connect to Redis. */
export function redisSettings({ redis }: Pick<GatewayConfig, "redis">): RedisSettings {
  const { tls, operationDeadlineMs: _, ...rest } = redis;
  return { ...rest, tls: tls.enabled ? tlsTexts(tls) : undefined };
}

function tlsTexts(tls: GatewayConfig["redis"]["tls"]): RedisTls {
  const text = (file: string | undefined): string | undefined =>
    file ? readFileSync(file, "utf8") : undefined;
  return {
    ca: text(tls.caFile),
    cert: text(tls.certFile),
    key: text(tls.keyFile),
    serverName: tls.serverName,
  };
}
