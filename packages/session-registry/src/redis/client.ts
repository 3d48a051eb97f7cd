// One ioredis Cluster client as this package wants it.
//
// I1. ioredis' own patience is short (a few redirections): waiting and trying again is the policies' business, within a deadline.
// I2. No offline queue: it is unbounded and no timeout covers it (FACTS §3).
// I3. Its slot map is read when slot-maps.ts says so; what one turn sends leaves in one write (one-write-a-turn.ts).
// I4. It sends again only what was not carried out: what never left, or was redirected (sent-once.ts).
// I5. No promise is left to itself: where nobody looks at one, its rejection ends the process. ioredis does so with the ASKING before what
//     a migrating slot redirects; the redirected command itself fails in the same moment, and that is told.
// I6. Why it cannot connect is told as `error` and `node error`, with the reason (connection-end.ts). Of a name that cannot be resolved
//     ioredis tells its retry strategy, and nobody else. Nobody needs to listen: what is called fails too.

import { readFileSync } from "node:fs";
import { Cluster } from "ioredis";
import type { Redirection } from "../meter.ts";
import { systemSoon } from "../time.ts";
import { giveReasons } from "./connection-end.ts";
import { writeOnceATurn } from "./one-write-a-turn.ts";
import { tellWhatWasSent } from "./sent-once.ts";
import type { RedisSettings } from "./settings.ts";

/** The scripts of lua/, as methods of a client: number of keys, keys, arguments. */
export interface Scripts {
  cpgClaim(...args: readonly (string | number)[]): Promise<unknown>;
  cpgRelease(...args: readonly (string | number)[]): Promise<unknown>;
  cpgFence(...args: readonly (string | number)[]): Promise<unknown>;
  cpgRenew(...args: readonly (string | number)[]): Promise<unknown>;
  cpgBury(...args: readonly (string | number)[]): Promise<unknown>;
  cpgPost(...args: readonly (string | number)[]): Promise<unknown>;
  cpgHandOver(...args: readonly (string | number)[]): Promise<unknown>;
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
  cpgPost: { lua: lua("deliver.lua") + lua("post-2.lua"), numberOfKeys: 2 },
  cpgHandOver: { lua: lua("deliver.lua") + lua("hand-over-n.lua") },
});

/** What differs from one client to another. */
export interface ClientExtras {
  readonly shardedSubscribers?: boolean;
  readonly scripts?: ScriptReader | undefined;
  readonly redirected?: (kind: Redirection) => void;
}

/** Opens a client; it connects by itself and goes on trying for ever. `lane` names its connections (CLIENT LIST). */
export function openClient(settings: RedisSettings, lane: string, extra: ClientExtras = {}): RegistryClient {
  const { scripts = readScript, redirected, ...options } = extra;
  const client: Cluster = new Cluster(settings.nodes.map(parseNode), {
    ...options,
    scripts: scriptsOf(scripts),
    enableOfflineQueue: false, // I2
    enableReadyCheck: true,
    maxRedirections: 3, // I1
    retryDelayOnFailover: 50, // I4
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 20,
    slotsRefreshTimeout: settings.commandTimeoutMs,
    clusterRetryStrategy: (times, reason) => {
      if (reason) client.emit("error", reason); // I6
      return Math.min(50 * times, 500);
    },
    redisOptions: {
      ...connectionOptions(settings, lane),
      socketTimeout: settings.socketTimeoutMs,
      keepAlive: 10_000,
      noDelay: true,
    },
  });
  client.on("error", () => undefined); // I6
  giveReasons(client); // I6
  writeOnceATurn(client, systemSoon); // I3
  tellWhatWasSent(client); // I4
  lookAtAsking(client); // I5
  if (redirected) tellRedirections(client, redirected);
  return client as RegistryClient;
}

const redirections: ReadonlyMap<string, Redirection> = new Map([
  ["MOVED", "moved"],
  ["ASK", "ask"],
  ["TRYAGAIN", "tryAgain"],
  ["CLUSTERDOWN", "clusterDown"],
]);

function tellRedirections(client: Cluster, redirected: (kind: Redirection) => void): void {
  const handle = client.handleError.bind(client);
  client.handleError = (error, ...rest) => {
    const kind = redirections.get(error.message.split(" ", 1)[0] ?? "");
    if (kind) redirected(kind);
    handle(error, ...rest);
  };
}

function lookAtAsking(client: Cluster): void {
  client.on("+node", (node) => {
    const asking = node.asking.bind(node);
    node.asking = (...args: Parameters<typeof asking>) => {
      const answer = asking(...args);
      answer.catch(() => undefined);
      return answer;
    };
  });
}

/** What every connection to a node needs: who we are, how we are called, and for how long to wait. */
export function connectionOptions(
  settings: Pick<RedisSettings, "username" | "password" | "tls" | "connectTimeoutMs" | "commandTimeoutMs">,
  lane: string,
) {
  const { username, password, tls, connectTimeoutMs, commandTimeoutMs } = settings;
  return {
    connectionName: `cpg-${lane}`,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(tls ? { tls: tlsOptions(tls) } : {}),
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
  };
}

/** `host:port`, an IPv6 address in brackets. */
export function parseNode(node: string): { host: string; port: number } {
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
