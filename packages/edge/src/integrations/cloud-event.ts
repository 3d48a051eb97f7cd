// A CALL as a CloudEvent 1.0 in binary mode: attributes in headers, the payload as body. Pure.

import { actions, ocppVersions, subprotocolOf, type OcppVersion } from "@cpg/ocpp";
import type { InboundCall } from "../integration.ts";
import { isoTime } from "../iso-time.ts";

/** Who sends the events of a route. */
export interface EventSource {
  readonly edge: string;
  /** `ce-source`. */
  readonly source: string;
}

/** The edge as a source of events. */
export function sourceOf(edge: string): EventSource {
  return { edge, source: `/edges/${edge}` };
}

/** Names of CloudEvents' headers, of ours and of the trace's: all that a CALL's request may have beyond those that HTTP itself knows. */
export const eventHeaderNames = [
  "ce-specversion",
  "ce-source",
  "ce-id",
  "ce-type",
  "ce-subject",
  "ce-time",
  "cpg-edge",
  "cpg-connection",
  "cpg-subprotocol",
  "cpg-message-id",
  "cpg-epoch",
  "traceparent",
] as const;

/**
 * Headers of one event, as name, value, name, value, …: the same for every attempt, `ce-time` is the first one's. One list, written down at
 * once: this is done for every CALL.
 */
export function eventHeaders(call: InboundCall, { edge, source }: EventSource, wallMs: number): string[] {
  const { callId, messageId, station } = call;
  const headers = [
    "content-type",
    "application/json",
    "accept",
    "application/json",
    "ce-specversion",
    "1.0",
    "ce-source",
    source,
    "ce-id",
    callId,
    "ce-type",
    eventType(call),
    "ce-subject",
    headerText(station.identity),
    "ce-time",
    isoTime(wallMs),
    "cpg-edge",
    edge,
    "cpg-connection",
    station.connection,
    "cpg-subprotocol",
    subprotocolOf(station.version),
  ];
  if (messageId !== "") headers.push("cpg-message-id", headerText(messageId));
  if (station.epoch !== undefined) headers.push("cpg-epoch", String(station.epoch));
  return headers;
}

const isPlain = /^[\x21\x23\x24\x26-\x7e]*$/;

/** Of all known actions, by version: a CALL's is looked up and not put together. */
const knownTypes: ReadonlyMap<OcppVersion, ReadonlyMap<string, string>> = new Map(
  ocppVersions.map((version) => [
    version,
    new Map([...actions[version].keys()].map((action) => [action, typeOf(action, version)])),
  ]),
);

/** `ocpp1.6.BootNotification`, `cpg.connect`, `cpg.disconnect`. */
export function eventType({ action, station }: InboundCall): string {
  return knownTypes.get(station.version)?.get(action) ?? typeOf(action, station.version);
}

function typeOf(action: string, version: OcppVersion): string {
  return action.startsWith("$")
    ? `cpg.${action.slice(1)}`
    : `${subprotocolOf(version)}.${headerText(action)}`;
}

/** Percent-encodes what a header cannot hold, as the CloudEvents HTTP binding §3.1.3.2 says; decodes back with decodeURIComponent. */
export function headerText(text: string): string {
  if (isPlain.test(text)) return text; // nearly always, at a tenth of the cost
  return wellFormed(text).replace(/[^\x21-\x7e]|["%]/gu, (character: string) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

/** Half a surrogate pair has no UTF-8 and makes encodeURIComponent throw: it becomes U+FFFD. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
