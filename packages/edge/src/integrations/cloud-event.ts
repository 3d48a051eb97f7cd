// A CALL as a CloudEvent 1.0 in binary mode: attributes in headers, the payload as body. Pure.

import { subprotocolOf } from "@cpg/ocpp";
import type { InboundCall } from "../integration.ts";

/** What the event says of this edge and this moment. */
export interface EventContext {
  /** Name of the edge. */
  readonly edge: string;
  readonly wallMs: number;
  readonly traceparent: string;
}

/** Headers of the event: the same for every attempt, but for `ce-time`, which is the first one's. */
export function cloudEventHeaders(call: InboundCall, context: EventContext): Record<string, string> {
  const { station } = call;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    accept: "application/json",
    "ce-specversion": "1.0",
    "ce-id": call.callId,
    "ce-source": `/edges/${context.edge}`,
    "ce-type": eventType(call),
    "ce-subject": headerText(station.identity),
    "ce-time": new Date(context.wallMs).toISOString(),
    "cpg-edge": context.edge,
    "cpg-connection": station.connection,
    "cpg-subprotocol": subprotocolOf(station.version),
    traceparent: context.traceparent,
  };
  if (call.messageId !== "") headers["cpg-message-id"] = headerText(call.messageId);
  if (station.epoch !== undefined) headers["cpg-epoch"] = String(station.epoch);
  return headers;
}

/** `ocpp1.6.BootNotification`, `cpg.connect`, `cpg.disconnect`. */
export function eventType(call: InboundCall): string {
  if (call.action.startsWith("$")) return `cpg.${call.action.slice(1)}`;
  return `${subprotocolOf(call.station.version)}.${headerText(call.action)}`;
}

/** Percent-encodes what a header cannot hold, as the CloudEvents HTTP binding §3.1.3.2 says; decodes back with decodeURIComponent. */
export function headerText(text: string): string {
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
