// *Edge*: one process, from its sockets to its memory. Data.

import { count, rateBy, series, sum, yesNoWords, type DashboardSpec, type RowSpec } from "./spec.ts";

const state: RowSpec = {
  title: "State",
  panels: [
    {
      kind: "states",
      title: "Ready",
      question: "Does it take new charge points?",
      unit: "short",
      words: yesNoWords,
      queries: [{ expr: series("edge_ready"), legend: "{{instance}}" }],
    },
    {
      kind: "states",
      title: "Draining",
      question: "Is it on its way out, on purpose?",
      unit: "short",
      words: { "0": { text: "no", color: "green" }, "1": { text: "yes", color: "yellow" } },
      queries: [{ expr: series("edge_draining"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Problems",
      question: "Why is it not ready: the registry, a drain, no room, a late event loop?",
      unit: "short",
      queries: [{ expr: series("edge_problems"), legend: "{{instance}} {{problem}}" }],
    },
    {
      kind: "graph",
      title: "Versions",
      question: "Does every edge run the same?",
      unit: "short",
      queries: [
        {
          expr: `count by (version, node, uws) (${series("gateway_build_info")})`,
          legend: "{{version}}, Node {{node}}, uWebSockets.js {{uws}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Running for",
      question: "Has it been restarted?",
      unit: "s",
      queries: [{ expr: `time() - ${series("process_start_time_seconds")}`, legend: "{{instance}}" }],
    },
  ],
};

const messages: RowSpec = {
  title: "Messages",
  panels: [
    {
      kind: "graph",
      title: "Frames, by direction and type",
      question: "Do answers go out as CALLs come in?",
      unit: "ops",
      queries: [
        {
          expr: rateBy(["direction", "type"], series("ocpp_messages_total")),
          legend: "{{direction}} {{type}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "CALLs, by outcome",
      question: "Are CALLs answered by a backend (result, callError), by us (fault), or not at all?",
      unit: "ops",
      queries: [{ expr: rateBy(["outcome"], series("ocpp_calls_total")), legend: "{{outcome}}" }],
    },
    {
      kind: "graph",
      title: "The ten most frequent actions",
      question: "What do charge points ask for?",
      unit: "ops",
      queries: [
        {
          expr: `topk(10, ${rateBy(["version", "action"], series("ocpp_calls_total"))})`,
          legend: "{{version}} {{action}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Mean time from CALL to answer",
      question: "Which edge answers slower than the others?",
      unit: "s",
      queries: [
        {
          expr: `${rateBy(["instance"], sum("message_processing_duration_seconds"))} / ${rateBy(["instance"], count("message_processing_duration_seconds"))}`,
          legend: "{{instance}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Malformed and ignored, by reason",
      question: "Does a vendor's charge point break the rules?",
      unit: "ops",
      queries: [
        { expr: rateBy(["reason"], series("ocpp_malformed_total")), legend: "malformed: {{reason}}" },
        { expr: rateBy(["reason"], series("ocpp_ignored_total")), legend: "ignored: {{reason}}" },
      ],
    },
    {
      kind: "graph",
      title: "Repeated message ids",
      question: "Do charge points repeat CALLs, because answers come too late?",
      unit: "ops",
      queries: [{ expr: rateBy(["instance"], series("ocpp_reused_ids_total")), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Waiting to be read",
      question: "Do charge points read too slowly?",
      unit: "bytes",
      queries: [{ expr: series("websocket_outbox_bytes"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Slow consumers",
      question: "How many charge points do not read what is sent to them?",
      unit: "short",
      queries: [{ expr: series("websocket_slow_consumers"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Oldest CALL without an answer",
      question: "Does somebody wait: a charge point for its backend (in), or we for a charge point (out)?",
      unit: "s",
      redFrom: 30,
      queries: [{ expr: series("ocpp_oldest_unanswered_seconds"), legend: "{{instance}} {{direction}}" }],
    },
  ],
};

const process: RowSpec = {
  title: "Process",
  panels: [
    {
      kind: "graph",
      title: "CPU",
      question: "How much of its one core does it use?",
      unit: "percentunit",
      queries: [{ expr: rateBy(["instance"], series("process_cpu_seconds_total")), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Event loop, busy",
      question: "How much room is left before answers get late?",
      unit: "percentunit",
      redFrom: 0.85,
      queries: [{ expr: series("nodejs_eventloop_utilization_ratio"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Event loop, late",
      question: "Did something hold the loop: a large message, a scrape, the collector?",
      unit: "s",
      redFrom: 1,
      queries: [
        {
          expr: series("nodejs_eventloop_delay_seconds"),
          legend: "{{instance}} {{quantile}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Garbage collection, share of time",
      question: "How much time goes into collecting garbage, by kind of collection?",
      unit: "percentunit",
      queries: [
        {
          expr: rateBy(["instance", "kind"], sum("nodejs_gc_duration_seconds")),
          legend: "{{instance}} {{kind}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Active resources",
      question: "Does something of Node's pile up: API sockets, timers?",
      unit: "short",
      queries: [
        {
          expr: `sum by (instance, type) (${series("nodejs_active_resources")})`,
          legend: "{{instance}} {{type}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Memory",
      question: "Does memory grow without charge points growing?",
      unit: "bytes",
      queries: [
        { expr: series("process_resident_memory_bytes"), legend: "{{instance}} resident" },
        { expr: series("nodejs_heap_used_bytes"), legend: "{{instance}} heap used" },
        { expr: series("nodejs_heap_total_bytes"), legend: "{{instance}} heap" },
        { expr: series("nodejs_external_memory_bytes"), legend: "{{instance}} buffers" },
      ],
    },
    {
      kind: "graph",
      title: "Open descriptors",
      question: "How much of the descriptors that it may open does it use?",
      unit: "percentunit",
      redFrom: 0.95,
      queries: [
        { expr: `${series("process_open_fds")} / ${series("process_max_fds")}`, legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Exports to the collector",
      question: "Does an OTLP collector, where one is configured, take metrics and traces?",
      unit: "ops",
      queries: [
        {
          expr: rateBy(["signal", "outcome"], series("telemetry_exports_total")),
          legend: "{{signal}} {{outcome}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Memory per charge point",
      question: "What does one more charge point cost?",
      unit: "bytes",
      queries: [
        {
          expr: `${series("process_resident_memory_bytes")} / on (instance) (sum by (instance) (${series("websocket_connections_active")}) > 0)`,
          legend: "{{instance}}",
        },
      ],
    },
  ],
};

/** One edge, or several side by side. */
export const edge: DashboardSpec = {
  uid: "cpg-edge",
  title: "Charge Point Gateway / Edge",
  question: "What does this edge do, and what keeps it from doing more?",
  rows: [state, messages, process],
};
