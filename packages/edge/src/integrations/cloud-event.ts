// A CALL as a CloudEvent 1.0 in binary mode: attributes in headers, the payload as body. Pure.

import { actions, ocppVersions, subprotocolOf, type OcppVersion } from "@cpg/ocpp";
import type { InboundCall } from "../integration.ts";
import { isoTime } from "../iso-time.ts";
import type { HeaderBlock } from "./header-block.ts";

/**
 * What the headers of all events of a route begin with. `headers`: those of the routes file, which were checked when it was read.
 */
export function commonHeaders(edge: string, headers: ReadonlyMap<string, string>): string {
  return [
    "application/json", // of `content-type`
    "accept: application/json",
    "ce-specversion: 1.0",
    `ce-source: /edges/${edge}`,
    `cpg-edge: ${edge}`,
    ...[...headers].map(([name, value]) => `${name}: ${value}`),
    "",
  ].join("\r\n");
}

/**
 * The headers of one event: the same for every attempt, `ce-time` is the first one's. This is done for every CALL. What a charge point says of itself goes
 * through `headerText`; the rest is the edge's own (K2 of header-block.ts).
 */
export function eventHeaders(call: InboundCall, common: string, wallMs: number): HeaderBlock {
  const { callId, messageId, station } = call;
  const subject = headerText(station.identity);
  let text =
    `${common}ce-id: ${callId}\r\nce-type: ${eventType(call)}\r\nce-subject: ${subject}\r\nce-time: ${isoTime(wallMs)}` +
    `\r\ncpg-connection: ${station.connection}\r\ncpg-subprotocol: ${subprotocolOf(station.version)}`;
  if (messageId !== "") text += `\r\ncpg-message-id: ${headerText(messageId)}`;
  if (station.epoch !== undefined) text += `\r\ncpg-epoch: ${String(station.epoch)}`;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand's one source, with the next
  return text as HeaderBlock;
}

/** The same with the trace to which an attempt belongs. */
export function withTraceparent(headers: HeaderBlock, traceparent: string): HeaderBlock {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a traceparent is made of hexadecimal digits
  return `${headers}\r\ntraceparent: ${traceparent}` as HeaderBlock;
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
    ? `cpg.${headerText(action.slice(1))}`
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
