// The port of tracing.ts over OpenTelemetry's API. Who hands over the tracer decides what becomes of its spans.
//
// S1. Whether a trace is kept is decided here, before there is a span: the SDK would make an object and two random ids for
//     each message only to throw them away. So the SDK's own sampler keeps whatever begins.

import { ROOT_CONTEXT, SpanKind as Kind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import type { Context, Span as OtelApiSpan, Tracer } from "@opentelemetry/api";
import { readTraceparent } from "./tracing.ts";
import type { Span, SpanAttributes, SpanKind, Tracing } from "./tracing.ts";

const kinds: Readonly<Record<SpanKind, Kind>> = {
  server: Kind.SERVER,
  client: Kind.CLIENT,
  producer: Kind.PRODUCER,
  internal: Kind.INTERNAL,
};

/** What it is made of. */
export interface OtelTracingOptions {
  readonly tracer: Tracer;
  /** Share of the traces begun here that are kept, from 0 to 1. */
  readonly sampleRatio: number;
  /** From [0, 1). */
  readonly chance: () => number;
}

/** Tracing whose spans go to `tracer`. */
export function otelTracing({ tracer, sampleRatio, chance }: OtelTracingOptions): Tracing {
  return {
    samples: () => sampleRatio > 0 && chance() < sampleRatio, // S1
    begin: (name, kind, attributes = {}) => new OtelSpan(tracer, ROOT_CONTEXT, { name, kind, attributes }),
    resume(traceparent, name, kind, attributes = {}) {
      const parent = readTraceparent(traceparent);
      if (parent === undefined || !parent.isSampled) return undefined;
      const { traceId, spanId } = parent;
      const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
      return new OtelSpan(tracer, trace.setSpanContext(ROOT_CONTEXT, remote), { name, kind, attributes });
    },
  };
}

interface Beginning {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: SpanAttributes;
}

class OtelSpan implements Span {
  readonly #tracer: Tracer;
  readonly #span: OtelApiSpan;

  constructor(tracer: Tracer, parent: Context, { name, kind, attributes }: Beginning) {
    this.#tracer = tracer;
    this.#span = tracer.startSpan(name, { kind: kinds[kind], attributes: { ...attributes } }, parent);
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  get logFields(): Span["logFields"] {
    const { traceId, spanId } = this.#span.spanContext();
    return { trace_id: traceId, span_id: spanId };
  }

  child(name: string, kind: SpanKind, attributes: SpanAttributes = {}): Span {
    return new OtelSpan(this.#tracer, trace.setSpan(ROOT_CONTEXT, this.#span), { name, kind, attributes });
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes({ ...attributes });
  }

  event(name: string, attributes: SpanAttributes = {}): void {
    this.#span.addEvent(name, { ...attributes });
  }

  end(error?: string): void {
    if (error !== undefined) {
      this.#span.setAttribute("error.type", error);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
