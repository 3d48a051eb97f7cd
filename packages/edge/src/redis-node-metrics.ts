// The Redis nodes' own numbers, collected by one elected edge.
//
// One and not each: N edges asking M nodes would tell the same M series N times, cost N × M connections, and make every sum over edges N
// times too large. The elected one is the live edge, not draining, whose name sorts lowest among those that the registry lists. Nobody
// votes: a partition, or the time until a death is noticed, may have two watchers or none for a moment. That is why panels take the
// maximum by node. An edge counts itself whether or not it is listed: when Redis takes no leases (full, cut off, never reached), every
// edge watches rather than none, for then the nodes' numbers are what is asked for.

import type {
  EdgeRow,
  NodePollOutcome,
  NodeReading,
  NodeWatchPorts,
  RedisSettings,
  Time,
} from "@cpg/session-registry";
import { NodeWatch } from "@cpg/session-registry";
import type { GaugeName, LabelsOf, Telemetry } from "@cpg/telemetry";

/** Whether this edge is the one that watches the Redis nodes. `edges`: those that the registry lists, this one among them or not. */
export function isElected(
  own: { readonly name: string; readonly isDraining: boolean },
  edges: readonly Pick<EdgeRow, "edge" | "isDraining">[],
): boolean {
  return !own.isDraining && edges.every(({ edge, isDraining }) => isDraining || own.name <= edge);
}

/** Watches while elected, and tells what was read at each scrape. `everyMs` 0: never. Returns the end. */
export function watchRedisNodes(
  settings: RedisSettings & { readonly everyMs: number },
  telemetry: Telemetry,
  ports: { readonly time: Time; readonly isWatcher: () => boolean },
): () => void {
  if (settings.everyMs === 0) return () => undefined;
  const watch = new NodeWatch(settings, {
    ...ports,
    polled: (outcome) => telemetry.counter("redis_node_polls_total", { outcome }).inc(),
    changed: logChange(telemetry.logger),
  });
  const stops = [
    telemetry.observe("redis_node_watcher", () => [{ value: ports.isWatcher() ? 1 : 0 }]),
    ...observeReadings(telemetry, () => watch.readings),
  ];
  return () => {
    for (const stop of stops) stop();
    watch.close();
  };
}

function logChange(logger: Pick<Telemetry["logger"], "info" | "warn">): NodeWatchPorts["changed"] {
  return (node, outcome, said) => {
    if (outcome === "ok") logger.info({ node }, "a Redis node answers again");
    else logger.warn({ node, outcome, said }, changes[outcome]);
  };
}

const changes: Readonly<Record<Exclude<NodePollOutcome, "ok">, string>> = {
  refused: "a Redis node refuses to say how it is: its numbers are missing",
  loading: "a Redis node is loading its data",
  timeout: "a Redis node does not answer when asked how it is",
  unreachable: "a Redis node cannot be reached",
};

/** Numbers that stand in INFO or CLUSTER INFO as they are, by the instrument that tells them. */
const plainFields = {
  redis_connected_clients: "connected_clients",
  redis_cluster_connections: "cluster_connections",
  redis_blocked_clients: "blocked_clients",
  redis_config_maxclients: "maxclients",
  redis_rejected_connections_total: "rejected_connections",
  redis_keyspace_hits_total: "keyspace_hits",
  redis_keyspace_misses_total: "keyspace_misses",
  redis_evicted_keys_total: "evicted_keys",
  redis_memory_used_bytes: "used_memory",
  redis_memory_max_bytes: "maxmemory",
  redis_connected_slaves: "connected_slaves",
  redis_master_repl_offset: "master_repl_offset",
  redis_cluster_known_nodes: "cluster_known_nodes",
  redis_cluster_slots_assigned: "cluster_slots_assigned",
  redis_cluster_slots_ok: "cluster_slots_ok",
  redis_cluster_slots_pfail: "cluster_slots_pfail",
  redis_cluster_slots_fail: "cluster_slots_fail",
} as const;

interface OfNode {
  readonly value: number;
  readonly labels: { readonly node: string };
}

function observeReadings(
  telemetry: Pick<Telemetry, "observe">,
  readings: () => readonly NodeReading[],
): readonly (() => void)[] {
  const each = (read: (reading: NodeReading) => number | undefined) => (): readonly OfNode[] =>
    readings().flatMap((reading) => {
      const value = read(reading);
      return value === undefined ? [] : [{ value, labels: { node: reading.node } }];
    });
  const names = Object.keys(plainFields) as (keyof typeof plainFields)[];
  return [
    ...names.map((name) =>
      telemetry.observe(
        name,
        each(({ info }) => info?.number(plainFields[name])),
      ),
    ),
    telemetry.observe(
      "redis_up",
      each(({ outcome }) => (outcome === "ok" ? 1 : 0)),
    ),
    telemetry.observe(
      "redis_cluster_state",
      each(({ info }) => truth(info?.clusterState, "ok")),
    ),
    telemetry.observe(
      "redis_master_link_up",
      each(({ info }) => truth(info?.masterLink, "up")),
    ),
    telemetry.observe("redis_instance_info", () => readings().flatMap(instanceOf)),
    telemetry.observe("redis_commands_total", () => readings().flatMap(commandsOf)),
    telemetry.observe(
      "redis_connected_slave_offset_bytes",
      each(({ info }) => least(info, "offset")),
    ),
    telemetry.observe(
      "redis_connected_slave_lag_seconds",
      each(({ info }) => most(info, "lagSeconds")),
    ),
  ];
}

function truth(word: string | undefined, yes: string): number | undefined {
  return word === undefined ? undefined : Number(word === yes);
}

interface Told<N extends GaugeName | "redis_commands_total"> {
  readonly value: number;
  readonly labels: LabelsOf<N>;
}

function instanceOf({ node, info }: NodeReading): readonly Told<"redis_instance_info">[] {
  if (info?.role === undefined) return [];
  return [{ value: 1, labels: { node, role: info.role, redis_version: info.version ?? "unknown" } }];
}

function commandsOf({ node, info }: NodeReading): readonly Told<"redis_commands_total">[] {
  return [...(info?.calls ?? [])].map(([cmd, value]) => ({ value, labels: { node, cmd } }));
}

type LinkField = "offset" | "lagSeconds";

function ofReplicas(info: NodeReading["info"], field: LinkField): readonly number[] {
  return (info?.replicas ?? []).flatMap(({ [field]: value }) => value ?? []);
}

function least(info: NodeReading["info"], field: LinkField): number | undefined {
  const values = ofReplicas(info, field);
  return values.length === 0 ? undefined : Math.min(...values);
}

function most(info: NodeReading["info"], field: LinkField): number | undefined {
  const values = ofReplicas(info, field);
  return values.length === 0 ? undefined : Math.max(...values);
}
