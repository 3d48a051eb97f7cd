// The log: one JSON object a line.
//
// G1. Secrets never appear, whoever logs the object that holds one.
// G2. Inside a sampled span a line carries its trace_id and span_id.
import { isSpanContextValid, trace } from "@opentelemetry/api";
import { pino } from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";
import { errorForLog } from "./log-error.ts";

/** The port for logging. */
export type Logger = PinoLogger;

/** What a logger is made of. */
export interface LogOptions {
  readonly level: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
  readonly serviceName: string;
  readonly edge: string;
  /** Standard output unless given. */
  readonly destination?: DestinationStream | undefined;
}

/** Keys whose values are secrets, in any object logged and one and two levels below, in errors at any depth (G1). */
const secretKeys = [
  "password",
  "token",
  "secret",
  "credentials",
  "authorization",
  "Authorization",
  "proxy-authorization",
  "cookie",
  "passphrase",
  "privateKey",
];

/** Makes the logger of a process. */
export function createLogger({ level, serviceName, edge, destination }: LogOptions): Logger {
  const inErrors = new Set(secretKeys);
  const options = {
    level,
    base: { service: serviceName, edge },
    redact: { paths: secretKeys.flatMap(placesOf), censor: "[masked]" },
    serializers: { err: (error: unknown) => errorForLog(error, inErrors) },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: traceIds,
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function placesOf(key: string): readonly string[] {
  return ["", "*", "*.*"].map((above) => `${above}["${key}"]`);
}

/** G2 */
function traceIds(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
}
