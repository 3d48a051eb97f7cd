// The session registry as the settings want it, counted by the instruments. What is between @cpg/config, @cpg/telemetry and
// @cpg/session-registry, which know nothing of each other.

import type { GatewayConfig } from "@cpg/config";
import {
  createClusterRegistry,
  createMemoryRegistry,
  type OwnershipSettings,
  type Registry,
  type RegistryMeter,
  type RegistryPorts,
  type RetentionSettings,
} from "@cpg/session-registry";
import { instruments, type LabelsOf, type Telemetry } from "@cpg/telemetry";

import { handles } from "./handles.ts";
import { watchRedisNodes } from "./redis-node-metrics.ts";
import { redisSettings } from "./redis-settings.ts";

/** Longer than anything a dead incarnation may still have in flight; a day also outlasts an operator's night. */
const fenceMs = 86_400_000;
/** An inbox outlives the lease of whom it belongs to some times, then Redis drops it. */
const inboxLeases = 8;

/** The registry of one edge. Errors: a TLS file cannot be read. */
export function createRegistry(
  config: GatewayConfig,
  telemetry: Telemetry,
  ports: Omit<RegistryPorts, "meter">,
): Registry {
  const settings = { ownership: ownershipSettings(config), retention: retentionSettings(config) };
  const counted = { ...ports, meter: registryMeter(telemetry) };
  const registry =
    config.registry.kind === "memory"
      ? createMemoryRegistry(settings, counted)
      : createClusterRegistry({ ...settings, redis: redisSettings(config) }, counted);
  observe(registry, telemetry, config);
  return registry;
}

function ownershipSettings({ edge, registry, redis }: GatewayConfig): OwnershipSettings {
  const { kind: _, eventsMaxLength: __, inboxMaxLength: ___, tombstoneMs: ____, ...rest } = registry;
  return { ...rest, edge: edge.name, callDeadlineMs: redis.operationDeadlineMs, fenceMs, retry: redis.retry };
}

function retentionSettings({ registry }: GatewayConfig): RetentionSettings {
  const { eventsMaxLength, inboxMaxLength, tombstoneMs, leaseMs } = registry;
  return { eventsMaxLength, inboxMaxLength, tombstoneMs, inboxLifeMs: inboxLeases * leaseMs, fenceMs };
}

/** Ends of calls that any Redis may cause on any day: shown at 0 from the start, the others from their first time on. */
const foreseenEnds = [
  "ok",
  "POOL_TIMEOUT",
  "POOL_EXHAUSTED",
  "CIRCUIT_OPEN",
  "DEADLINE",
  "TIMEOUT",
  "UNAVAILABLE",
];

/** Watches the Redis nodes while this edge is elected (redis-node-metrics.ts); nothing to watch without Redis. Returns the end. */
export function watchNodes(
  config: GatewayConfig,
  telemetry: Telemetry,
  ports: Parameters<typeof watchRedisNodes>[2],
): () => void {
  if (config.registry.kind === "memory") return () => undefined;
  return watchRedisNodes(
    { ...redisSettings(config), everyMs: config.telemetry.redisNodesMs },
    telemetry,
    ports,
  );
}

/** Of the instruments with labels: resolved once, so a call of the registry costs two additions and one bucket. */
function registryHandles(telemetry: Telemetry) {
  const calls = handles((operation: string) =>
    handles((outcome: string) => telemetry.counter("registry_calls_total", { operation, outcome })),
  );
  const durations = handles((operation: string) =>
    telemetry.histogram("registry_call_duration_seconds", { operation }),
  );
  const retries = handles((reason: string) => telemetry.counter("registry_retries_total", { reason }));
  const misses = handles((operation: string) =>
    telemetry.counter("registry_conditional_misses_total", { operation }),
  );
  const evicted = handles((direction: LabelsOf<"registry_evictions_total">["direction"]) =>
    telemetry.counter("registry_evictions_total", { direction }),
  );
  const probes = handles((outcome: LabelsOf<"registry_channel_probes_total">["outcome"]) =>
    telemetry.counter("registry_channel_probes_total", { outcome }),
  );
  const messages = handles((kind: string) => telemetry.counter("registry_inbox_messages_total", { kind }));
  const redirections = handles((kind: LabelsOf<"registry_redirections_total">["kind"]) =>
    telemetry.counter("registry_redirections_total", { kind }),
  );
  for (const operation of instruments.registry_calls_total.labels.operation.values)
    for (const end of foreseenEnds) calls(operation)(end);
  for (const reason of instruments.registry_retries_total.labels.reason.values) retries(reason);
  for (const operation of instruments.registry_conditional_misses_total.labels.operation.values)
    misses(operation);
  for (const kind of instruments.registry_inbox_messages_total.labels.kind.values) messages(kind);
  for (const kind of instruments.registry_redirections_total.labels.kind.values) redirections(kind);
  return { calls, durations, retries, misses, evicted, probes, messages, redirections };
}

function registryMeter(telemetry: Telemetry): RegistryMeter {
  const { calls, durations, retries, misses, evicted, probes, messages, redirections } =
    registryHandles(telemetry);
  const probe = telemetry.histogram("registry_channel_probe_seconds");
  const timeouts = telemetry.counter("registry_pool_timeouts_total");
  const exhausted = telemetry.counter("registry_pool_exhausted_total");
  const badRows = telemetry.counter("registry_bad_rows_total");
  const stale = telemetry.counter("registry_stale_routes_total");
  const dropped = telemetry.counter("registry_releases_dropped_total");
  const reconciled = telemetry.counter("registry_rows_reconciled_total");
  const dead = telemetry.counter("registry_edges_declared_dead_total");
  const incarnations = telemetry.counter("registry_incarnations_total");
  return {
    call(operation, outcome, durationMs) {
      calls(operation)(outcome).inc();
      durations(operation).record(durationMs / 1000);
    },
    retry: (reason) => retries(reason).inc(),
    poolRefused: (code) => (code === "POOL_TIMEOUT" ? timeouts : exhausted).inc(),
    badRows: (count) => badRows.inc(count),
    evictions: (direction, count) => evicted(direction).inc(count),
    conditionalMiss: (operation) => misses(operation).inc(),
    staleRoute: () => stale.inc(),
    edgeDeclaredDead(edge, sessions) {
      dead.inc();
      telemetry.logger.info(
        { dead: edge, sessions },
        "the lease of an edge was declared dead: sessions that are still under it are ended",
      );
    },
    newIncarnation: () => incarnations.inc(),
    releaseDropped: () => dropped.inc(),
    rowsReconciled: (count) => reconciled.inc(count),
    inboxMessages: (kind, count) => messages(kind).inc(count),
    ownChannelProbe(outcome, roundTripMs) {
      probes(outcome).inc();
      if (roundTripMs !== undefined) probe.record(roundTripMs / 1000);
    },
    redirected: (kind) => redirections(kind).inc(),
  };
}

/** What is read only when somebody asks. */
function observe(
  registry: Registry,
  telemetry: Telemetry,
  { redis, registry: { maxOwed } }: GatewayConfig,
): void {
  const { ownership } = registry;
  const perShard = (value: number) =>
    registry.shardStates().map(({ shard }) => ({ value, labels: { shard } }));
  telemetry.observe("registry_permits_limit", () => perShard(redis.permitsPerShard));
  telemetry.observe("registry_permit_waiters_limit", () => perShard(redis.maxWaiters));
  telemetry.observe("registry_owed_limit", () => [{ value: maxOwed }]);
  telemetry.observe("registry_permits_in_use", () =>
    registry.shardStates().map(({ shard, inUse }) => ({ value: inUse, labels: { shard } })),
  );
  telemetry.observe("registry_permit_waiters", () =>
    registry.shardStates().map(({ shard, waiting }) => ({ value: waiting, labels: { shard } })),
  );
  telemetry.observe("registry_circuit_state", () =>
    registry.shardStates().map(({ shard, circuit }) => ({ value: circuit, labels: { shard } })),
  );
  telemetry.observe("registry_lease_valid", () => [{ value: ownership.isLeaseValid() ? 1 : 0 }]);
  telemetry.observe("registry_owed", () => [{ value: ownership.health().owed }]);
  telemetry.observe("registry_lease_age_seconds", () => age(ownership.health().leaseAgeMs));
  telemetry.observe("registry_last_heard_seconds", () => age(ownership.health().lastHeardMs));
}

/** What never happened has no age. */
function age(ms: number): readonly { readonly value: number }[] {
  return Number.isFinite(ms) ? [{ value: ms / 1000 }] : [];
}
