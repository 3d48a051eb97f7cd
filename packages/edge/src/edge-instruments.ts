// The up path's counting over @cpg/telemetry: every handle is resolved here, none per message.

import { actionLabel, type OcppVersion } from "@cpg/ocpp";
import type { Counter, LabelsOf, Meter } from "@cpg/telemetry";
import type { FrameType, Instruments, IntegrationInstruments, ServedAs } from "./instruments.ts";

/** Where the numbers of one edge go. */
export function createInstruments(meter: Meter): Instruments {
  const opened = meter.counter("websocket_connections_total");
  const handshake = meter.histogram("websocket_handshake_duration_seconds");
  const processing = meter.histogram("message_processing_duration_seconds");
  const reused = meter.counter("ocpp_reused_ids_total");
  const refused = handles((reason: LabelsOf<"websocket_connections_refused_total">["reason"]) =>
    meter.counter("websocket_connections_refused_total", { reason }),
  );
  const ended = handles((cause: LabelsOf<"websocket_connections_closed_total">["cause"]) =>
    meter.counter("websocket_connections_closed_total", { cause }),
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
    opened: () => opened.inc(),
    refused: (reason) => refused(reason).inc(),
    ended: (label) => ended(label).inc(),
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

/** Resolves a handle at its first use and keeps it. */
function handles<L extends string, H>(resolve: (label: L) => H): (label: L) => H {
  const known = new Map<L, H>();
  return (label) => {
    const found = known.get(label);
    if (found !== undefined) return found;
    const made = resolve(label);
    known.set(label, made);
    return made;
  };
}

function servedCounters(meter: Meter): Instruments["served"] {
  const byVersion = handles((version: OcppVersion) =>
    handles((action: string) =>
      handles((outcome: ServedAs): Counter =>
        meter.counter("ocpp_calls_total", { version, action, outcome }),
      ),
    ),
  );
  // The label of an unknown action is one for all: a station must not be able to invent handles.
  return (version, action, as) => byVersion(version)(actionLabel(action, version))(as).inc();
}

function integrationInstruments(meter: Meter, integration: string): IntegrationInstruments {
  const duration = meter.histogram("integration_duration_seconds", { integration });
  const inFlight = meter.gauge("integration_in_flight", { integration });
  const circuit = meter.gauge("integration_circuit_state", { integration });
  const ends = handles((outcome: LabelsOf<"integration_requests_total">["outcome"]) =>
    meter.counter("integration_requests_total", { integration, outcome }),
  );
  return {
    attempt(end, seconds) {
      ends(end).inc();
      duration.record(seconds);
    },
    inFlight: (requests) => inFlight.set(requests),
    circuit: (state) => circuit.set(state),
  };
}
