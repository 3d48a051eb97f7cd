// The shipped edge, but for its telemetry, which counts nothing, logs nothing and is read by nobody: what telemetry costs is measured
// against this. Takes the arguments of the shipped process; those of metrics and logs have no effect.

import { loadConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { noTelemetry, type Telemetry } from "@cpg/telemetry";

// Not part of what @cpg/edge offers to others: a process is started by its main.js, and this is the only other one.
import { startGateway } from "../../../packages/edge/dist/gateway.js";
import { tellV8 } from "../../../packages/edge/dist/v8-settings.js";

const nothing = {
  inc: () => undefined,
  set: () => undefined,
  record: () => undefined,
  value: 0,
  count: 0,
  sum: 0,
};

/** `noTelemetry` counts like the real one (nobody branches on it); this does not even add. */
function countNothing(): Telemetry {
  return {
    ...noTelemetry(),
    counter: () => nothing,
    gauge: () => nothing,
    histogram: () => nothing,
    observe: () => () => undefined,
  };
}

tellV8(); // as the shipped process does: only telemetry may differ
const loaded = loadConfig({ argv: process.argv.slice(2), env: process.env });
if (loaded.kind !== "config") throw new Error(`not startable: ${JSON.stringify(loaded)}`);
const gateway = await startGateway(loaded.config, {
  time: systemTime,
  random: systemRandom,
  openTelemetry: () => Promise.resolve(countNothing()),
});
process.once("SIGTERM", () => void gateway.stop().finally(() => process.exit(0)));
