// *Integrations and commands*: what the operator's backend sees of the gateway, in both directions. Data.

import { inRules } from "../promql.ts";
import {
  buckets,
  circuitWords,
  count,
  medianAndSlowest,
  quantileBy,
  rateBy,
  series,
  type DashboardSpec,
  type RowSpec,
} from "./spec.ts";

const { series: anyEdge } = inRules;

const integrations: RowSpec = {
  title: "Integrations: CALLs to backends",
  panels: [
    {
      kind: "graph",
      title: "Requests, by integration",
      question: "What does each backend get?",
      unit: "ops",
      queries: [
        { expr: rateBy(["integration"], series("integration_requests_total")), legend: "{{integration}}" },
      ],
    },
    {
      kind: "graph",
      title: "Requests that did not end well",
      question:
        "How does a backend fail: says no (callError, notImplemented), lets nobody in (refused), errs, is late, is not there, or is spared (circuitOpen)?",
      unit: "ops",
      queries: [
        {
          expr: rateBy(
            ["integration", "outcome"],
            series("integration_requests_total", { outcome: { not: ["ok"] } }),
          ),
          legend: "{{integration}} {{outcome}}",
        },
      ],
    },
    {
      kind: "states",
      title: "Circuits",
      question: "Which backend is not called at the moment?",
      unit: "short",
      words: circuitWords,
      queries: [{ expr: series("integration_circuit_state"), legend: "{{instance}} {{integration}}" }],
    },
    {
      kind: "graph",
      title: "Duration, median",
      question: "How fast is each backend usually?",
      unit: "s",
      queries: [
        {
          expr: quantileBy(["integration"], 0.5, buckets("integration_duration_seconds")),
          legend: "{{integration}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Duration, slowest hundredth",
      question: "How slow is each backend at its worst?",
      unit: "s",
      queries: [
        {
          expr: quantileBy(["integration"], 0.99, buckets("integration_duration_seconds")),
          legend: "{{integration}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "In flight",
      question: "Do requests pile up? Of a stream: how many messages are held until they are stored?",
      unit: "short",
      queries: [{ expr: series("integration_in_flight"), legend: "{{instance}} {{integration}}" }],
    },
    {
      kind: "graph",
      title: "Concurrency used",
      question:
        "How near is each HTTP backend to its bound (maxConcurrent)? Beyond it they wait in order, at most until their deadline.",
      unit: "percentunit",
      redFrom: 0.9,
      queries: [
        {
          expr: `${series("integration_in_flight")} / ${series("integration_concurrency_limit")}`,
          legend: "{{instance}} {{integration}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Waiting for their turn",
      question: "How long is the line before each HTTP backend that is at its bound?",
      unit: "short",
      queries: [{ expr: series("integration_waiters"), legend: "{{instance}} {{integration}}" }],
    },
  ],
};

const streams: RowSpec = {
  title: "Streams: CALLs into Redis Streams",
  panels: [
    {
      kind: "graph",
      title: "Longest partition, of maxLength",
      question: "Do consumers keep up? A full partition holds its messages back.",
      unit: "percentunit",
      redFrom: 0.8,
      queries: [
        {
          // Told by each edge with a route to it: it is one stream.
          expr: `max by (integration) (${anyEdge("integration_stream_length")}) / max by (integration) (${anyEdge("integration_stream_limit")})`,
          legend: "{{integration}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Until a replica has it",
      question: "How long does a transaction message wait for its stream and WAIT?",
      unit: "s",
      queries: medianAndSlowest(buckets("stream_confirm_duration_seconds")),
    },
    {
      kind: "graph",
      title: "Entries that must be safe, by outcome",
      question:
        "Do replicas confirm in time (routes.stream.waitTimeoutMs)? Unconfirmed ones are tried again.",
      unit: "ops",
      queries: [
        { expr: rateBy(["outcome"], count("stream_confirm_duration_seconds")), legend: "{{outcome}}" },
      ],
    },
  ],
};

const commands: RowSpec = {
  title: "Commands to charge points",
  panels: [
    {
      kind: "graph",
      title: "Commands, by outcome",
      question: "How do commands end?",
      unit: "ops",
      queries: [{ expr: rateBy(["outcome"], series("commands_total")), legend: "{{outcome}}" }],
    },
    {
      kind: "graph",
      title: "Duration",
      question: "How long does a caller wait, the charge point's own time included?",
      unit: "s",
      queries: medianAndSlowest(buckets("command_duration_seconds")),
    },
    {
      kind: "graph",
      title: "Pending",
      question: "How many callers wait now, of how many that may (management.maxPendingCommands)?",
      unit: "short",
      queries: [
        { expr: series("commands_pending"), legend: "{{instance}}" },
        { expr: series("commands_pending_limit"), legend: "{{instance}} limit" },
      ],
    },
    {
      kind: "graph",
      title: "Between edges",
      question: "What happens to commands whose charge point is at another edge?",
      unit: "ops",
      width: 24,
      queries: [{ expr: rateBy(["event"], series("command_peer_events_total")), legend: "{{event}}" }],
    },
  ],
};

/** Backends and commands. */
export const backends: DashboardSpec = {
  uid: "cpg-backends",
  title: "Charge Point Gateway / Integrations and commands",
  question: "Do backends answer charge points, and do charge points answer backends?",
  rows: [integrations, streams, commands],
};
