// Every instrument of the gateway, the meter that counts them, traces, and the log.
export { noTelemetry, startTelemetry } from "./telemetry.ts";
export type { Telemetry, TelemetryOptions } from "./telemetry.ts";
export type { Counter, Gauge, Histogram, Meter, Observation, Observer } from "./meter.ts";
export { createLogger } from "./log.ts";
export type { Logger, LogOptions } from "./log.ts";
export { instruments } from "./instruments.ts";
export type { CounterName, GaugeName, HistogramName, InstrumentName, LabelsOf } from "./instruments.ts";
export { descriptorLimit } from "./process-metrics.ts";
export { sharedReading } from "./shared-reading.ts";
export { other } from "./declare.ts";
export { acceptSpan, noTracing, readTraceparent } from "./tracing.ts";
export type { Span, SpanAttributes, SpanKind, TraceParent, Tracing } from "./tracing.ts";
