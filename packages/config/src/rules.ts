// What settings must fulfil together. Data and pure predicates.
//
// Q1. A rule is not asked when one of its settings was refused: its value would be the default, and the complaint
//     about it would mislead.
// Q2. A rule says both values and the way out, never a secret's value.
import { isLoopback } from "./shapes.ts";
import type { DeclaredConfig } from "./settings.ts";

/** One relation between settings. */
export interface Rule {
  /** Paths of the settings it relates. */
  readonly of: readonly string[];
  readonly holds: (config: DeclaredConfig) => boolean;
  readonly says: (config: DeclaredConfig) => string;
}

/** The rules that a configuration breaks, worded; those about a refused setting are left out (Q1). */
export function brokenRules(config: DeclaredConfig, refused: ReadonlySet<string>): readonly string[] {
  return rules
    .filter((rule) => !rule.of.some((path) => refused.has(path)))
    .filter((rule) => !rule.holds(config))
    .map((rule) => `${rule.of.join(", ")}: ${rule.says(config)}`);
}

const access: readonly Rule[] = [
  {
    of: ["auth.mode", "auth.file"],
    holds: ({ auth }) => auth.mode !== "file" || auth.file !== undefined,
    says: () => "auth.mode file needs auth.file; to let every identity in, say auth.mode none",
  },
  {
    of: ["auth.mode", "auth.file"],
    holds: ({ auth }) => auth.mode !== "none" || auth.file === undefined,
    says: () => "auth.mode none would ignore auth.file; leave one of them out",
  },
  {
    of: ["management.token", "management.host", "edge.environment"],
    holds: ({ management, edge }) =>
      management.token !== undefined || edge.environment === "development" || isLoopback(management.host),
    says: ({ management }) =>
      `a management API on ${management.host} needs management.token, or edge.environment development`,
  },
  {
    of: ["redis.username", "redis.password"],
    holds: ({ redis }) => redis.username === undefined || redis.password !== undefined,
    says: () => "a user name without a password authenticates nobody",
  },
  {
    of: ["redis.tls.certFile", "redis.tls.keyFile"],
    holds: ({ redis: { tls } }) => (tls.certFile === undefined) === (tls.keyFile === undefined),
    says: () => "a client certificate and its key belong together; give both or neither",
  },
  {
    of: [
      "redis.tls.enabled",
      "redis.tls.caFile",
      "redis.tls.certFile",
      "redis.tls.keyFile",
      "redis.tls.serverName",
    ],
    holds: ({ redis: { tls } }) =>
      tls.enabled ||
      [tls.caFile, tls.certFile, tls.keyFile, tls.serverName].every((part) => part === undefined),
    says: () => "TLS is described but not enabled; set redis.tls.enabled",
  },
  {
    of: ["listen.sharePort", "edge.name"],
    holds: ({ listen, edge }) => !listen.sharePort || edge.name !== undefined,
    says: () =>
      "edges that share a port would share the name that is made of it too; give each its edge.name",
  },
  {
    of: ["listen.port", "management.port", "metrics.port", "metrics.enabled"],
    holds: ({ listen, management, metrics }) => {
      const ports = [listen.port, management.port, ...(metrics.enabled ? [metrics.port] : [])];
      const chosen = ports.filter((port) => port !== 0);
      return new Set(chosen).size === chosen.length;
    },
    says: ({ listen, management, metrics }) =>
      `the ports must differ; they are ${listen.port}, ${management.port} and ${metrics.port}`,
  },
];

const times: readonly Rule[] = [
  ...inOrder("redis.retry.baseMs", "redis.retry.maxMs", "the first back-off cannot exceed the longest"),
  ...inOrder("redis.retry.maxMs", "redis.operationDeadlineMs", "no operation could wait that long"),
  ...inOrder(
    "redis.connectTimeoutMs",
    "redis.operationDeadlineMs",
    "an operation would end before a connection",
  ),
  ...inOrder(
    "redis.commandTimeoutMs",
    "redis.operationDeadlineMs",
    "an operation would end before one attempt",
  ),
  ...inOrder(
    "redis.acquireTimeoutMs",
    "redis.operationDeadlineMs",
    "an operation would end before it got a permit",
  ),
  ...inOrder("redis.commandTimeoutMs", "redis.socketTimeoutMs", "a slow command would pass for a hung node"),
  ...inOrder(
    "redis.commandTimeoutMs",
    "redis.breaker.windowMs",
    "time-outs would fall out of the window unseen",
  ),
  ...inOrder(
    "redis.breaker.resetMs",
    "redis.operationDeadlineMs",
    "no operation would live to see the circuit tried",
  ),
  ...inOrder(
    "redis.slotsRefreshMs",
    "redis.operationDeadlineMs",
    "no operation would live to see the new master",
  ),
  ...inOrder("routes.stream.waitTimeoutMs", "routes.http.timeoutMs", "the route's deadline would end first"),
  ...inOrder("routes.http.timeoutMs", "ocpp.callTimeoutMs", "the charge point would have given up"),
  {
    of: ["registry.leaseMs", "registry.leaseRenewMs", "redis.operationDeadlineMs"],
    holds: ({ registry, redis }) => registry.leaseMs >= registry.leaseRenewMs + redis.operationDeadlineMs,
    says: ({ registry, redis }) =>
      `a lease of ${registry.leaseMs} ms lapses in a failover; it must be at least the renewal interval ` +
      `(${registry.leaseRenewMs}) plus the operation deadline (${redis.operationDeadlineMs})`,
  },
  {
    of: ["registry.leaseMs", "registry.leaseRenewMs"],
    holds: ({ registry }) => registry.leaseMs >= 3 * registry.leaseRenewMs,
    says: ({ registry }) =>
      `${registry.leaseMs} ms must hold at least three renewals of ${registry.leaseRenewMs} ms, so that two may be lost`,
  },
  {
    of: ["registry.leaseMs", "registry.leasePollMs"],
    holds: ({ registry }) => registry.leaseMs >= 4 * registry.leasePollMs,
    says: ({ registry }) =>
      `an edge is declared dead after ${registry.leaseMs} ms of reads; one every ${registry.leasePollMs} ms is too few (at least four)`,
  },
  {
    of: ["registry.tombstoneMs", "redis.operationDeadlineMs", "redis.socketTimeoutMs"],
    holds: ({ registry, redis }) =>
      registry.tombstoneMs >= 2 * (redis.operationDeadlineMs + redis.socketTimeoutMs),
    says: ({ registry, redis }) =>
      `${registry.tombstoneMs} ms may end before a late attempt arrives; at least twice the operation deadline ` +
      `(${redis.operationDeadlineMs}) plus socket timeout (${redis.socketTimeoutMs})`,
  },
  {
    of: ["drain.deadlineMs", "drain.sliceSize", "drain.sliceIntervalMs", "listen.maxConnections"],
    holds: (config) => config.drain.deadlineMs === 0 || closingMs(config) <= config.drain.deadlineMs,
    says: (config) =>
      `closing ${config.listen.maxConnections} sockets takes ${closingMs(config)} ms, longer than the ${config.drain.deadlineMs} ms of the drain`,
  },
];

const bounds: readonly Rule[] = [
  {
    of: ["redis.breaker.minimumCalls", "redis.permitsPerShard"],
    holds: ({ redis }) => redis.breaker.minimumCalls <= redis.permitsPerShard,
    says: ({ redis }) =>
      `${redis.permitsPerShard} calls in flight that all fail must suffice to open the circuit, not ${redis.breaker.minimumCalls}`,
  },
  {
    of: ["redis.connectionsPerShard", "redis.permitsPerShard"],
    holds: ({ redis }) => redis.connectionsPerShard <= redis.permitsPerShard,
    says: ({ redis }) =>
      `${redis.permitsPerShard} permits leave some of ${redis.connectionsPerShard} connections unused for ever`,
  },
  {
    of: ["redis.maxWaiters", "redis.permitsPerShard", "redis.commandTimeoutMs", "registry.replayPerSecond"],
    holds: (config) => arrivingMeanwhile(config) <= config.redis.maxWaiters + config.redis.permitsPerShard,
    says: (config) =>
      `the waiting line fills before the circuit of a hung shard opens: ${arrivingMeanwhile(config)} claims arrive ` +
      `within one command timeout, and ${config.redis.maxWaiters} + ${config.redis.permitsPerShard} have room`,
  },
  {
    of: ["registry.maxOwed", "listen.maxConnections", "registry.outagePolicy"],
    holds: ({ registry, listen }) =>
      registry.outagePolicy !== "accept" || registry.maxOwed >= listen.maxConnections,
    says: ({ registry, listen }) =>
      `with outagePolicy accept each of ${listen.maxConnections} connections may owe a claim, and ${registry.maxOwed} have room`,
  },
  {
    of: ["ocpp.maxOutboxBytes", "routes.http.maxResponseBytes", "management.maxBodyBytes"],
    holds: ({ ocpp, routes, management }) =>
      routes.http.maxResponseBytes + management.maxBodyBytes <= ocpp.maxOutboxBytes,
    says: ({ ocpp, routes, management }) =>
      `${ocpp.maxOutboxBytes} bytes must hold the largest answer (${routes.http.maxResponseBytes}) and the largest command (${management.maxBodyBytes}) together`,
  },
  {
    of: ["routes.http.connectionsPerTarget", "routes.http.maxConcurrent"],
    holds: ({ routes: { http } }) => http.connectionsPerTarget <= http.maxConcurrent,
    says: ({ routes: { http } }) =>
      `${http.maxConcurrent} concurrent requests leave some of ${http.connectionsPerTarget} connections unused for ever`,
  },
];

/** Every rule. */
export const rules: readonly Rule[] = [...access, ...times, ...bounds];

/** How long it takes to close a full edge in slices. */
function closingMs({ listen, drain }: DeclaredConfig): number {
  return Math.ceil(listen.maxConnections / drain.sliceSize) * drain.sliceIntervalMs;
}

/** Claims that arrive, at the replay's pace and all at one shard, until the first command times out. */
function arrivingMeanwhile({ registry, redis }: DeclaredConfig): number {
  return Math.ceil((registry.replayPerSecond * redis.commandTimeoutMs) / 1_000);
}

function inOrder(smaller: string, larger: string, otherwise: string): readonly Rule[] {
  return [
    {
      of: [smaller, larger],
      holds: (config) => numberAt(config, smaller) <= numberAt(config, larger),
      says: (config) =>
        `${numberAt(config, smaller)} must not exceed ${numberAt(config, larger)}: ${otherwise}`,
    },
  ];
}

function numberAt(config: DeclaredConfig, path: string): number {
  const value = path.split(".").reduce<unknown>(step, config);
  if (typeof value !== "number") throw new TypeError(`${path} is no number in the table of settings`);
  return value;
}

function step(node: unknown, key: string): unknown {
  return typeof node === "object" && node !== null
    ? Object.entries(node).find(([name]) => name === key)?.[1]
    : undefined;
}
