// The down path's counting over @cpg/telemetry: every handle is resolved here, none per command.

import type { LabelsOf, Meter } from "@cpg/telemetry";
import type { CommandMeter } from "./commands/outcomes.ts";
import { handles } from "./handles.ts";

/** Where the numbers of one edge's commands go. */
export function commandMeter(meter: Meter): CommandMeter {
  const duration = meter.histogram("command_duration_seconds");
  const ends = handles((outcome: LabelsOf<"commands_total">["outcome"]) =>
    meter.counter("commands_total", { outcome }),
  );
  const events = handles((event: LabelsOf<"command_peer_events_total">["event"]) =>
    meter.counter("command_peer_events_total", { event }),
  );
  return {
    ended(outcome, seconds) {
      ends(outcome).inc();
      duration.record(seconds);
    },
    peer: (event) => events(event).inc(),
  };
}
