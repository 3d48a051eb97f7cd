// *Load test*: the way of a connection from the kernel to Redis, in the order of the runbook "Finding the fault in a load test". Data.
// The generator's own numbers are not here: what it sees, it must tell itself.

import { hostRateBy, rateBy, series, type DashboardSpec, type RowSpec } from "./spec.ts";

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
      unit: "bytes",
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

/** The load test. */
export const loadTest: DashboardSpec = {
  uid: "cpg-load-test",
  title: "Charge Point Gateway / Load test",
  question: "Where on its way does a connection fail or wait: kernel, edge, registry, Redis?",
  rows: [kernel, edge],
};
