// Settings that tests of the registry share: the defaults of @cpg/config, shorter where a test would wait for them.

import type { OwnershipSettings, RedisSettings, RetentionSettings } from "../src/index.ts";

export const retention: RetentionSettings = {
  eventsMaxLength: 100_000,
  inboxMaxLength: 10_000,
  tombstoneMs: 120_000,
  inboxLifeMs: 120_000,
  fenceMs: 3_600_000,
};

export function redisSettings(
  nodes: readonly string[],
  keyPrefix: string,
  changes: Partial<RedisSettings> = {},
): RedisSettings {
  return {
    nodes,
    keyPrefix,
    connectTimeoutMs: 2000,
    commandTimeoutMs: 1000,
    socketTimeoutMs: 3000,
    connectionsPerShard: 1,
    permitsPerShard: 64,
    maxWaiters: 4096,
    acquireTimeoutMs: 500,
    slotsRefreshMs: 500,
    retry: { baseMs: 20, maxMs: 500 },
    breaker: { errorThresholdPercent: 50, minimumCalls: 20, windowMs: 5000, resetMs: 500 },
    ...changes,
  };
}

export function ownershipSettings(edge: string, changes: Partial<OwnershipSettings> = {}): OwnershipSettings {
  return {
    edge,
    leaseMs: 2000,
    leaseRenewMs: 400,
    leasePollMs: 200,
    inboxPollMs: 200,
    reassertMs: 60_000,
    outagePolicy: "accept",
    maxOwed: 20_000,
    replayPerSecond: 5000,
    maxClaimsPerCall: 64,
    gatherMs: 50,
    callDeadlineMs: 5000,
    fenceMs: 3_600_000,
    retry: { baseMs: 20, maxMs: 500 },
    ...changes,
  };
}
