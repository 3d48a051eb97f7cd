// *Fleet*: what an operator looks at first. Data.

import { objectives, ratioName } from "../rules/objectives.ts";
import {
  buckets,
  medianAndSlowest,
  rateBy,
  recorded,
  series,
  up,
  yesNoWords,
  type DashboardSpec,
  type PanelSpec,
  type RowSpec,
} from "./spec.ts";

const budget = (objective: (typeof objectives)[keyof typeof objectives], title: string): PanelSpec => ({
  kind: "graph",
  title,
  question: `Which share fails for our own reasons, over 5 minutes and an hour? The objective allows ${objective.budget * 100} %.`,
  unit: "percentunit",
  redFrom: objective.budget,
  queries: [
    { expr: `max(${recorded(ratioName(objective, "5m"))})`, legend: "worst edge, 5 min" },
    { expr: `max(${recorded(ratioName(objective, "1h"))})`, legend: "worst edge, 1 h" },
  ],
});

const now: RowSpec = {
  title: "Now",
  panels: [
    {
      kind: "stat",
      title: "Edges ready",
      question: "How many edges take new charge points?",
      unit: "short",
      redBelow: 1,
      queries: [{ expr: `sum(${series("edge_ready")})`, legend: "ready" }],
    },
    {
      kind: "stat",
      title: "Edges missing",
      question: "How many of the edges that Prometheus knows take none: down, not ready, or draining?",
      unit: "short",
      redFrom: 1,
      queries: [{ expr: `count(${up()}) - (sum(${series("edge_ready")}) or vector(0))`, legend: "missing" }],
    },
    {
      kind: "stat",
      title: "Charge points",
      question: "How many charge points are connected?",
      unit: "short",
      queries: [{ expr: `sum(${series("websocket_connections_active")})`, legend: "connected" }],
    },
    {
      kind: "stat",
      title: "CALLs answered",
      question: "How many CALLs of charge points does a backend answer per second?",
      unit: "ops",
      queries: [
        {
          expr: rateBy([], series("ocpp_calls_total", { outcome: ["result", "callError"] })),
          legend: "CALLs",
        },
      ],
    },
    {
      kind: "stat",
      title: "Commands",
      question: "How many commands end per second?",
      unit: "ops",
      queries: [{ expr: rateBy([], series("commands_total")), legend: "commands" }],
    },
    {
      kind: "stat",
      title: "Claims owed",
      question: "How many sessions does Redis not know of yet?",
      unit: "short",
      redFrom: 1,
      queries: [{ expr: `sum(${series("registry_owed")})`, legend: "owed" }],
    },
  ],
};

const promised: RowSpec = {
  title: "What is promised",
  panels: [
    budget(objectives.connect, "Connection attempts refused by our fault"),
    budget(objectives.messages, "CALLs not answered by a backend"),
    budget(objectives.commands, "Commands without an answer"),
  ],
};

const chargePoints: RowSpec = {
  title: "Charge points",
  panels: [
    {
      kind: "graph",
      title: "Connected",
      question: "Who holds the charge points, and does the sum stay?",
      unit: "short",
      stacked: true,
      queries: [
        { expr: `sum by (instance) (${series("websocket_connections_active")})`, legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Accepted",
      question: "Is there a storm of reconnects, and who carries it?",
      unit: "ops",
      stacked: true,
      queries: [
        { expr: rateBy(["instance"], series("websocket_connections_total")), legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "Connected, by subprotocol",
      question: "Which versions of OCPP does the fleet speak?",
      unit: "short",
      stacked: true,
      queries: [
        {
          expr: `sum by (subprotocol) (${series("websocket_connections_active")})`,
          legend: "{{subprotocol}}",
        },
      ],
    },
    {
      kind: "graph",
      title: "Accepted, by subprotocol",
      question: "Which versions of OCPP do newcomers speak?",
      unit: "ops",
      queries: [
        { expr: rateBy(["subprotocol"], series("websocket_connections_total")), legend: "{{subprotocol}}" },
      ],
    },
    {
      kind: "graph",
      title: "Room used",
      question:
        "Which share of the connections that it may hold does each edge hold (listen.maxConnections)?",
      unit: "percentunit",
      redFrom: 0.9,
      queries: [
        {
          expr: `sum by (instance) (${series("websocket_connections_active")}) / sum by (instance) (${series("websocket_connections_limit")})`,
          legend: "{{instance}}",
        },
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
      title: "Ended, by cause",
      question:
        "Why do connections end: charge points (peer, lost, idle), operators, a deploy (draining), or us?",
      unit: "ops",
      queries: [
        { expr: rateBy(["cause"], series("websocket_connections_closed_total")), legend: "{{cause}}" },
      ],
    },
    {
      kind: "graph",
      title: "Ended, by close code",
      question: "Which close codes do charge points see or send (1006: none)?",
      unit: "ops",
      queries: [{ expr: rateBy(["code"], series("websocket_connections_closed_total")), legend: "{{code}}" }],
    },
    {
      kind: "graph",
      title: "Contested identities",
      question: "Do charge points take one identity from each other again and again?",
      unit: "short",
      redFrom: 1,
      queries: [{ expr: series("charge_points_contested"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Handshake",
      question: "How long does a charge point wait for its socket, authentication included?",
      unit: "s",
      queries: medianAndSlowest(buckets("websocket_handshake_duration_seconds")),
    },
    {
      kind: "graph",
      title: "From CALL to answer",
      question: "How long does a charge point wait for an answer, the backend included?",
      unit: "s",
      queries: medianAndSlowest(buckets("message_processing_duration_seconds")),
    },
  ],
};

const edges: RowSpec = {
  title: "Edges",
  panels: [
    {
      kind: "states",
      title: "Ready",
      question: "Which edge was not ready, and when?",
      unit: "short",
      words: yesNoWords,
      queries: [{ expr: series("edge_ready"), legend: "{{instance}}" }],
    },
    {
      kind: "graph",
      title: "Event loop, slowest hundredth",
      question: "Which edge has no time for its sockets?",
      unit: "s",
      redFrom: 0.2,
      queries: [
        { expr: series("nodejs_eventloop_delay_seconds", { quantile: "0.99" }), legend: "{{instance}}" },
      ],
    },
    {
      kind: "graph",
      title: "CPU",
      question: "Is the load spread evenly? An edge has one core.",
      unit: "percentunit",
      queries: [{ expr: rateBy(["instance"], series("process_cpu_seconds_total")), legend: "{{instance}}" }],
    },
  ],
};

/** The first dashboard. */
export const fleet: DashboardSpec = {
  uid: "cpg-fleet",
  title: "Charge Point Gateway / Fleet",
  question: "Is all well, and if not: with charge points, edges, Redis or a backend?",
  rows: [now, promised, chargePoints, edges],
};
