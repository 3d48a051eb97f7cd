// Instruments of the side that faces charge points: sockets, handshakes, OCPP-J messages. Data.
import { closed, counter, gauge, histogram, known, named } from "../declare.ts";

/** One of the OCPP versions of the gateway. */
const version = closed("1.6", "2.0.1", "2.1");

/** Actions that a charge point may send: 41 names over all versions; the edge counts every other one as "unknown". */
const action = named(64);

/** A WebSocket subprotocol: which OCPP version a session speaks. */
const subprotocol = known("ocpp1.6", "ocpp2.0.1", "ocpp2.1");

/** Sockets and their handshakes. */
export const sockets = {
  websocket_connections_total: counter("WebSocket connections accepted since the process started.", {
    subprotocol,
  }),
  websocket_connections_active: gauge("WebSocket connections open now.", { subprotocol }),
  websocket_connections_limit: gauge(
    "Connections that this edge serves at most: listen.maxConnections, or fewer where it may open too few descriptors for that.",
  ),
  websocket_connections_refused_total: counter("Upgrades refused with an HTTP status, by reason.", {
    reason: closed(
      "identity",
      "path",
      "method",
      "notWebSocket",
      "subprotocol",
      "unknownIdentity",
      "credentials",
      "capacity",
      "draining",
      "registryAway",
      "aborted",
      "internal",
    ),
  }),
  auth_file_charge_points: gauge("Charge points of auth.file that are let in with their keys."),
  auth_file_usable: gauge(
    "1 while auth.file is in force as it stands; 0 while it is gone or has mistakes: the last good one counts.",
  ),
  websocket_connections_closed_total: counter("WebSocket connections that ended, by cause and close code.", {
    // RFC 6455 §7.4.1 and ours; 1005: a close frame without a code, 1006: no close frame.
    code: known(
      "1000",
      "1001",
      "1002",
      "1003",
      "1005",
      "1006",
      "1008",
      "1009",
      "1011",
      "1012",
      "1013",
      "4001",
      "4002",
    ),
    cause: closed(
      "superseded",
      "draining",
      "operator",
      "messageTooBig",
      "inboundOverflow",
      "outboxOverflow",
      "noSubprotocol",
      "notRegistered",
      "idle",
      "invalidUtf8",
      "peer",
      "lost",
    ),
  }),
  websocket_handshake_duration_seconds: histogram(
    "Time from the upgrade request to its answer, authentication included.",
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  websocket_outbox_bytes: gauge("Bytes that wait for charge points to read them, over all sessions."),
  websocket_slow_consumers: gauge("Sessions with bytes that wait for their charge point to read them."),
  charge_points_contested: gauge(
    "Identities of which three sessions or more were superseded at this edge within ten minutes: two charge points with one identity, or connections that die unnoticed.",
  ),
};

/** OCPP-J messages. */
export const messages = {
  ocpp_messages_total: counter("OCPP-J frames, by direction and message type.", {
    direction: closed("in", "out"),
    type: closed("call", "result", "error", "resultError", "send"),
  }),
  ocpp_calls_total: counter("CALLs of charge points that were answered, by version, action and outcome.", {
    version,
    action,
    outcome: closed("result", "fault", "callError", "unanswered"),
  }),
  ocpp_malformed_total: counter("Frames that their version does not allow, by reason.", {
    reason: closed(
      "notJson",
      "notArray",
      "typeNotNumber",
      "typeUnknown",
      "idNotString",
      "idEmpty",
      "idTooLong",
      "wrongArity",
      "payloadMissing",
      "actionNotString",
      "payloadNotObject",
      "payloadTooDeep",
      "errorCodeNotString",
    ),
  }),
  ocpp_ignored_total: counter("Frames that are ignored without an answer, by reason.", {
    reason: closed("emptyFrame", "typeUnknown", "unmatched", "binary"),
  }),
  ocpp_oldest_unanswered_seconds: gauge(
    "Age of the oldest CALL that waits for its answer; 0 while none does.",
    {
      direction: closed("in", "out"),
    },
  ),
  ocpp_reused_ids_total: counter("CALLs that repeated a message id and were answered from memory."),
  message_processing_duration_seconds: histogram(
    "Time from a CALL's receipt to its answer's hand-over to the socket, backend included.",
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
};
