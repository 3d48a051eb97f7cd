// Instruments of the sides that face operators and backends: commands, integrations, readiness. Data.
import { closed, counter, gauge, histogram, named } from "../declare.ts";

/** A route of the routes file. */
const integration = named(64);

/** Commands to charge points. */
export const commands = {
  commands_total: counter("Commands to charge points, by how they ended.", {
    outcome: closed(
      "answered",
      "rejected",
      "offline",
      "noAnswer",
      "lineFull",
      "edgeBusy",
      "registryAway",
      "leaving",
      "stopping",
    ),
  }),
  command_duration_seconds: histogram(
    "Time from a command's receipt to its end.",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  ),
  commands_pending: gauge("Commands taken and not yet ended, bounded by management.maxPendingCommands."),
  commands_pending_limit: gauge("Commands that may be pending at most: management.maxPendingCommands."),
  command_peer_events_total: counter("What happened on the way of commands between edges.", {
    event: closed(
      "commandSent",
      "commandAccepted",
      "commandAskedAgain",
      "commandRepeated",
      "commandExpired",
      "commandUnverified",
      "commandNotMine",
      "commandBusy",
      "commandDropped",
      "malformed",
      "replySent",
      "replyLost",
      "replyLate",
      "purged",
      "purgeFailed",
      "relookup",
    ),
  }),
};

/** Requests to backends. */
export const integrations = {
  integration_requests_total: counter("Requests to backends, by integration and outcome.", {
    integration,
    outcome: closed(
      "ok",
      "callError",
      "refused",
      "notImplemented",
      "badAnswer",
      "httpError",
      "timeout",
      "overload",
      "circuitOpen",
      "unreachable",
    ),
  }),
  integration_duration_seconds: histogram(
    "Duration of one request to a backend, from its turn on; none of what was not sent.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    { integration },
  ),
  integration_in_flight: gauge(
    "Requests to a backend in flight; of a stream: messages held until they are stored.",
    { integration },
  ),
  integration_concurrency_limit: gauge(
    "Requests to an HTTP backend that may be in flight or wait for a connection.",
    {
      integration,
    },
  ),
  integration_waiters: gauge("Messages that wait for their turn, because so many requests are in flight.", {
    integration,
  }),
  integration_stream_length: gauge("Entries of a stream's longest partition.", { integration }),
  integration_stream_limit: gauge("Entries of a partition after which messages are held back: maxLength.", {
    integration,
  }),
  stream_confirm_duration_seconds: histogram(
    "Time until a transaction message was in its stream and WAIT had ended: a replica had it, or none in time.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    { outcome: closed("confirmed", "unconfirmed") },
  ),
  integration_circuit_state: gauge("Circuit of an integration: 0 closed, 1 half open, 2 open.", {
    integration,
  }),
};

/** What an orchestrator asks. */
export const readiness = {
  edge_ready: gauge("1 while /readyz answers 200, otherwise 0."),
  edge_problems: gauge("Reasons why /readyz does not answer 200, by kind; 0 where there is none.", {
    problem: closed("registry", "draining", "full", "eventLoop"),
  }),
  edge_draining: gauge("1 while this edge drains, otherwise 0."),
  gateway_build_info: gauge(
    "1, with what runs: the gateway's version (a shipped one with the commit it was made from), Node's, uWebSockets.js'.",
    {
      version: named(1),
      node: named(1),
      uws: named(1),
    },
  ),
};
