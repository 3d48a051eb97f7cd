// The Redis nodes' own numbers: panels for *Session registry and Redis* and for *Load test*. Data.
//
// R1. One edge tells them, whichever is elected; so the dashboard's choice of edges does not apply, and two edges that tell them for a
//     moment are one: the maximum by node, before anything is summed.

import { inRules } from "../promql.ts";
import { connectionsUsed } from "../redis.ts";
import { yesNoWords, type PanelSpec, type RowSpec } from "./spec.ts";

const { series } = inRules; // R1

/** A gauge of the nodes. */
const ofNode = (selector: string): string => `max by (node) (${selector})`;
/** Events per second of a node's counter. */
const rateOfNode = (selector: string): string => `max by (node) (rate(${selector}[$__rate_interval]))`;

const hits = `sum(${rateOfNode(series("redis_keyspace_hits_total"))})`;
const misses = `sum(${rateOfNode(series("redis_keyspace_misses_total"))})`;

const clients: PanelSpec = {
  kind: "graph",
  title: "Redis clients, of maxclients",
  question: "Which share of its connections has each node given away? At 100 % it refuses edges.",
  unit: "percentunit",
  redFrom: 0.8,
  queries: [
    {
      expr: connectionsUsed(series),
      legend: "{{node}}",
    },
  ],
};

const refusals: PanelSpec = {
  kind: "graph",
  title: "Redis refuses and evicts",
  question: "Does a node turn connections away, or throw keys away? Both must be 0.",
  unit: "ops",
  queries: [
    { expr: rateOfNode(series("redis_rejected_connections_total")), legend: "{{node}} rejected" },
    { expr: rateOfNode(series("redis_evicted_keys_total")), legend: "{{node}} evicted" },
  ],
};

const connected: PanelSpec = {
  kind: "graph",
  title: "Redis clients, connected and blocked",
  question: "How many connections has each node, and how many wait in a blocking command?",
  unit: "short",
  queries: [
    { expr: ofNode(series("redis_connected_clients")), legend: "{{node}} connected" },
    { expr: ofNode(series("redis_blocked_clients")), legend: "{{node}} blocked" },
  ],
};

const commands: PanelSpec = {
  kind: "graph",
  title: "Redis commands",
  question: "What does each node work? Those inside scripts count too.",
  unit: "ops",
  queries: [
    {
      expr: `sum by (node) (max by (node, cmd) (rate(${series("redis_commands_total")}[$__rate_interval])))`,
      legend: "{{node}}",
    },
  ],
};

const hitRatio: PanelSpec = {
  kind: "graph",
  title: "Redis hit ratio",
  question: "Which share of look-ups found their key? Look-ups of charge points that are not there miss.",
  unit: "percentunit",
  queries: [{ expr: `${hits} / (${hits} + ${misses})`, legend: "hits" }],
};

const memory: PanelSpec = {
  kind: "graph",
  title: "Redis memory",
  question: "How much memory does each node take, of how much it may (0: no bound)?",
  unit: "bytes",
  queries: [
    { expr: ofNode(series("redis_memory_used_bytes")), legend: "{{node}} used" },
    { expr: ofNode(series("redis_memory_max_bytes")), legend: "{{node}} allowed" },
  ],
};

const states: readonly PanelSpec[] = [
  {
    kind: "states",
    title: "Redis nodes that answer",
    question: "Which node did not say how it is, and when?",
    unit: "short",
    words: yesNoWords,
    queries: [{ expr: ofNode(series("redis_up")), legend: "{{node}}" }],
  },
  {
    kind: "states",
    title: "Cluster is well, by node",
    question: "Which node believes that the cluster does not work?",
    unit: "short",
    words: yesNoWords,
    queries: [{ expr: ofNode(series("redis_cluster_state")), legend: "{{node}}" }],
  },
  {
    kind: "states",
    title: "Replicas that hear their master",
    question: "Which replica would lose writes if its master died now?",
    unit: "short",
    words: yesNoWords,
    queries: [{ expr: ofNode(series("redis_master_link_up")), legend: "{{node}}" }],
  },
  {
    kind: "graph",
    title: "Roles and versions",
    question: "Which nodes are masters, and did that change?",
    unit: "short",
    queries: [
      {
        expr: `max by (node, role, redis_version) (${series("redis_instance_info")})`,
        legend: "{{node}} {{role}} {{redis_version}}",
      },
    ],
  },
  {
    kind: "graph",
    title: "Slots",
    question: "Are all 16,384 slots served, as the most pessimistic node sees it?",
    unit: "short",
    queries: [
      { expr: `min(${ofNode(series("redis_cluster_slots_assigned"))})`, legend: "assigned" },
      { expr: `min(${ofNode(series("redis_cluster_slots_ok"))})`, legend: "ok" },
      { expr: `max(${ofNode(series("redis_cluster_slots_pfail"))})`, legend: "perhaps failed" },
      { expr: `max(${ofNode(series("redis_cluster_slots_fail"))})`, legend: "failed" },
    ],
  },
  {
    kind: "graph",
    title: "Replicas and known nodes",
    question: "Has each master its replica, and does each node know all the others?",
    unit: "short",
    queries: [
      { expr: ofNode(series("redis_connected_slaves")), legend: "{{node}} replicas" },
      { expr: ofNode(series("redis_cluster_known_nodes")), legend: "{{node}} knows" },
    ],
  },
];

const replication: readonly PanelSpec[] = [
  {
    kind: "graph",
    title: "Replication, bytes behind",
    question: "How much would a failover lose?",
    unit: "bytes",
    queries: [
      {
        expr: `${ofNode(series("redis_master_repl_offset"))} - ${ofNode(series("redis_connected_slave_offset_bytes"))}`,
        legend: "worst replica of {{node}}",
      },
    ],
  },
  {
    kind: "graph",
    title: "Replication, last confirmed",
    question: "Since when has a replica confirmed nothing?",
    unit: "s",
    queries: [
      {
        expr: ofNode(series("redis_connected_slave_lag_seconds")),
        legend: "worst replica of {{node}}",
      },
    ],
  },
  {
    kind: "graph",
    title: "Commands, by kind",
    question: "What does Redis do most? Other: not ours, or rare.",
    unit: "ops",
    queries: [
      {
        expr: `sum by (cmd) (max by (node, cmd) (rate(${series("redis_commands_total")}[$__rate_interval])))`,
        legend: "{{cmd}}",
      },
    ],
  },
  {
    kind: "states",
    title: "Who watches the nodes",
    question: "Which edge collects these numbers? One, but for moments.",
    unit: "short",
    width: 12,
    words: { "0": { text: "no", color: "transparent" }, "1": { text: "watches", color: "green" } },
    queries: [{ expr: series("redis_node_watcher"), legend: "{{instance}}" }],
  },
  {
    kind: "graph",
    title: "Asking the nodes, by outcome",
    question: "Do nodes refuse (rights), hang or fail when asked how they are?",
    unit: "ops",
    width: 12,
    queries: [
      {
        expr: `sum by (outcome) (rate(${series("redis_node_polls_total")}[$__rate_interval]))`,
        legend: "{{outcome}}",
      },
    ],
  },
];

/** All of it. */
export const redisRow: RowSpec = {
  title: "Redis nodes",
  panels: [connected, clients, refusals, commands, hitRatio, memory, ...states, ...replication],
};

/** What a load test looks at. */
export const redisUnderLoad: readonly PanelSpec[] = [connected, clients, refusals, commands, hitRatio];
