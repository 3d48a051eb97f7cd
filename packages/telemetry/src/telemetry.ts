// The telemetry of a process: the meter, its readers, the log.
//
// T1. Nobody branches on whether telemetry is on: `noTelemetry` counts just the same, and nobody reads it.
// T2. Ends in order: the last metrics are pushed, then the port closes, and the log works to the end.
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { createLogger } from "./log.ts";
import type { LogOptions, Logger } from "./log.ts";
import { PlainMeter } from "./meter.ts";
import type { Meter } from "./meter.ts";
import { observeHost } from "./host-metrics.ts";
import { observeProcess } from "./process-metrics.ts";
import { PlainProducer } from "./producer.ts";
import { serveMetrics } from "./scrape.ts";
import { chance as systemChance, wallMs as systemWallMs } from "./time.ts";
import { noTracing } from "./tracing.ts";
import type { Tracing } from "./tracing.ts";

/** What everybody who counts or logs is handed. */
export interface Telemetry extends Meter {
  readonly logger: Logger;
  /** Keeps nothing where no collector is configured. */
  readonly tracing: Tracing;
  /** Where Prometheus finds the metrics; undefined where they are not served. */
  readonly metricsUrl: string | undefined;
  /** Pushes what is left and closes the port. Never rejects: a collector that is away does not stop an exit. */
  shutdown(): Promise<void>;
}

/** How to start; the names follow the settings. */
export interface TelemetryOptions {
  readonly serviceName: string;
  readonly edge: string;
  readonly logLevel: LogOptions["level"];
  /** Where to serve /metrics; absent: nowhere. Port 0 takes any free port. */
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
  /** Base URL of an OTLP/HTTP collector; absent: none, and no traces. */
  readonly otlpEndpoint?: string | undefined;
  /** Share of the traces begun here that are kept, from 0 to 1; a caller's own sampled trace is always gone on with. */
  readonly tracesSampleRatio?: number | undefined;
  readonly logDestination?: LogOptions["destination"] | undefined;
  /** Milliseconds since 1970; the system's unless given. */
  readonly wallMs?: (() => number) | undefined;
  /** From [0, 1): which traces are kept; the system's unless given. */
  readonly chance?: (() => number) | undefined;
}

/** Starts counting, serving and logging. Rejects with the system's error if the metrics port is taken. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { serviceName, edge, logLevel: level, logDestination: destination } = options;
  const logger = createLogger({ level, serviceName, edge, destination });
  const meter = new PlainMeter((instrument, error) =>
    logger.error({ err: error, instrument }, "not observed"),
  );
  const observations = [observeProcess(meter), observeHost(meter)];
  const readers = await startReaders(options, meter, logger);
  const closeReaders = async (): Promise<void> => {
    for (const end of observations) end();
    const ends = await Promise.allSettled([readers.provider.shutdown(), readers.otlp?.shutdown()]);
    for (const end of ends)
      if (end.status === "rejected") logger.warn({ err: end.reason }, "telemetry was not flushed");
  };
  try {
    const server =
      options.metrics === undefined ? undefined : await serveMetrics(readers.exporter, options.metrics);
    const shutdown = async (): Promise<void> => {
      await closeReaders(); // T2
      await server?.close();
    };
    const tracing = readers.otlp?.tracing ?? noTracing;
    return asTelemetry(meter, { logger, tracing, metricsUrl: server?.url, shutdown });
  } catch (error) {
    await closeReaders();
    throw error;
  }
}

/** Everything that reads the meter: Prometheus when it asks, a collector every minute. */
async function startReaders(options: TelemetryOptions, meter: PlainMeter, logger: Logger) {
  const { serviceName, edge, otlpEndpoint: endpoint, tracesSampleRatio = 0 } = options;
  const { wallMs = systemWallMs, chance = systemChance } = options;
  if (endpoint === undefined && tracesSampleRatio > 0) {
    logger.warn("telemetry.tracesSampleRatio has no effect: telemetry.otlpEndpoint says where traces go");
  }
  const producer = new PlainProducer(meter, wallMs);
  const resource = resourceFromAttributes({ "service.name": serviceName, "service.instance.id": edge });
  const metricProducers = [producer];
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    metricProducers,
  });
  const otlp =
    endpoint === undefined
      ? undefined
      : (await import("./otlp.ts")).startOtlp({
          endpoint,
          resource,
          tracesSampleRatio,
          chance,
          producer,
          logger,
          meter,
        });
  const provider = new MeterProvider({
    resource,
    readers: otlp === undefined ? [exporter] : [exporter, otlp.reader],
  });
  return { exporter, otlp, provider };
}

/** Counts like the real one, is read by nobody, logs nothing (T1). */
export function noTelemetry(): Telemetry {
  const logger = createLogger({ level: "silent", serviceName: "none", edge: "none" });
  const meter = new PlainMeter(() => undefined);
  return asTelemetry(meter, {
    logger,
    tracing: noTracing,
    metricsUrl: undefined,
    shutdown: () => Promise.resolve(),
  });
}

function asTelemetry(meter: Meter, rest: Omit<Telemetry, keyof Meter>): Telemetry {
  return {
    counter: (name, ...labels) => meter.counter(name, ...labels),
    gauge: (name, ...labels) => meter.gauge(name, ...labels),
    histogram: (name, ...labels) => meter.histogram(name, ...labels),
    observe: (name, read) => meter.observe(name, read),
    ...rest,
  };
}
