// The spans of the edge: their names and attributes, once. By OpenTelemetry's semantic conventions where they have a name,
// else `ocpp.` (the protocol's) and `cpg.` (ours). Pure but for the spans.
//
//   OCPP <action> (server)                                     a charge point's CALL, from its arrival to its answer
//     └ POST <path of the route> (client), once an attempt     its traceparent goes to the backend
//     └ XADD <integration> (producer)                          its traceparent goes into the entry
//   POST /v1/charge-points/{id}/commands (server)              a command, from the API's caller
//     ├ registry lookup (client)                               where a socket is here: is it the newest?
//     ├ peer command (client) → peer command (server)          where none is: through the registry to the edge that holds it
//     └ OCPP <action> (client)                                 the CALL to the charge point, below whoever holds it
//
// N1. A name is of a small set, whatever a charge point or a caller invents; what they wrote stands in attributes.
// N2. No payload, no credential, no query of a URL.

import { actionLabel, subprotocolOf, type OcppVersion } from "@cpg/ocpp";
import { acceptSpan, type Span, type SpanAttributes, type Tracing } from "@cpg/telemetry";
import type { Located } from "./commands/locate.ts";
import type { CommandOutcome } from "./commands/outcomes.ts";
import type { PeerAnswer } from "./commands/peer-link.ts";
import type { CommandBody } from "./commands/peer-words.ts";
import type { AttemptEnd } from "./instruments.ts";
import type { CallAnswer, Station } from "./integration.ts";
import type { Fetched } from "./integrations/http-target.ts";
import type { CallOutcome } from "./session-port.ts";

/** Begins the span of what came from a charge point: a CALL, a SEND, `$connect` or `$disconnect`. Ask `samples` first. */
export function beginCallSpan(tracing: Tracing, station: Station, action: string, messageId: string): Span {
  return tracing.begin(`OCPP ${nameOf(action, station.version)}`, "server", {
    ...callAttributes(station, action),
    "ocpp.message_id": messageId,
    "client.address": station.remote,
  });
}

/** Ends it with its answer. */
export function endCallSpan(span: Span, answer: CallAnswer, isSent: boolean): void {
  span.set({
    "ocpp.answer": answer.kind === "result" ? "CALLRESULT" : "CALLERROR",
    "ocpp.answer_sent": isSent,
  });
  if (answer.kind === "result") span.end();
  else span.end(answer.kind === "fault" ? answer.fault : answer.code);
}

/** What is the same for all attempts of a route over HTTP. */
export interface DescribedAttempts {
  readonly name: string;
  readonly attributes: SpanAttributes;
}

/** Describes the attempts of a route; `pathTemplate` as in the routes file. */
export function describeAttempts(origin: string, pathTemplate: string): DescribedAttempts {
  const { protocol, hostname, port } = new URL(origin);
  const path = pathTemplate.split("?", 1)[0] ?? ""; // N2
  return {
    name: `POST ${path}`,
    attributes: {
      "http.request.method": "POST",
      "url.scheme": protocol.slice(0, -1),
      "url.template": path,
      "server.address": hostname,
      "server.port": port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
    },
  };
}

/** Begins an attempt to have a CALL answered over HTTP. */
export function beginAttemptSpan(call: Span, { name, attributes }: DescribedAttempts): Span {
  return call.child(name, "client", attributes);
}

/** Ends it. */
export function endAttemptSpan(span: Span, end: AttemptEnd, fetched: Fetched): void {
  if (fetched.kind === "reply") span.set({ "http.response.status_code": fetched.reply.status });
  span.end(end === "ok" ? undefined : end);
}

/** Begins the append of a CALL to a stream; an append may take several attempts. */
export function beginAppendSpan(call: Span, stream: string, key: string, callId: string): Span {
  return call.child(`XADD ${stream}`, "producer", {
    "messaging.system": "redis",
    "messaging.operation.type": "send",
    "messaging.operation.name": "XADD",
    "messaging.destination.name": key,
    "messaging.message.id": callId,
  });
}

/** Begins the span of a command that came to the API; `traceparent` is its caller's. */
export function acceptCommandSpan(
  tracing: Tracing,
  traceparent: string | undefined,
  identity: string,
  action: string,
): Span | undefined {
  return acceptSpan(tracing, traceparent, "POST /v1/charge-points/{id}/commands", {
    "http.request.method": "POST",
    "http.route": "/v1/charge-points/{id}/commands",
    "cpg.identity": identity,
    "ocpp.action": action,
  });
}

/** Ends it with what the caller is told; also if `command` rejects, which is a bug. */
export async function tracedCommand(
  span: Span | undefined,
  command: () => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  if (span === undefined) return command();
  try {
    const outcome = await command();
    span.set({ "cpg.outcome": outcome.kind });
    span.end(outcome.kind === "answered" || outcome.kind === "rejected" ? undefined : outcome.kind);
    return outcome;
  } catch (error) {
    span.end("internal");
    throw error;
  }
}

/** Ends the question to the registry where the charge point is. */
export function endLookupSpan(span: Span | undefined, place: Located): void {
  if (span === undefined) return;
  span.set({ "cpg.place": place.kind });
  span.end(place.kind === "away" ? "registryAway" : undefined);
}

/** Begins the question to whoever holds the socket: through the registry into that edge's inbox, and back. */
export function beginPeerSpan(command: Span, action: string): Span {
  return command.child("peer command", "client", { "ocpp.action": action });
}

/** Ends it with what that edge answered, or why none did. */
export function endPeerSpan(span: Span | undefined, answer: PeerAnswer): void {
  const end = answer.kind === "reply" ? answer.reply.kind : answer.kind;
  span?.end(end === "called" ? undefined : end);
}

/** Begins the span of a command that came from another edge, if that one traces it. */
export function acceptPeerSpan(tracing: Tracing, body: CommandBody, from: string): Span | undefined {
  return tracing.resume(body.traceparent, "peer command", "server", {
    "cpg.incarnation": from,
    "ocpp.action": body.action,
  });
}

/** A CALL to a charge point's socket, as a part of whatever asked for it. `call` does not reject. */
export async function tracedCall(
  parent: Span | undefined,
  station: Pick<Station, "identity" | "connection" | "version">,
  action: string,
  call: () => Promise<CallOutcome>,
): Promise<CallOutcome> {
  if (parent === undefined) return call();
  const name = `OCPP ${nameOf(action, station.version)}`;
  const span = parent.child(name, "client", callAttributes(station, action));
  const outcome = await call();
  span.set({ "cpg.outcome": outcome.kind });
  if (outcome.kind === "rejected") span.set({ "ocpp.error_code": outcome.code });
  if ("delivery" in outcome) span.set({ "cpg.delivery": outcome.delivery });
  span.end(outcome.kind === "answered" ? undefined : outcome.kind);
  return outcome;
}

function callAttributes(
  { identity, connection, version }: Pick<Station, "identity" | "connection" | "version">,
  action: string,
): SpanAttributes {
  return {
    "rpc.system": "ocpp",
    "rpc.method": action.slice(0, longestText),
    "ocpp.subprotocol": subprotocolOf(version),
    "cpg.identity": identity,
    "cpg.connection": connection,
  };
}

// An action that no version knows may be as long as a frame.
const longestText = 128;

function nameOf(action: string, version: OcppVersion): string {
  return action === "$connect" || action === "$disconnect" ? action : actionLabel(action, version); // N1
}
