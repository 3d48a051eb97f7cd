// What the Redis store needs to know. Types only; the numbers, their bounds and derivations stand in @cpg/config.

import type { BreakerSettings } from "../policy/breaker.ts";
import type { RetrySettings } from "../policy/retry.ts";

/** Settings `redis.*`. */
export interface RedisSettings {
  /** `host:port` of some nodes; the rest is discovered. */
  readonly nodes: readonly string[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** PEM texts; undefined: no TLS. */
  readonly tls?: RedisTls | undefined;
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  /** A connection that owes an answer and is silent this long is closed: a hung node looks like this. */
  readonly socketTimeoutMs: number;
  readonly connectionsPerShard: number;
  readonly permitsPerShard: number;
  readonly maxWaiters: number;
  readonly acquireTimeoutMs: number;
  readonly slotsRefreshMs: number;
  readonly retry: RetrySettings;
  readonly breaker: BreakerSettings;
}

/** TLS towards Redis, PEM texts. */
export interface RedisTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** Settings `registry.*` that shape what is stored. */
export interface RetentionSettings {
  readonly eventsMaxLength: number;
  readonly inboxMaxLength: number;
  /** Longer than any attempt of a claim lives (R4), ms. */
  readonly tombstoneMs: number;
  /** Life of an inbox nobody writes to, ms; longer than a lease. */
  readonly inboxLifeMs: number;
  /** How long a fence and a lease's tombstone stay, ms; longer than anything a dead incarnation may still have in flight. */
  readonly fenceMs: number;
}
