// Alerts about the Redis nodes themselves. Pure.
//
// One edge tells the nodes' numbers, two for a moment while another takes over: each expression takes the maximum by node first.

import { inRules } from "../promql.ts";
import { connectionsUsed } from "../redis.ts";
import type { Windows } from "../windows.ts";
import type { AlertRule } from "./rule.ts";

const { series } = inRules;
const byNode = (expr: string): string => `max by (job, node) (${expr})`;

/** Slots of any Redis Cluster. */
const slots = 16_384;

/** Whether they are there, whether they work together. */
export function redisHealthAlerts(windows: Windows): readonly AlertRule[] {
  return [
    {
      alert: "RedisNodeDown",
      expr: `${byNode(series("redis_up"))} == 0`,
      for: windows("1m"),
      severity: "warning",
      summary: "the Redis node {{ $labels.node }} does not say how it is",
      page: "redis-node-down",
    },
    {
      alert: "RedisClusterNotOk",
      expr: `${byNode(series("redis_cluster_state"))} == 0`,
      for: windows("30s"),
      severity: "critical",
      summary: "the Redis node {{ $labels.node }} says that the cluster does not work",
      page: "redis-cluster-not-ok",
    },
    {
      alert: "RedisSlotsUnserved",
      // With cluster-require-full-coverage no, as shipped, a cluster that has lost a master and its replicas still calls itself ok.
      expr: `${slots} - min by (job) (${series("redis_cluster_slots_assigned")} - ${series("redis_cluster_slots_fail")}) > 0`,
      for: windows("30s"),
      severity: "critical",
      summary: "no Redis node serves {{ $value }} of the cluster's 16,384 slots",
      page: "redis-cluster-not-ok",
    },
    {
      alert: "RedisReplicaDetached",
      expr: `${byNode(series("redis_master_link_up"))} == 0`,
      for: windows("2m"),
      severity: "warning",
      summary: "the Redis replica {{ $labels.node }} does not hear its master: a failover would lose writes",
      page: "redis-replica-detached",
    },
  ];
}

/** Whether they have room. */
export function redisCapacityAlerts(windows: Windows): readonly AlertRule[] {
  const increase = (selector: string): string => byNode(`increase(${selector}[${windows("5m")}])`);
  const share = (used: string, allowed: string): string => `${byNode(used)} / (${byNode(allowed)} > 0)`;
  return [
    {
      alert: "RedisClientsNearLimit",
      expr: `${connectionsUsed(series)} > 0.8`,
      for: windows("2m"),
      severity: "warning",
      summary:
        "the Redis node {{ $labels.node }} has given away {{ $value | humanizePercentage }} of its connections",
      page: "redis-clients",
    },
    {
      alert: "RedisRejectsConnections",
      expr: `${increase(series("redis_rejected_connections_total"))} > 0`,
      severity: "critical",
      summary: "the Redis node {{ $labels.node }} rejected {{ $value | humanize }} connections: maxclients",
      page: "redis-clients",
    },
    {
      alert: "RedisMemoryNearLimit",
      // maxmemory 0 is no bound: nothing to be near to.
      expr: `${share(series("redis_memory_used_bytes"), series("redis_memory_max_bytes"))} > 0.9`,
      for: windows("5m"),
      severity: "critical",
      summary: "the Redis node {{ $labels.node }} has used {{ $value | humanizePercentage }} of maxmemory",
      page: "redis-memory",
    },
    {
      alert: "RedisEvictsKeys",
      expr: `${increase(series("redis_evicted_keys_total"))} > 0`,
      severity: "critical",
      summary:
        "the Redis node {{ $labels.node }} threw {{ $value | humanize }} keys away: sessions and messages are lost",
      page: "redis-memory",
    },
  ];
}
