import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, test } from "vitest";
import { acceptSpan, noTracing, readTraceparent, type Tracing } from "../src/index.ts";
import { otelTracing } from "../src/tracing-otel.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const sampled = `00-${traceId}-${spanId}-01`;
const unsampled = `00-${traceId}-${spanId}-00`;

function recorded(sampleRatio: number, chance = () => 0.5) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracing = otelTracing({ tracer: provider.getTracer("test"), sampleRatio, chance });
  return { tracing, spans: () => exporter.getFinishedSpans() };
}

describe("a traceparent", () => {
  test("is read by Trace Context §3.2", () => {
    expect(readTraceparent(sampled)).toEqual({ traceId, spanId, isSampled: true });
    expect(readTraceparent(unsampled)?.isSampled).toBe(false);
    expect(readTraceparent(`00-${traceId}-${spanId}-03`)?.isSampled).toBe(true); // other flags do not matter
    expect(readTraceparent(`01-${traceId}-${spanId}-01-later-versions-may-have-more`)?.isSampled).toBe(true);
    expect(readTraceparent(`cc-${traceId}-${spanId}-01`)?.isSampled).toBe(true);
  });

  test.each([
    undefined,
    "",
    "x",
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01-`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-011`,
    `01-${traceId}-${spanId}-01more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `${sampled}, ${sampled}`, // two headers, as Node joins them
    ` ${sampled}`,
    `01-${traceId}-${spanId}-01-${"x".repeat(10_000)}`,
  ])("%s is none", (text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });
});

describe("spans", () => {
  test("of one trace hang together by their parents, and say who comes next", () => {
    const { tracing, spans } = recorded(1);
    const root = tracing.begin("root", "server", { "cpg.identity": "CP1", nothing: undefined });
    const child = root.child("child", "client");
    child.event("seen", { n: 1 });
    child.set({ "http.response.status_code": 200 });
    child.end();
    root.end("timeout");
    const [first, second] = spans();
    expect(first).toMatchObject({ name: "child", kind: 2, attributes: { "http.response.status_code": 200 } });
    expect(first?.events.map(({ name, attributes }) => [name, attributes])).toEqual([["seen", { n: 1 }]]);
    expect(first?.parentSpanContext?.spanId).toBe(second?.spanContext().spanId);
    expect(second).toMatchObject({ kind: 1, status: { code: 2 } });
    expect(second?.attributes).toEqual({ "cpg.identity": "CP1", "error.type": "timeout" });
    expect(second?.parentSpanContext).toBeUndefined();
    const { trace_id, span_id } = child.logFields;
    expect(child.traceparent).toBe(`00-${trace_id}-${span_id}-01`);
    expect(trace_id).toBe(root.logFields.trace_id);
  });

  test("go on with a trace from outside that is kept, and with no other", () => {
    const { tracing, spans } = recorded(0);
    tracing.resume(sampled, "peer", "server")?.end();
    expect(spans()[0]?.spanContext().traceId).toBe(traceId);
    expect(spans()[0]?.parentSpanContext?.spanId).toBe(spanId);
    for (const text of [unsampled, "no traceparent", undefined]) {
      expect(tracing.resume(text, "peer", "server")).toBeUndefined();
    }
  });

  test("after their end nothing changes them, and nothing throws", () => {
    const { tracing, spans } = recorded(1);
    const span = tracing.begin("root", "internal");
    span.end();
    span.set({ late: true });
    span.end("late");
    expect(spans()).toHaveLength(1);
    expect(spans()[0]?.attributes).toEqual({});
  });
});

describe("who is sampled", () => {
  test("the share that the ratio says; none at 0, all at 1", () => {
    const share = (ratio: number): number => {
      let n = 0;
      const { tracing } = recorded(ratio, () => (n += 1 / 1_000) - 1 / 1_000);
      return Array.from({ length: 1_000 }, () => tracing.samples()).filter(Boolean).length;
    };
    expect([0, 0.25, 1].map(share)).toEqual([0, 250, 1_000]);
  });

  const named = (span: ReturnType<typeof acceptSpan>): string | undefined => span?.logFields.trace_id;

  test("a caller decides for its own trace, whatever the ratio; where it names none, the ratio does", () => {
    const [never, always] = [recorded(0).tracing, recorded(1).tracing];
    expect(named(acceptSpan(never, sampled, "x", {}))).toBe(traceId);
    expect(acceptSpan(always, unsampled, "x", {})).toBeUndefined();
    expect(acceptSpan(never, undefined, "x", {})).toBeUndefined();
    expect(named(acceptSpan(always, undefined, "x", {}))).toMatch(/^[0-9a-f]{32}$/);
    expect(named(acceptSpan(always, "garbage", "x", {}))).not.toBe(traceId);
  });

  test("with tracing off nobody, not even a caller's sampled trace", () => {
    const off: Tracing = noTracing;
    expect(off.samples()).toBe(false);
    expect(acceptSpan(off, sampled, "x", {})).toBeUndefined();
  });
});
