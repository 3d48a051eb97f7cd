// Traces, as the rest of the gateway sees them: the port, and the tracing that is off. Pure.
//
// R1. Untraced is the rule. What is not sampled has no span at all: it costs one comparison, and callers write `span?.`.
// R2. A parent is handed on by hand, never by an ambient context: on Node 22 an AsyncLocalStorage that was entered once
//     slows every promise of the process, traced or not.
// R3. A span ends once. What is said to it afterwards is lost.

/** What a span stands for, as OpenTelemetry's SpanKind. */
export type SpanKind = "server" | "client" | "producer" | "internal";

/** What is known of a span; by OpenTelemetry's semantic conventions where they have a name. Undefined is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A sampled piece of work. */
export interface Span {
  /** To hand on: W3C Trace Context `traceparent`. */
  readonly traceparent: string;
  /** For a line of the log. */
  readonly logFields: { readonly trace_id: string; readonly span_id: string };
  /** Begins a part of it. `name` is of a small set: what differs from message to message is an attribute. */
  child(name: string, kind: SpanKind, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Something that happened at this moment. */
  event(name: string, attributes?: SpanAttributes): void;
  /** Ends it (R3). `error`: a name from a small set of what went wrong; it becomes `error.type`. */
  end(error?: string): void;
}

/** Where spans begin. */
export interface Tracing {
  /** Whether the next trace that begins here is one of those that are kept. Ask before `begin`. */
  samples(): boolean;
  /** Begins a trace that is kept. */
  begin(name: string, kind: SpanKind, attributes?: SpanAttributes): Span;
  /** Goes on with the trace of `traceparent` if that one is kept; undefined if not, or if it is none. */
  resume(
    traceparent: string | undefined,
    name: string,
    kind: SpanKind,
    attributes?: SpanAttributes,
  ): Span | undefined;
}

/** A `traceparent` that was read. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

// Version 00 is this and nothing more; a later one begins the same (Trace Context §3.2.4); ff is none.
const form = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const lengthOf00 = 55;
const longest = 256;

/** Reads a `traceparent`; undefined if it is none. */
export function readTraceparent(text: string | undefined): TraceParent | undefined {
  if (text === undefined || text.length > longest) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = form.exec(text) ?? [];
  if (traceId === "" || (text.startsWith("00-") && text.length !== lengthOf00)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/**
 * A span for a request from outside: the caller's decision counts where it made one, else the ratio's. Undefined: not
 * traced.
 */
export function acceptSpan(
  tracing: Tracing,
  traceparent: string | undefined,
  name: string,
  attributes: SpanAttributes,
): Span | undefined {
  if (readTraceparent(traceparent) !== undefined) {
    return tracing.resume(traceparent, name, "server", attributes);
  }
  return tracing.samples() ? tracing.begin(name, "server", attributes) : undefined;
}

/** Keeps nothing (R1). */
export const noTracing: Tracing = {
  samples: () => false,
  begin: () => nothing,
  resume: () => undefined,
};

const nothing: Span = {
  traceparent: "",
  logFields: { trace_id: "", span_id: "" },
  child: () => nothing,
  set: () => undefined,
  event: () => undefined,
  end: () => undefined,
};
