// *Load test*: the way of a connection from the kernel to Redis, in the order of the runbook "Finding the fault in a load test". Data.
// The generator's own numbers are not here: what it sees, it must tell itself.

import { redisUnderLoad } from "./redis-nodes.ts";
import {
  buckets,
  circuitWords,
  hostRateBy,
  medianAndSlowest,
  quantileBy,
  rateBy,
  series,
  type DashboardSpec,
  type RowSpec,
} from "./spec.ts";

const accepted = rateBy([], series("websocket_connections_total"));
const refused = rateBy([], series("websocket_connections_refused_total"));

const kernel: RowSpec = {
  title: "Before the edge: the kernel (largest of the chosen edges' hosts)",
  panels: [
    {
      kind: "graph",
      title: "Accept queue: overflows and drops",
      question:
        "Are connections thrown away before the edge sees them? Their clients try again after 1 s, 3 s, 7 s.",
      unit: "ops",
      queries: [
        {
          expr: hostRateBy(["instance"], series("host_listen_overflows_total")),
          legend: "{{instance}} overflows",
        },
        { expr: hostRateBy(["instance"], series("host_listen_drops_total")), legend: "{{instance}} drops" },
      ],
    },
    {
      kind: "graph",
      title: "TCP sockets, by state",
      question: "Do sockets pile up that are not charge points (timeWait: a client that comes and goes)?",
      unit: "short",
      queries: [
        {
          expr: `max by (instance, state) (${series("host_tcp_sockets")})`,
          legend: "{{instance}} {{state}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "TCP segments sent again",
      question: "Does the network lose packets?",
      unit: "ops",
      queries: [
        { expr: hostRateBy(["instance"], series("host_tcp_retransmits_total")), legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Bytes in and out",
      question:
        "How much does the load weigh? On one machine it goes over the loopback, and counts the generator's too.",
      unit: "Bps",
      width: 12,
      queries: [
        {
          expr: hostRateBy(["instance", "device"], series("host_network_receive_bytes_total")),
          legend: "{{instance}} in, {{device}}",
        },
        {
          expr: hostRateBy(["instance", "device"], series("host_network_transmit_bytes_total")),
          legend: "{{instance}} out, {{device}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Descriptors",
      question: "How many sockets and files are open, of how many allowed?",
      unit: "short",
      width: 12,
      queries: [
        { expr: series("process_open_fds"), legend: "{{instance}} open" },
        { expr: series("process_max_fds"), legend: "{{instance}} allowed" },
      ],
    },
  ],
};

const connecting: RowSpec = {
  title: "Connecting",
  panels: [
    {
      kind: "graph",
      title: "Connect success",
      question: "Which share of the connection attempts that reached the edge became a socket?",
      unit: "percentunit",
      queries: [{ expr: `${accepted} / (${accepted} + ${refused})`, legend: "accepted" }],
    },
    {
      kind: "graph",
      title: "Accept rate",
      question: "How many charge points come in per second, and at which edge?",
      unit: "ops",
      queries: [
        { expr: rateBy(["instance"], series("websocket_connections_total")), legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Refused, by reason",
      question: "Who is turned away, and why?",
      unit: "ops",
      queries: [
        { expr: rateBy(["reason"], series("websocket_connections_refused_total")), legend: "{{reason}}" },
      ],
    },
    {
      kind: "graph",
      title: "Handshake",
      question: "How long from the upgrade request to its answer? It begins behind the accept queue.",
      unit: "s",
      queries: [0.5, 0.95, 0.99].map((quantile) => ({
        expr: quantileBy([], quantile, buckets("websocket_handshake_duration_seconds")),
        legend: `${quantile * 100} %`,
      })),
    },
    {
      kind: "graph",
      title: "Connected",
      question: "Does the number follow the ramp, and stay?",
      unit: "short",
      stacked: true,
      queries: [
        { expr: `sum by (instance) (${series("websocket_connections_active")})`, legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Ended, by cause",
      question: "Do sockets end that should stay?",
      unit: "ops",
      queries: [
        { expr: rateBy(["cause"], series("websocket_connections_closed_total")), legend: "{{cause}}" },
      ],
    },
  ],
};

const edge: RowSpec = {
  title: "The edge",
  panels: [
    {
      kind: "graph",
      title: "CPU",
      question: "Is a core full? An edge has one.",
      unit: "percentunit",
      queries: [{ expr: rateBy(["instance"], series("process_cpu_seconds_total")), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Event loop, late",
      question: "Does the edge accept and answer in time?",
      unit: "s",
      queries: [{ expr: series("nodejs_eventloop_delay_seconds"), legend: "{{instance}} {{quantile}}" }],
    },
    {
      kind: "graph",
      title: "Event loop, busy",
      question: "How much room is left?",
      unit: "percentunit",
      redFrom: 0.85,
      queries: [{ expr: series("nodejs_eventloop_utilization_ratio"), legend: "{{instance}}" }],
    },
  ],
};

const registering: RowSpec = {
  title: "Registering: the way to Redis",
  panels: [
    {
      kind: "graph",
      title: "Claims",
      question: "How long does registering a charge point take, waiting and retries included?",
      unit: "s",
      queries: medianAndSlowest(buckets("registry_call_duration_seconds", { operation: "claim" })),
    },
    {
      kind: "graph",
      title: "Claims and releases owed",
      question: "How far is Redis behind? It rises and falls with the ramp.",
      unit: "short",
      queries: [{ expr: series("registry_owed"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Pool: permits in use and waiting",
      question: "Do calls pile up before a shard?",
      unit: "short",
      queries: [
        { expr: series("registry_permits_in_use"), legend: "{{instance}} {{shard}} in use" },
        { expr: series("registry_permit_waiters"), legend: "{{instance}} {{shard}} waiting" },
      ],
    },
    {
      kind: "graph",
      title: "Pool: refused calls",
      question: "Did calls get no permit in time, or no place in the line? The objective is none.",
      unit: "ops",
      queries: [
        { expr: rateBy([], series("registry_pool_timeouts_total")), legend: "timed out" },
        { expr: rateBy([], series("registry_pool_exhausted_total")), legend: "line full" },
      ],
    },
    {
      kind: "graph",
      title: "Retries, by reason",
      question: "What is tried again, and why?",
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
  ],
};

const redis: RowSpec = { title: "Redis", panels: redisUnderLoad };

/** The load test. */
export const loadTest: DashboardSpec = {
  uid: "cpg-load-test",
  title: "Charge Point Gateway / Load test",
  question: "Where on its way does a connection fail or wait: kernel, edge, registry, Redis?",
  rows: [connecting, kernel, edge, registering, redis],
};
