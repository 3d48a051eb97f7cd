// *Session registry and Redis*: who owns which charge point, and the way to Redis. Data.

import { redisRow } from "./redis-nodes.ts";
import {
  buckets,
  circuitWords,
  quantileBy,
  rateBy,
  series,
  yesNoWords,
  type DashboardSpec,
  type PanelSpec,
  type RowSpec,
} from "./spec.ts";
import type { CounterName } from "@cpg/telemetry";

/** A counter without labels, per edge. */
function perEdge(name: CounterName, title: string, question: string): PanelSpec {
  const queries = [{ expr: rateBy(["instance"], series(name)), legend: "{{instance}}" }];
  return { kind: "graph", title, question, unit: "ops", width: 6, queries };
}

const ownership: RowSpec = {
  title: "Ownership",
  panels: [
    {
      kind: "states",
      title: "Lease valid",
      question: "May each edge call itself the owner of its sessions?",
      unit: "short",
      width: 6,
      words: yesNoWords,
      queries: [{ expr: series("registry_lease_valid"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Age of the lease",
      question: "Are renewals confirmed? It is renewed every 3 s and lapses at 15 s.",
      unit: "s",
      width: 6,
      redFrom: 15,
      queries: [{ expr: series("registry_lease_age_seconds"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Claims and releases owed",
      question: "How much does Redis not know of yet, of how much it may (registry.maxOwed)?",
      unit: "short",
      width: 6,
      queries: [
        { expr: series("registry_owed"), legend: "{{instance}}" },
        { expr: series("registry_owed_limit"), legend: "{{instance}} limit" },
      ],
    },
    {
      kind: "graph",
      title: "Redis last heard",
      question: "Since when has no Redis node answered this edge?",
      unit: "s",
      width: 6,
      redFrom: 6,
      queries: [{ expr: series("registry_last_heard_seconds"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Evictions",
      question: "Do charge points reconnect elsewhere while their old socket still stands?",
      unit: "ops",
      width: 6,
      queries: [{ expr: rateBy(["direction"], series("registry_evictions_total")), legend: "{{direction}}" }],
    },
    perEdge("registry_edges_declared_dead_total", "Edges declared dead", "Who noticed that an edge died?"),
    perEdge("registry_incarnations_total", "Leases taken anew", "Was an edge declared dead while it lived?"),
    perEdge(
      "registry_stale_routes_total",
      "Stale routes",
      "Do commands go to edges that do not have the session any more?",
    ),
    {
      kind: "graph",
      title: "Conditional misses",
      question: "Which conditional writes found somebody else's row?",
      unit: "ops",
      width: 6,
      queries: [
        {
          expr: rateBy(["operation"], series("registry_conditional_misses_total")),
          legend: "{{operation}}",
        },
      ],
    },
    perEdge(
      "registry_releases_dropped_total",
      "Releases given up",
      "Was more owed than may be? Reconciling ends these rows later.",
    ),
    perEdge(
      "registry_rows_reconciled_total",
      "Rows reconciled",
      "Were rows found whose socket is gone, and ended?",
    ),
    perEdge("registry_bad_rows_total", "Unreadable rows", "Does somebody else write into our keys?"),
    {
      kind: "graph",
      title: "Messages from other edges",
      question: "What arrives through the inboxes?",
      unit: "ops",
      width: 6,
      queries: [{ expr: rateBy(["kind"], series("registry_inbox_messages_total")), legend: "{{kind}}" }],
    },
    {
      kind: "graph",
      title: "Probes of the own channel",
      question: "Does pub/sub wake us? A silent channel makes evictions and commands half a second late.",
      unit: "ops",
      width: 6,
      queries: [
        { expr: rateBy(["outcome"], series("registry_channel_probes_total")), legend: "{{outcome}}" },
      ],
    },
    {
      kind: "graph",
      title: "Round trip of a probe",
      question: "How fast does pub/sub wake us? Probes are sent only where it was silent for 30 s.",
      unit: "s",
      width: 6,
      queries: [
        {
          expr: quantileBy(["instance"], 0.99, buckets("registry_channel_probe_seconds")),
          legend: "{{instance}} p99",
        },
      ],
    },
    {
      kind: "graph",
      title: "Redirections",
      question: "Do slots move, or does the cluster not cover them?",
      unit: "ops",
      width: 6,
      queries: [{ expr: rateBy(["kind"], series("registry_redirections_total")), legend: "{{kind}}" }],
    },
  ],
};

const calls: RowSpec = {
  title: "Calls to Redis",
  panels: [
    {
      kind: "graph",
      title: "Calls, by operation",
      question: "What do edges ask of Redis?",
      unit: "ops",
      queries: [{ expr: rateBy(["operation"], series("registry_calls_total")), legend: "{{operation}}" }],
    },
    {
      kind: "graph",
      title: "Calls that failed, by outcome",
      question: "How do calls fail: our own bounds (POOL_…, CIRCUIT_OPEN), time, or Redis?",
      unit: "ops",
      queries: [
        {
          expr: rateBy(["outcome"], series("registry_calls_total", { outcome: { not: ["ok"] } })),
          legend: "{{outcome}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Slowest hundredth, by operation",
      question: "Which operation is slow, waiting and retries included?",
      unit: "s",
      queries: [
        {
          expr: quantileBy(["operation"], 0.99, buckets("registry_call_duration_seconds")),
          legend: "{{operation}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Retries, by reason",
      question: "What is repeated, and why?",
      unit: "ops",
      queries: [{ expr: rateBy(["reason"], series("registry_retries_total")), legend: "{{reason}}" }],
    },
    {
      kind: "states",
      title: "Circuits",
      question: "Which shard does an edge not call at the moment?",
      unit: "short",
      words: circuitWords,
      queries: [{ expr: series("registry_circuit_state"), legend: "{{instance}} {{shard}}" }],
    },
    {
      kind: "graph",
      title: "Pool: refused calls",
      question: "Did calls get no permit in time, or no place in the waiting line? The objective is none.",
      unit: "ops",
      queries: [
        {
          expr: rateBy(["instance"], series("registry_pool_timeouts_total")),
          legend: "{{instance}} timed out",
        },
        {
          expr: rateBy(["instance"], series("registry_pool_exhausted_total")),
          legend: "{{instance}} line full",
        },
      ],
    },
    {
      kind: "graph",
      title: "Pool: permits in use",
      question: "How near is each shard's pool to its bound (redis.permitsPerShard)?",
      unit: "percentunit",
      redFrom: 0.9,
      queries: [
        {
          expr: `${series("registry_permits_in_use")} / ${series("registry_permits_limit")}`,
          legend: "{{instance}} {{shard}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Pool: waiting for a permit",
      question: "Is there a line before a shard, and how near is it to its bound (redis.maxWaiters)?",
      unit: "percentunit",
      redFrom: 0.9,
      queries: [
        {
          // A bound of 0 allows no line at all.
          expr: `${series("registry_permit_waiters")} / clamp_min(${series("registry_permit_waiters_limit")}, 1)`,
          legend: "{{instance}} {{shard}}",
        },
      ],
    },
  ],
};

/** The registry. */
export const registry: DashboardSpec = {
  uid: "cpg-registry",
  title: "Charge Point Gateway / Session registry and Redis",
  question: "Does the gateway know who owns which charge point, and is Redis why not?",
  rows: [ownership, calls, redisRow],
};
