// Alerts about Redis. Data.

import { edgeJob } from "../../src/promql.ts";
import { of, short, type AlertCases } from "./situation.ts";

const node = { node: "10.0.0.1:7000" };
const redis = (metric: string): string => of(metric, node);
const ofNode = { job: edgeJob, ...node };
const otherEdge = (metric: string): string => of(metric, node).replace("edge-1", "edge-2");

/** The Redis nodes'. */
export const redisCases: Readonly<Record<string, AlertCases>> = {
  RedisNodeDown: {
    fires: {
      ...short,
      when: "a node has not answered for over a minute",
      series: { [redis("redis_up")]: "1x4 0x20" },
      at: "3m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 does not say how it is",
    },
    quiet: [
      { ...short, when: "it was slow once", series: { [redis("redis_up")]: "1x4 0x1 1x20" }, at: "2m15s" },
      {
        ...short,
        when: "of two edges that watch for a moment only one reaches it",
        series: { [redis("redis_up")]: "0x20", [otherEdge("redis_up")]: "1x20" },
        at: "4m",
      },
    ],
  },
  RedisClusterNotOk: {
    fires: {
      ...short,
      when: "a node has called the cluster failed for over half a minute",
      series: { [redis("redis_cluster_state")]: "1x4 0x20" },
      at: "2m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 says that the cluster does not work",
    },
    quiet: [
      {
        ...short,
        when: "a failover took 15 s",
        series: { [redis("redis_cluster_state")]: "1x4 0 1x20" },
        at: "1m45s",
      },
    ],
  },
  RedisSlotsUnserved: {
    fires: {
      ...short,
      when: "a master is gone with its replica, and the others go on",
      series: {
        [redis("redis_cluster_state")]: "1x24",
        [redis("redis_cluster_slots_assigned")]: "16384x24",
        [redis("redis_cluster_slots_fail")]: "0x4 5461x20",
      },
      at: "2m",
      labels: { job: edgeJob },
      summary: "no Redis node serves 5461 of the cluster's 16,384 slots",
    },
    alsoFires: [
      {
        ...short,
        when: "slots belong to nobody",
        series: {
          [redis("redis_cluster_slots_assigned")]: "16384x4 16000x20",
          [redis("redis_cluster_slots_fail")]: "0x24",
        },
        at: "2m",
        labels: { job: edgeJob },
        summary: "no Redis node serves 384 of the cluster's 16,384 slots",
      },
    ],
    quiet: [
      {
        ...short,
        when: "a failover took 15 s",
        series: {
          [redis("redis_cluster_slots_assigned")]: "16384x24",
          [redis("redis_cluster_slots_fail")]: "0x4 5461 0x20",
        },
        at: "1m45s",
      },
      {
        ...short,
        when: "a node alone cannot reach a master",
        series: {
          [redis("redis_cluster_slots_assigned")]: "16384x24",
          [redis("redis_cluster_slots_pfail")]: "5461x24",
          [redis("redis_cluster_slots_fail")]: "0x24",
        },
        at: "2m",
      },
    ],
  },
  RedisReplicaDetached: {
    fires: {
      ...short,
      when: "a replica has not heard its master for over two minutes",
      series: { [redis("redis_master_link_up")]: "1x4 0x20" },
      at: "4m",
      labels: ofNode,
      summary: "the Redis replica 10.0.0.1:7000 does not hear its master: a failover would lose writes",
    },
    quiet: [
      {
        ...short,
        when: "it was copying the data anew for a minute",
        series: { [redis("redis_master_link_up")]: "1x4 0x4 1x20" },
        at: "3m",
      },
    ],
  },
  RedisClientsNearLimit: {
    fires: {
      ...short,
      when: "nine tenths of the connections are given away",
      series: {
        [redis("redis_connected_clients")]: "8900x20",
        [redis("redis_connected_slaves")]: "2x20",
        [redis("redis_cluster_connections")]: "98x20",
        [redis("redis_config_maxclients")]: "10000x20",
      },
      at: "3m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 has given away 90% of its connections",
    },
    quiet: [
      {
        ...short,
        when: "it is half full",
        series: {
          [redis("redis_connected_clients")]: "5000x20",
          [redis("redis_connected_slaves")]: "2x20",
          [redis("redis_cluster_connections")]: "98x20",
          [redis("redis_config_maxclients")]: "10000x20",
        },
        at: "3m",
      },
    ],
  },
  RedisRejectsConnections: {
    fires: {
      ...short,
      when: "connections were rejected",
      series: { [redis("redis_rejected_connections_total")]: "7x20 7+2x20" },
      at: "10m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 rejected 38 connections: maxclients",
    },
    quiet: [
      {
        ...short,
        when: "it happened long ago",
        series: { [redis("redis_rejected_connections_total")]: "7x40" },
        at: "10m",
      },
      {
        ...short,
        when: "the watch moves to another edge, whose series begins high",
        series: {
          [redis("redis_rejected_connections_total")]: "7x10 stale",
          [otherEdge("redis_rejected_connections_total")]: "_x10 7x20",
        },
        at: "4m",
      },
    ],
  },
  RedisMemoryNearLimit: {
    fires: {
      ...short,
      when: "more than nine tenths of maxmemory are used",
      series: { [redis("redis_memory_used_bytes")]: "95x40", [redis("redis_memory_max_bytes")]: "100x40" },
      at: "6m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 has used 95% of maxmemory",
    },
    quiet: [
      {
        ...short,
        when: "memory has no bound",
        series: { [redis("redis_memory_used_bytes")]: "95x40", [redis("redis_memory_max_bytes")]: "0x40" },
        at: "6m",
      },
    ],
  },
  RedisEvictsKeys: {
    fires: {
      ...short,
      when: "keys are thrown away",
      series: { [redis("redis_evicted_keys_total")]: "0x20 0+1x20" },
      at: "10m",
      labels: ofNode,
      summary: "the Redis node 10.0.0.1:7000 threw 19 keys away: sessions and messages are lost",
    },
    quiet: [
      { ...short, when: "none is", series: { [redis("redis_evicted_keys_total")]: "0x40" }, at: "10m" },
    ],
  },
};
