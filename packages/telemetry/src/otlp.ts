// Sending to a collector: metrics beside Prometheus, and traces. Loaded only where a collector is configured, because
// the OpenTelemetry Node SDK costs 15 MB and 100 ms that an edge without one keeps.
//
// O1. Tracing, context, propagation and the SDK's complaints are registered for the whole process: once, by the first that starts.
// O2. The context is a stack and no AsyncLocalStorage, which the SDK would enter at every export (tracing.ts R2).
// O3. Nothing here grows while the collector is away: the SDK keeps 2,048 spans and drops what comes beyond.
import { diag, DiagLogLevel, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { Resource } from "@opentelemetry/resources";
import { PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { NodeSDK } from "@opentelemetry/sdk-node";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  StackContextManager,
} from "@opentelemetry/sdk-trace";
import { ExportOutcomes } from "./export-outcomes.ts";
import type { Logger } from "./log.ts";
import type { Meter } from "./meter.ts";
import { otelTracing } from "./tracing-otel.ts";
import type { Tracing } from "./tracing.ts";

/** How long one export may take, retries included: a collector that is away must not hold up the end of a drain. */
const timeoutMillis = 3_000;

/** How long a span waits for others to travel with: who looks for a trace does so a moment after its request. */
const sendEveryMs = 1_000;

/** A collector and what to send it. */
export interface OtlpOptions {
  /** Base URL; `/v1/metrics` and `/v1/traces` are put behind it. */
  readonly endpoint: string;
  readonly resource: Resource;
  /** Share of the traces begun here that are kept; one begun by a caller is kept if the caller keeps it. */
  readonly tracesSampleRatio: number;
  /** From [0, 1): which of them. */
  readonly chance: () => number;
  readonly producer: MetricProducer;
  /** Hears of what could not be sent; `meter` counts it. */
  readonly logger: Logger;
  readonly meter: Pick<Meter, "counter">;
}

/** A reader that pushes the metrics every minute and once more at shutdown, and the tracing that was started. */
export interface Otlp {
  readonly reader: PeriodicExportingMetricReader;
  readonly tracing: Tracing;
  shutdown(): Promise<void>;
}

/** What the SDK says goes to the log: a push that fails is otherwise silent. */
function logComplaints(outcomes: ExportOutcomes): void {
  const warn = (message: string, ...details: unknown[]): void => outcomes.complaint(message, details);
  const quiet = (): void => undefined;
  const complaints = { error: warn, warn, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(complaints, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** Starts tracing (O1) and prepares the push of metrics. Sends nothing yet. */
export function startOtlp(options: OtlpOptions): Otlp {
  const { endpoint, resource, tracesSampleRatio: sampleRatio, producer, chance } = options;
  const outcomes = new ExportOutcomes(options.meter, options.logger);
  logComplaints(outcomes);
  const base = endpoint.replace(/\/+$/, "");
  const spans = new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis });
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    contextManager: new StackContextManager(), // O2
    metricReaders: [],
    logRecordProcessors: [],
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: outcomes.watch("traces", spans),
        scheduledDelayMillis: sendEveryMs,
        exportTimeoutMillis: timeoutMillis + 1_000, // the exporter's own time limit comes first
      }),
    ],
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }), // tracing-otel.ts S1
  });
  sdk.start();
  const exporter = outcomes.watch(
    "metrics",
    new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis }),
  );
  const reader = new PeriodicExportingMetricReader({
    exporter,
    metricProducers: [producer],
    exportTimeoutMillis: timeoutMillis,
  });
  const tracing = otelTracing({ tracer: trace.getTracer("@cpg/edge"), sampleRatio, chance });
  return { reader, tracing, shutdown: () => sdk.shutdown() };
}
