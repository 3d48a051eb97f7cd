// What becomes of the exports to a collector: each counted, an outage logged once at its beginning and once at its end. No I/O.
//
// X1. A collector that is away is nobody's fault here: it costs one line, not one a minute, and nothing waits for it.
// X2. While a signal fails, what the SDK itself says of it is the same news again: it goes to the debug log.
import type { Logger } from "./log.ts";
import type { Meter } from "./meter.ts";

/** What is exported. */
export type Signal = "metrics" | "traces";

/** An export's end as the SDK tells it; code 0 is success. */
interface ExportEnd {
  readonly code: number;
  readonly error?: Error;
}

/** The part of an exporter that is looked at. */
interface Exporter<T> {
  export(items: T, done: (end: ExportEnd) => void): void;
}

/** Counts and tells; one for all exporters of a process. */
export class ExportOutcomes {
  readonly #meter: Pick<Meter, "counter">;
  readonly #logger: Pick<Logger, "info" | "warn" | "debug">;
  readonly #failing = new Set<Signal>();

  constructor(meter: Pick<Meter, "counter">, logger: Pick<Logger, "info" | "warn" | "debug">) {
    this.#meter = meter;
    this.#logger = logger;
  }

  /** Has every export of `exporter` counted from now on. Returns it. */
  watch<T, E extends Exporter<T>>(signal: Signal, exporter: E & Exporter<T>): E {
    const send = exporter.export.bind(exporter);
    exporter.export = (items, done) =>
      send(items, (end) => {
        this.#ended(signal, end);
        done(end);
      });
    return exporter;
  }

  /** Something that the SDK has to say (X2). */
  complaint(message: string, details: readonly unknown[]): void {
    const say =
      this.#failing.size > 0 ? this.#logger.debug.bind(this.#logger) : this.#logger.warn.bind(this.#logger);
    say({ details: details.map(textOf) }, `OpenTelemetry: ${message}`);
  }

  #ended(signal: Signal, { code, error }: ExportEnd): void {
    const outcome = code === 0 ? "ok" : "failed";
    this.#meter.counter("telemetry_exports_total", { signal, outcome }).inc();
    if (outcome === "ok") {
      if (this.#failing.delete(signal))
        this.#logger.info({ signal }, "OpenTelemetry: the collector takes it again");
      return;
    }
    if (this.#failing.has(signal)) return; // X1
    this.#failing.add(signal);
    this.#logger.warn(
      { signal, err: error },
      "OpenTelemetry: the collector did not take it, and is tried again",
    );
  }
}

/** What an SDK hands on may be anything, circular and with an exporter's headers in it: of an error its words, of an object nothing. */
function textOf(detail: unknown): string {
  if (detail instanceof Error) return `${detail.name}: ${detail.message}`;
  return typeof detail === "object" && detail !== null ? "(an object)" : String(detail);
}
