// The up path's counting over @cpg/telemetry: every handle is resolved here, none per message.
//
// E1. What can be foreseen is shown at 0: each end of each integration, each cause with its close code, all outcomes of an action with its
//     first CALL. A first failure is then a rise that rate() sees, and a healthy alert has data to judge.
// E2. A peer cannot make series: what it sends (actions, close codes) is folded before a handle is looked up.

import { mayChargePointSend, ocppVersions, subprotocolOf, type OcppVersion } from "@cpg/ocpp";
import { instruments, type Counter, type LabelsOf, type Meter } from "@cpg/telemetry";
import { closeTable, noCloseFrame, peerSees, type EndLabel } from "./close-codes.ts";
import { handles } from "./handles.ts";
import type { FrameType, Instruments, IntegrationInstruments, ServedAs } from "./instruments.ts";

/** Where the numbers of one edge go. */
export function createInstruments(meter: Meter): Instruments {
  const opened = handles((version: OcppVersion) =>
    meter.counter("websocket_connections_total", { subprotocol: subprotocolOf(version) }),
  );
  for (const version of ocppVersions) opened(version); // E1
  const handshake = meter.histogram("websocket_handshake_duration_seconds");
  const processing = meter.histogram("message_processing_duration_seconds");
  const reused = meter.counter("ocpp_reused_ids_total");
  const refused = handles((reason: LabelsOf<"websocket_connections_refused_total">["reason"]) =>
    meter.counter("websocket_connections_refused_total", { reason }),
  );
  const malformed = handles((reason: LabelsOf<"ocpp_malformed_total">["reason"]) =>
    meter.counter("ocpp_malformed_total", { reason }),
  );
  const ignored = handles((reason: LabelsOf<"ocpp_ignored_total">["reason"]) =>
    meter.counter("ocpp_ignored_total", { reason }),
  );
  const framesIn = handles((type: FrameType) =>
    meter.counter("ocpp_messages_total", { direction: "in", type }),
  );
  const framesOut = handles((type: FrameType) =>
    meter.counter("ocpp_messages_total", { direction: "out", type }),
  );
  return {
    opened: (version) => opened(version).inc(),
    refused: (reason) => refused(reason).inc(),
    ended: endedCounters(meter),
    handshake: (seconds) => handshake.record(seconds),
    frameIn: (type) => framesIn(type).inc(),
    frameOut: (type) => framesOut(type).inc(),
    served: servedCounters(meter),
    processing: (seconds) => processing.record(seconds),
    malformed: (reason) => malformed(reason).inc(),
    ignored: (reason) => ignored(reason).inc(),
    reusedId: () => reused.inc(),
    integration: (name) => integrationInstruments(meter, name),
  };
}

/** Close codes that charge points send in earnest; the rest is folded by the instrument. */
const peerCodes = [1000, 1001, 1005] as const;

function endedCounters(meter: Meter): Instruments["ended"] {
  const byCause = handles((cause: EndLabel) =>
    handles((code: string): Counter => meter.counter("websocket_connections_closed_total", { cause, code })),
  );
  for (const cause of Object.keys(closeTable) as (keyof typeof closeTable)[])
    for (const code of new Set([peerSees(cause), noCloseFrame])) byCause(cause)(String(code)); // E1
  for (const code of peerCodes) byCause("peer")(String(code));
  for (const cause of ["lost", "invalidUtf8"] as const) byCause(cause)(String(noCloseFrame));
  return (cause, code) => byCause(cause)(codeLabel(code)).inc();
}

/** E2: codes beyond those of RFC 6455 and ours are one. */
function codeLabel(code: number): string {
  return (code >= 1000 && code <= 1015) || code === 4001 || code === 4002 ? String(code) : "other";
}

const servedAs: readonly ServedAs[] = ["result", "fault", "callError", "unanswered"];

function servedCounters(meter: Meter): Instruments["served"] {
  const byVersion = handles((version: OcppVersion) =>
    handles((action: string) => {
      const ends = handles((outcome: ServedAs): Counter =>
        meter.counter("ocpp_calls_total", { version, action, outcome }),
      );
      for (const outcome of servedAs) ends(outcome); // E1
      return ends;
    }),
  );
  for (const version of ocppVersions) byVersion(version)("Heartbeat"); // E1: every station sends it
  // E2: what no charge point may send is one action, whatever it is called.
  return (version, action, as) =>
    byVersion(version)(mayChargePointSend(action, version) ? action : "unknown")(as).inc();
}

function integrationInstruments(meter: Meter, integration: string): IntegrationInstruments {
  const duration = meter.histogram("integration_duration_seconds", { integration });
  const inFlight = meter.gauge("integration_in_flight", { integration });
  const waiting = meter.gauge("integration_waiters", { integration });
  const circuit = meter.gauge("integration_circuit_state", { integration });
  const ends = handles((outcome: LabelsOf<"integration_requests_total">["outcome"]) =>
    meter.counter("integration_requests_total", { integration, outcome }),
  );
  for (const end of instruments.integration_requests_total.labels.outcome.values) ends(end); // E1
  return {
    attempt(end, seconds) {
      ends(end).inc();
      if (seconds !== undefined) duration.record(seconds);
    },
    inFlight: (requests) => inFlight.set(requests),
    waiting: (messages) => waiting.set(messages),
    circuit: (state) => circuit.set(state),
  };
}
