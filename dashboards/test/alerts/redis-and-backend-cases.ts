// Alerts about the registry, Redis and backends. Data.

import { edgeJob } from "../../src/promql.ts";
import { edge1, of, withPod, type AlertCases } from "./situation.ts";

const short = { every: "15s" } as const;

const timeouts = of("registry_pool_timeouts_total");
const exhausted = of("registry_pool_exhausted_total");
const shard = { shard: "127.0.0.1:7000" };
const circuit = of("registry_circuit_state", shard);
const owed = of("registry_owed");
const mayOwe = { [of("registry_owed_limit")]: "18000x60" };
const dead = of("registry_edges_declared_dead_total");
const uncalled = {
  ...short,
  at: "4m30s",
  summary: "edge-1 does not call integration csms: its circuit is open",
};

/** The registry's. */
export const registryCases: Readonly<Record<string, AlertCases>> = {
  LeaseLapsed: {
    fires: {
      ...short,
      when: "no renewal has been confirmed for longer than the lease",
      series: { [of("registry_lease_valid")]: "1x4 0x20" },
      at: "2m",
      labels: edge1(),
      summary: "edge-1 has no valid lease: its charge points cannot be reached from other edges",
    },
    quiet: [
      {
        ...short,
        when: "the edge has just started",
        series: { [of("registry_lease_valid")]: "0x1 1x20" },
        at: "45s",
      },
    ],
  },
  RegistryCircuitOpen: {
    fires: {
      ...short,
      when: "the circuit is open, half open to try, and open again",
      series: { [circuit]: "0x4 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1" },
      at: "4m",
      labels: edge1(shard),
      summary: "edge-1 does not call the Redis shard 127.0.0.1:7000: its circuit is open",
    },
    quiet: [
      {
        ...short,
        when: "a failover opened it for half a minute",
        series: { [circuit]: "0x4 2x2 0x20" },
        at: "2m15s",
      },
    ],
  },
  RegistryPoolTimeouts: {
    fires: {
      ...short,
      when: "calls waited too long for a permit, and others found the line full",
      series: { [timeouts]: "0x20 0+2x20", [exhausted]: "0x20 0+1x20" },
      at: "10m",
      labels: edge1(),
      summary: "edge-1 refused 57 registry calls for want of a permit",
    },
    quiet: [
      {
        ...short,
        when: "it happened once, an hour ago",
        series: { [timeouts]: "12x40", [exhausted]: "3x40" },
        at: "10m",
      },
    ],
  },
  RegistryPermitsUsedUp: {
    fires: {
      ...short,
      when: "every permit of a shard has been in use for two minutes",
      series: {
        [of("registry_permits_in_use", shard)]: "3x3 64x20",
        [of("registry_permits_limit", shard)]: "64x23",
      },
      at: "4m",
      labels: edge1(shard),
      summary: "edge-1 uses 100% of its permits for the Redis shard 127.0.0.1:7000 all the time",
    },
    quiet: [
      {
        ...short,
        when: "a storm uses them up now and then",
        series: {
          [of("registry_permits_in_use", shard)]: "64 64 0 64 64 12 64 64 64 0 64 64 64 0 64 64 64 1 64",
          [of("registry_permits_limit", shard)]: "64x20",
        },
        at: "4m",
      },
    ],
  },
  ClaimsOwedGrowing: {
    fires: {
      ...short,
      when: "Redis takes fewer claims than charge points come",
      series: { [owed]: "0+10x40", ...mayOwe },
      at: "6m",
      labels: edge1(),
      summary: "edge-1 owes Redis more claims than it pays: 200 now",
    },
    alsoFires: [
      {
        ...short,
        when: "what is owed has long been at its bound, and grows no more",
        series: { [owed]: "0+900x20 18000x40", ...mayOwe },
        at: "15m",
        labels: edge1(),
        summary: "edge-1 owes Redis more claims than it pays: 18k now",
      },
    ],
    quiet: [
      { ...short, when: "what is owed is being paid", series: { [owed]: "1000-20x40", ...mayOwe }, at: "6m" },
      {
        ...short,
        when: "what is owed is at its bound, and paid within half a minute",
        series: { [owed]: "18000x1 15000 0x40", ...mayOwe },
        at: "1m30s",
      },
      {
        ...short,
        when: "claims come and go",
        series: { [owed]: "0 5 0 8 0 3 0 9 0 12 0 4 0 15 0", ...mayOwe },
        at: "3m",
      },
    ],
  },
  EdgesDeclaredDead: {
    fires: {
      ...short,
      when: "an edge died",
      series: { [dead]: "0x8 1x20" },
      at: "4m",
      labels: edge1(),
      summary: "edge-1 declared an edge dead: its sessions are ended",
    },
    quiet: [{ ...short, when: "one died long ago", series: { [dead]: "1x40" }, at: "8m" }],
  },
};

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

const requests = (outcome: string): string =>
  of("integration_requests_total", { integration: "csms", outcome });
const streamLength = of("integration_stream_length", { integration: "meters" });
const streamLimit = of("integration_stream_limit", { integration: "meters" });
const integrationCircuit = of("integration_circuit_state", { integration: "csms" });

/** The backends'. */
export const backendCases: Readonly<Record<string, AlertCases>> = {
  IntegrationFailing: {
    fires: {
      ...short,
      when: "a tenth of the requests time out",
      series: { [requests("ok")]: "0+90x40", [requests("timeout")]: "0+10x40" },
      at: "8m",
      labels: { job: edgeJob, integration: "csms" },
      summary: "integration csms: 10% of the requests fail",
    },
    alsoFires: [
      {
        ...short,
        when: "the backend has been gone for four minutes, and only the circuit's tries reach for it",
        series: {
          [requests("ok")]: "0+150x40 6000x20",
          [requests("unreachable")]: "0x40 0+15x20",
          [requests("circuitOpen")]: "0x40 0+1200x20",
        },
        at: "14m15s",
        labels: { job: edgeJob, integration: "csms" },
        summary: "integration csms: 100% of the requests fail",
      },
    ],
    quiet: [
      {
        ...short,
        // As measured with 10 CALLs a second: every one was answered.
        when: "it was away for 8 s: CALLs waited, and the circuit refused their attempts",
        series: {
          [requests("ok")]: "0+150x60",
          [requests("unreachable")]: "0x40 84x20",
          [requests("circuitOpen")]: "0x40 658x20",
        },
        at: "13m",
      },
      {
        ...short,
        when: "it was away for almost as long as CALLs are tried again",
        series: {
          [requests("ok")]: "0+150x40 6000 6000 6450+150x20",
          [requests("unreachable")]: "0x40 130 260x20",
        },
        at: "13m15s",
      },
      {
        ...short,
        when: "everybody connects at once, and `$connect` finds no permit",
        series: { [requests("ok")]: "0+150x60", [requests("overload")]: "0+150x60" },
        at: "13m",
      },
      {
        ...short,
        when: "the backend refuses half: it works",
        series: {
          [requests("ok")]: "0+50x40",
          [requests("callError")]: "0+50x40",
          [requests("timeout")]: "0x40",
        },
        at: "8m",
      },
      {
        ...short,
        when: "one in fifty fails",
        series: { [requests("ok")]: "0+98x40", [requests("unreachable")]: "0+2x40" },
        at: "8m",
      },
    ],
  },
  StreamNearlyFull: {
    fires: {
      ...short,
      when: "nobody has consumed for long",
      series: { [streamLength]: "90x20", [streamLimit]: "100x20" },
      at: "3m",
      labels: { job: edgeJob, integration: "meters" },
      summary: "stream meters: its longest partition is 90% full, and holds messages when it is full",
    },
    quiet: [
      {
        ...short,
        when: "a consumer catches up",
        series: { [streamLength]: "90x4 50x20", [streamLimit]: "100x25" },
        at: "3m",
      },
    ],
  },
  IntegrationCircuitOpen: {
    fires: {
      ...uncalled,
      when: "the circuit stays open but for tries",
      series: {
        [integrationCircuit]: "0x4 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1",
        [requests("circuitOpen")]: "0x4 0+900x20",
      },
      labels: edge1({ integration: "csms" }),
    },
    alsoFires: [
      {
        ...uncalled,
        when: "the backend hangs: its circuit is half open but for a second in nine, which scrapes miss",
        series: {
          [integrationCircuit]: "0x4 1x20",
          [requests("timeout")]: "0x4 0 1 3 5+2x20",
          [requests("circuitOpen")]: "0x24",
        },
        labels: edge1({ integration: "csms" }),
      },
      {
        ...uncalled,
        when: "the targets have labels that discovery gave them",
        series: {
          [withPod(integrationCircuit)]: "0x4 1x20",
          [withPod(requests("timeout"))]: "0x4 0 1 3 5+2x20",
        },
        labels: edge1({ integration: "csms", pod: "edge-7f9" }),
      },
    ],
    quiet: [
      {
        ...short,
        when: "it was open for half a minute",
        series: {
          [integrationCircuit]: "0x4 2x2 0x20",
          [requests("circuitOpen")]: "0x4 0+900x2 1800x20",
        },
        at: "2m15s",
      },
      {
        ...short,
        when: "nobody has called since a restart that left it half open",
        series: {
          [integrationCircuit]: "0x4 2 1x40",
          [requests("unreachable")]: "0x4 12x40",
          [requests("circuitOpen")]: "0x4 40x40",
        },
        at: "4m15s",
      },
      {
        ...short,
        when: "it has been half open for hours, and nobody calls",
        series: { [integrationCircuit]: "1x40", [requests("unreachable")]: "12x40" },
        at: "8m",
      },
    ],
  },
};
