// One ioredis Cluster client as this package wants it.
//
// I1. ioredis' own patience is short (a few redirections): waiting and trying again is the policies' business, within a deadline.
// I2. No offline queue: it is unbounded and no timeout covers it (FACTS §3).
// I3. slotsRefreshInterval is on: while a circuit is open no command is sent, so no MOVED would tell of the new master.
// I4. The slot map is read at most every refreshGapMs: each MOVED and each lost subscriber of a failover asks for it, and each look
//     costs milliseconds (16,384 slots are compared): unpaced, 20–30 a second slowed the healthy shards' calls (FAULTS.md).

import { readFileSync } from "node:fs";
import { Cluster } from "ioredis";
import { systemTime } from "../time.ts";
import type { RedisSettings } from "./settings.ts";

/** The scripts of lua/, as methods of a client: number of keys, keys, arguments. */
export interface Scripts {
  cpgClaim(...args: readonly (string | number)[]): Promise<unknown>;
  cpgRelease(...args: readonly (string | number)[]): Promise<unknown>;
  cpgFence(...args: readonly (string | number)[]): Promise<unknown>;
  cpgRenew(...args: readonly (string | number)[]): Promise<unknown>;
  cpgBury(...args: readonly (string | number)[]): Promise<unknown>;
  cpgPost(...args: readonly (string | number)[]): Promise<unknown>;
}

/** An ioredis Cluster with the registry's scripts. */
export type RegistryClient = Cluster & Scripts;

/** Gives a script of lua/ by its file's name. */
export type ScriptReader = (file: string) => string;

/** The scripts as they are shipped. */
export const readScript: ScriptReader = (file) =>
  readFileSync(new URL(`../../lua/${file}`, import.meta.url), "utf8");

const scriptsOf = (lua: ScriptReader) => ({
  cpgClaim: { lua: lua("claim-n.lua") },
  cpgRelease: { lua: lua("release-n.lua") },
  cpgFence: { lua: lua("fence-2.lua"), numberOfKeys: 2 },
  cpgRenew: { lua: lua("renew-1.lua"), numberOfKeys: 1 },
  cpgBury: { lua: lua("bury-1.lua"), numberOfKeys: 1 },
  cpgPost: { lua: lua("post-2.lua"), numberOfKeys: 2 },
});

/** Opens a client; it connects by itself and goes on trying for ever. `lane` names its connections (CLIENT LIST). */
export function openClient(
  settings: RedisSettings,
  lane: string,
  extra: { readonly shardedSubscribers?: boolean; readonly scripts?: ScriptReader | undefined } = {},
): RegistryClient {
  const { scripts = readScript, ...options } = extra;
  const client = new Cluster(settings.nodes.map(parseNode), {
    ...options,
    scripts: scriptsOf(scripts),
    enableOfflineQueue: false, // I2
    enableReadyCheck: true,
    maxRedirections: 3, // I1
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 20,
    slotsRefreshTimeout: settings.commandTimeoutMs,
    slotsRefreshInterval: settings.slotsRefreshMs, // I3
    clusterRetryStrategy: (times) => Math.min(50 * times, 500),
    redisOptions: {
      connectionName: `cpg-${lane}`,
      ...(settings.username ? { username: settings.username } : {}),
      ...(settings.password ? { password: settings.password } : {}),
      ...(settings.tls ? { tls: tlsOptions(settings.tls) } : {}),
      connectTimeout: settings.connectTimeoutMs,
      commandTimeout: settings.commandTimeoutMs,
      socketTimeout: settings.socketTimeoutMs,
      keepAlive: 10_000,
      noDelay: true,
    },
  });
  paceRefreshes(client);
  return client as RegistryClient;
}

/** Enough to follow a failover (its election alone takes longer), and little enough to cost nothing. */
const refreshGapMs = 250;

/** I4. */
function paceRefreshes(client: Cluster): void {
  const refresh = client.refreshSlotsCache.bind(client);
  let lastMs = Number.NEGATIVE_INFINITY;
  let waiting: RefreshDone[] | undefined;
  client.refreshSlotsCache = (done) => {
    if (waiting) {
      if (done) waiting.push(done);
      return;
    }
    const now = systemTime.monotonicMs();
    const waitMs = lastMs + refreshGapMs - now;
    if (waitMs <= 0) {
      lastMs = now;
      refresh(done);
      return;
    }
    const together: RefreshDone[] = done ? [done] : [];
    waiting = together;
    systemTime.after(waitMs, () => {
      waiting = undefined;
      lastMs = systemTime.monotonicMs();
      refresh((error) => {
        for (const each of together) each(error);
      });
    });
  };
}

type RefreshDone = NonNullable<Parameters<Cluster["refreshSlotsCache"]>[0]>;

function parseNode(node: string): { host: string; port: number } {
  const colon = node.lastIndexOf(":");
  return { host: node.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(node.slice(colon + 1)) };
}

function tlsOptions(tls: NonNullable<RedisSettings["tls"]>): Record<string, string> {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}
