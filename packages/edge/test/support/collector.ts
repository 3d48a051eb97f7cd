// An OTLP/HTTP collector that keeps the spans it is sent. Reads just enough protobuf for opentelemetry/proto/trace/v1.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** A span as it arrived. */
export interface SentSpan {
  readonly service: string;
  readonly edge: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `""` for the first of a trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer" | "unspecified";
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly string[];
  readonly isError: boolean;
}

export interface Collector {
  readonly url: string;
  /** Everything that was sent so far. */
  readonly spans: readonly SentSpan[];
  /** Requests by path. */
  requests(path: string): number;
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const spans: SentSpan[] = [];
  const requests = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url = "" } = request;
      requests.set(url, (requests.get(url) ?? 0) + 1);
      const body = Buffer.concat(chunks);
      const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      if (url === "/v1/traces") spans.push(...spansOf(plain));
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = Object(server.address());
  return {
    url: `http://127.0.0.1:${String(port)}`,
    spans,
    requests: (path) => requests.get(path) ?? 0,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** One field: a number (varint), eight bytes, or bytes with their length. */
interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Buffer;
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    const value = type === 0 ? varint() : 0;
    const length = type === 1 ? 8 : type === 2 ? varint() : type === 5 ? 4 : 0;
    fields.push({ number: tag >> 3, value, bytes: message.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

const all = (fields: readonly Field[], number: number): Field[] => fields.filter((f) => f.number === number);
const bytes = (fields: readonly Field[], number: number): Buffer =>
  all(fields, number)[0]?.bytes ?? Buffer.alloc(0);
const kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;

function attributesOf(pairs: readonly Field[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair.bytes);
      const [any] = fieldsOf(bytes(fields, 2));
      const value =
        any === undefined
          ? ""
          : any.number === 1
            ? any.bytes.toString()
            : any.number === 4
              ? any.bytes.readDoubleLE()
              : any.number === 2
                ? any.value === 1
                : any.value;
      return [bytes(fields, 1).toString(), value];
    }),
  );
}

// ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span
function spansOf(request: Buffer): SentSpan[] {
  return all(fieldsOf(request), 1).flatMap((resourceSpans) => {
    const fields = fieldsOf(resourceSpans.bytes);
    const resource = attributesOf(all(fieldsOf(bytes(fields, 1)), 1));
    const service = String(resource["service.name"]);
    const edge = String(resource["service.instance.id"]);
    return all(fields, 2)
      .flatMap((scopeSpans) => all(fieldsOf(scopeSpans.bytes), 2))
      .map((span) => ({ service, edge, ...spanOf(fieldsOf(span.bytes)) }));
  });
}

function spanOf(fields: readonly Field[]): Omit<SentSpan, "service" | "edge"> {
  const status = fieldsOf(bytes(fields, 15));
  return {
    traceId: bytes(fields, 1).toString("hex"),
    spanId: bytes(fields, 2).toString("hex"),
    parentId: bytes(fields, 4).toString("hex"),
    name: bytes(fields, 5).toString(),
    kind: kinds[all(fields, 6)[0]?.value ?? 0] ?? "unspecified",
    attributes: attributesOf(all(fields, 9)),
    events: all(fields, 11).map((event) => bytes(fieldsOf(event.bytes), 2).toString()),
    isError: all(status, 3)[0]?.value === 2,
  };
}
