// Settings of a registry used as a library: the defaults of @cpg/config, except for the limits a scenario is about. Data.

import type { OwnershipSettings, RedisSettings, RetentionSettings } from "@cpg/session-registry";

/** What pool-exhaustion makes scarce. */
export interface Limits {
  readonly permits: number;
  readonly maxWaiters: number;
  readonly acquireTimeoutMs: number;
  readonly maxClaimsPerCall: number;
}

const retry = { baseMs: 20, maxMs: 500 };
const dayMs = 86_400_000;

/** Settings for one registry that shares its Redis with nobody. */
export function starvedSettings(
  seeds: readonly { readonly host: string; readonly port: number }[],
  limits: Limits,
): { ownership: OwnershipSettings; redis: RedisSettings; retention: RetentionSettings } {
  const { permits, maxWaiters, acquireTimeoutMs, maxClaimsPerCall } = limits;
  return {
    ownership: {
      edge: "library",
      leaseMs: 15_000,
      leaseRenewMs: 3000,
      leasePollMs: 1000,
      inboxPollMs: 500,
      reassertMs: 300_000,
      outagePolicy: "accept",
      maxOwed: 18_000,
      replayPerSecond: 2000,
      maxClaimsPerCall,
      gatherMs: 0, // every claim asks for a permit as soon as it can
      callDeadlineMs: 10_000,
      fenceMs: dayMs,
      retry,
    },
    redis: {
      nodes: seeds.map(({ host, port }) => `${host}:${port}`),
      keyPrefix: `pool${maxClaimsPerCall}:`,
      connectTimeoutMs: 2000,
      commandTimeoutMs: 1000,
      socketTimeoutMs: 3000,
      connectionsPerShard: 1,
      permitsPerShard: permits,
      maxWaiters,
      acquireTimeoutMs,
      slotsRefreshMs: 1000,
      retry,
      breaker: { errorThresholdPercent: 50, minimumCalls: 20, windowMs: 5000, resetMs: 500 },
    },
    retention: {
      eventsMaxLength: 100_000,
      inboxMaxLength: 10_000,
      tombstoneMs: 120_000,
      inboxLifeMs: 120_000,
      fenceMs: dayMs,
    },
  };
}
