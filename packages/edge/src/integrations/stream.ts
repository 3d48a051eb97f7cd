// The `stream` integration: XADD to a Redis Stream partitioned by charge point, then an answer of our own. See ROUTES.md.
//
// Z1. A transaction message is answered only when a replica holds it. Until then it is tried again; at the route's
//     deadline the answer is InternalError, which says what the last attempt failed of, and the station keeps the message.
// Z2. A charge point's messages are in one partition, and those of one connection in the order in which it sent them: the next one is appended when this one
//     is answered. What it left behind when that connection ended (left-behind.ts) may come behind what it says over the next: to hold that one
//     back would keep a station waiting that has come back. The epoch tells.
// Z3. A full stream holds its messages, up to the deadline; it is never trimmed.
// Z4. What is told of a session (`$connect`, `$disconnect`) is best effort: where very many entries wait for its master already, it is given up at once. Of
//     CALLs each station has one; of these a storm while a master hangs brings two for each connection, and nothing else bounds them.

import { isTransactionMessage, subprotocolOf } from "@cpg/ocpp";
import type { Span } from "@cpg/telemetry";
import { fnvStart, fnvStep } from "../fnv.ts";
import type { CallAnswer, InboundCall, Route } from "../integration.ts";
import type { AttemptEnd, IntegrationInstruments } from "../instruments.ts";
import { isoTime } from "../iso-time.ts";
import type { JsonObject } from "../json-reader.ts";
import { beginAppendSpan } from "../spans.ts";
import { untilDeadline, type Expiry, type Patience, type RetryPorts, type Step } from "../until-deadline.ts";
import { eventType } from "./cloud-event.ts";
import type { Append, Appended, StreamLog } from "./stream-log.ts";

/** One route to a stream. */
export interface StreamRouteOptions {
  readonly name: string;
  /** `<redis.keyPrefix>`. */
  readonly keyPrefix: string;
  /** Name of the integration: the stream's. */
  readonly stream: string;
  readonly partitions: number;
  readonly maxLength: number;
  readonly replicas: number;
  readonly deadlineMs: number;
  /** Payload of the answer; a value `"$now"` becomes the time. */
  readonly answer: JsonObject;
  readonly edge: string;
}

/** What it needs. */
export interface StreamRoutePorts extends RetryPorts {
  readonly log: StreamLog;
  readonly instruments: IntegrationInstruments;
  readonly newTraceparent: () => string;
  /** Told in words of each entry that is not as safe as it should be. What Redis itself says, the log of streams tells. */
  readonly onNotStored: (why: string, action: string) => void;
  /** Told of each that is as safe as any has to be: behind a replica that is missing others go on, and say nothing of it. */
  readonly onStored: () => void;
}

// A drain that is hurried ends all sockets in one turn, at most 20,000, which are a third of that for each of three masters; a master that works writes
// 128 in 2.5 ms. So many wait only for one that hangs, and hold 20 MB (Z4).
const mostBeforeEvents = 10_000;

type NotStored = Exclude<Appended["kind"], "ok">;

const ends: Readonly<Record<Appended["kind"], AttemptEnd>> = {
  ok: "ok",
  unconfirmed: "timeout",
  full: "overload",
  givenUp: "timeout",
  unreachable: "unreachable",
};
const problems: Readonly<Record<Exclude<NotStored, "unreachable"> | "crowded", string>> = {
  unconfirmed:
    "fewer than routes.stream.waitReplicas replicas had an entry within routes.stream.waitTimeoutMs",
  full: "a partition has as many entries as it may: maxLength",
  givenUp: "an entry was not written before its deadline",
  crowded: `${String(mostBeforeEvents)} entries wait for one master`,
};
const timeIsUp: Readonly<Record<NotStored | "crowded", CallAnswer>> = {
  unconfirmed: notDurable("too few replicas have it"),
  full: notDurable("the stream is full"),
  givenUp: notDurable("Redis is silent"),
  unreachable: notDurable("Redis did not take it"),
  crowded: notDurable("too many others wait for Redis"),
};

/** Makes a route to a stream. */
export function createStreamRoute(options: StreamRouteOptions, ports: StreamRoutePorts): Route {
  const answer = templateOf(options.answer);

  async function attempt(
    entry: Append,
    action: string,
    span: Span | undefined,
    expiry: Expiry,
  ): Promise<Step<CallAnswer> & { readonly knownId: string }> {
    const startedMs = ports.time.monotonicMs();
    const appended = await ports.log.append(entry, expiry);
    ports.instruments.attempt(ends[appended.kind], (ports.time.monotonicMs() - startedMs) / 1000);
    span?.event("attempt", { "cpg.outcome": appended.kind });
    if (appended.kind !== "ok") {
      const knownId = "id" in appended ? appended.id : entry.knownId;
      // What is written and was given up waits for its replicas still.
      const what = appended.kind === "givenUp" && knownId !== "" ? "unconfirmed" : appended.kind;
      if (what !== "unreachable") ports.onNotStored(problems[what], action);
      return { kind: "again", knownId, otherwise: timeIsUp[what] };
    }
    if (entry.replicas >= options.replicas) ports.onStored();
    return { kind: "done", knownId: "", value: { kind: "result", payloadJson: answer(ports.time.wallMs()) } };
  }

  async function serve(call: InboundCall): Promise<CallAnswer> {
    const { version, key } = call.station;
    const stream = streamKey(options, partitionOf(key, options.partitions));
    if (call.patience === "once" && ports.log.waitingFor(stream) >= mostBeforeEvents) {
      ports.instruments.attempt("overload", undefined); // Z4
      ports.onNotStored(problems.crowded, call.action);
      return timeIsUp.crowded;
    }
    const span = call.span && beginAppendSpan(call.span, options.stream, stream, call.callId);
    let entry: Append = {
      stream,
      maxLength: options.maxLength,
      fields: fieldsOf(call, options.edge, {
        wallMs: ports.time.wallMs(),
        traceparent: span?.traceparent ?? ports.newTraceparent(),
      }),
      replicas: isTransactionMessage(call.action, version) ? options.replicas : 0, // Z1
      knownId: "",
    };
    const patience: Patience = {
      deadlineMs: options.deadlineMs,
      attempts: call.patience === "once" ? "once" : "many",
    };
    const tryIt = async (expiry: Expiry): Promise<Step<CallAnswer>> => {
      const step = await attempt(entry, call.action, span, expiry);
      if (step.kind === "again") entry = { ...entry, knownId: step.knownId };
      return step;
    };
    const stored = await untilDeadline(tryIt, patience, ports, call);
    span?.end(stored.kind === "fault" ? "notDurable" : undefined);
    return stored;
  }

  return { name: options.name, kind: "stream", serve };
}

function notDurable(why: string): CallAnswer {
  const description = `the message could not be stored in time (${why})`;
  return { kind: "fault", fault: "internalError", description };
}

/** Key of a partition's stream: `cpg:{s03}:calls:meters`. */
export function streamKey(
  options: Pick<StreamRouteOptions, "keyPrefix" | "stream">,
  partition: number,
): string {
  return `${options.keyPrefix}{s${String(partition).padStart(2, "0")}}:calls:${options.stream}`;
}

/** FNV-1a (32 bits) over the UTF-8 of the key, modulo `partitions` (Z2). */
export function partitionOf(key: string, partitions: number): number {
  let hash = fnvStart;
  for (const byte of Buffer.from(key)) hash = fnvStep(hash, byte);
  return hash % partitions;
}

function fieldsOf(
  call: InboundCall,
  edge: string,
  at: { readonly wallMs: number; readonly traceparent: string },
): readonly string[] {
  const { station } = call;
  const fields: readonly (readonly [string, string])[] = [
    ["id", call.callId],
    ["type", eventType(call)],
    ["identity", station.identity],
    ["subprotocol", subprotocolOf(station.version)],
    ["action", call.action],
    ["messageId", call.messageId],
    ["payload", call.payloadJson],
    ["time", isoTime(at.wallMs)],
    ["edge", edge],
    ["connection", station.connection],
    ["epoch", station.epoch === undefined ? "" : String(station.epoch)],
    ["traceparent", at.traceparent],
  ];
  return fields.flat();
}

/** What stands for the time in the text: no value that anybody writes, and not `"$now"` itself, which may also be a key or the end of a longer one. */
const nowMark = "\u0000$now\u0000";

/** The answer as text, ready but for the time. */
function templateOf(answer: JsonObject): (wallMs: number) => string {
  const text = JSON.stringify(answer, (_key, value: unknown) => (value === "$now" ? nowMark : value));
  const parts = text.split(JSON.stringify(nowMark));
  return parts.length === 1 ? () => text : (wallMs) => parts.join(`"${isoTime(wallMs)}"`);
}
