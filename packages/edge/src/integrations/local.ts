// Answers that the edge gives itself: the clock of Heartbeat, and a demo backend. Nothing leaves the process.
//
// D1. The demo backend accepts everything and remembers nothing but a number: for trying out, never for charging.

import { ocppVersions, type OcppVersion } from "@cpg/ocpp";
import type { Time } from "@cpg/session-registry";
import type { CallAnswer, InboundCall, Route } from "../integration.ts";
import { isoTime } from "../iso-time.ts";

/** The handlers by name, as the routes file names them. */
export const localHandlers = ["heartbeat", "demo"] as const;
export type LocalHandler = (typeof localHandlers)[number];

/** Makes a route that is answered here. */
export function createLocalRoute(name: string, handler: LocalHandler, time: Time): Route {
  const serve = handler === "heartbeat" ? heartbeat(time) : demo(time);
  return { name, kind: "local", serve };
}

function heartbeat(time: Time): (call: InboundCall) => CallAnswer {
  return () => ({ kind: "result", payloadJson: `{"currentTime":"${now(time)}"}` });
}

function now(time: Time): string {
  return isoTime(time.wallMs());
}

const notImplemented: CallAnswer = {
  kind: "fault",
  fault: "notImplemented",
  description: "the demo backend does not know this action",
};

// Actions whose answer is the same in every version that has them.
const empty = [
  "StatusNotification",
  "MeterValues",
  "FirmwareStatusNotification",
  "DiagnosticsStatusNotification",
  "LogStatusNotification",
  "SecurityEventNotification",
  "SignedFirmwareStatusNotification",
  "NotifyEvent",
  "NotifyReport",
  "NotifyMonitoringReport",
  "ReportChargingProfiles",
  "TransactionEvent",
  "$connect",
  "$disconnect",
];

type Answer = (time: Time) => string;

function answersOf(version: OcppVersion, nextTransaction: () => number): ReadonlyMap<string, Answer> {
  const status = version === "1.6" ? "idTagInfo" : "idTokenInfo";
  const answers = new Map<string, Answer>(empty.map((action) => [action, () => "{}"]));
  answers.set(
    "BootNotification",
    (time) => `{"currentTime":"${now(time)}","interval":300,"status":"Accepted"}`,
  );
  answers.set("Heartbeat", (time) => `{"currentTime":"${now(time)}"}`);
  answers.set("Authorize", () => `{"${status}":{"status":"Accepted"}}`);
  answers.set("DataTransfer", () => `{"status":"Accepted"}`);
  if (version !== "1.6") return answers;
  answers.set("StopTransaction", () => "{}");
  answers.set(
    "StartTransaction",
    () => `{"transactionId":${String(nextTransaction())},"idTagInfo":{"status":"Accepted"}}`,
  );
  return answers;
}

// D1
function demo(time: Time): (call: InboundCall) => CallAnswer {
  let transactions = Math.floor(time.wallMs() / 1000) % 1_000_000_000;
  const nextTransaction = (): number => (transactions += 1);
  const byVersion = new Map(ocppVersions.map((version) => [version, answersOf(version, nextTransaction)]));
  return (call) => {
    const answer = byVersion.get(call.station.version)?.get(call.action);
    return answer === undefined ? notImplemented : { kind: "result", payloadJson: answer(time) };
  };
}
