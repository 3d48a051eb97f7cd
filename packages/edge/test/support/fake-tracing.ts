// Tracing that keeps its spans where a test can see them.

import { readTraceparent, type Span, type SpanAttributes, type SpanKind, type Tracing } from "@cpg/telemetry";

export class FakeSpan implements Span {
  readonly children: FakeSpan[] = [];
  readonly events: string[] = [];
  /** One entry for each end: must never be two. */
  readonly ends: (string | undefined)[] = [];
  attributes: SpanAttributes;
  readonly name: string;
  readonly kind: SpanKind;
  readonly logFields: Span["logFields"];
  readonly #newId: () => number;

  constructor(name: string, kind: SpanKind, attributes: SpanAttributes, newId: () => number) {
    this.name = name;
    this.kind = kind;
    this.attributes = attributes;
    this.#newId = newId;
    this.logFields = { trace_id: "a".repeat(32), span_id: newId().toString(16).padStart(16, "0") };
  }

  get traceparent(): string {
    return `00-${this.logFields.trace_id}-${this.logFields.span_id}-01`;
  }
  child(name: string, kind: SpanKind, attributes: SpanAttributes = {}): Span {
    const child = new FakeSpan(name, kind, attributes, this.#newId);
    this.children.push(child);
    return child;
  }
  set(attributes: SpanAttributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }
  event(name: string): void {
    this.events.push(name);
  }
  end(error?: string): void {
    this.ends.push(error);
  }
}

export class FakeTracing implements Tracing {
  readonly roots: FakeSpan[] = [];
  isSampling = true;
  #lastId = 0;
  readonly #newId = (): number => (this.#lastId += 1);

  samples(): boolean {
    return this.isSampling;
  }
  begin(name: string, kind: SpanKind, attributes: SpanAttributes = {}): Span {
    if (!this.isSampling) throw new Error("a span was begun that nobody keeps");
    const root = new FakeSpan(name, kind, attributes, this.#newId);
    this.roots.push(root);
    return root;
  }
  resume(traceparent: string | undefined, name: string, kind: SpanKind, attributes: SpanAttributes = {}) {
    if (readTraceparent(traceparent)?.isSampled !== true) return undefined;
    const root = new FakeSpan(name, kind, { ...attributes, resumed: traceparent }, this.#newId);
    this.roots.push(root);
    return root;
  }
  /** All of them as `name: how it ended`. */
  get told(): string[] {
    const tell = ({ name, ends, children }: FakeSpan): string[] => [
      `${name}: ${ends.length === 1 ? (ends[0] ?? "well") : `${String(ends.length)} ends`}`,
      ...children.flatMap(tell),
    ];
    return this.roots.flatMap(tell);
  }
}
