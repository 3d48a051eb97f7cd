// Messages between edges as texts: a head that names the session, and the content. Pure.
//
//   key ⏎ connection ⏎ epoch ⏎          head: the sender's, or the row's (hand-over-n.lua)
//   kind ⏎ id ⏎ from ⏎ body             content: no line but the body holds what another edge can choose freely

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId } from "../model.ts";
import type { PeerContent, PeerMessage } from "../ownership-port.ts";

/** A whole message. */
export function writeMessage(message: PeerMessage): string {
  const { key, connection, epoch, from } = message;
  return `${key}\n${connection}\n${String(epoch)}\n${writeContent(message, from)}`;
}

/** The part of it that the sender knows where the head is the row's. */
export function writeContent({ kind, id, body }: PeerContent, from: string): string {
  return `${kind}\n${id}\n${from}\n${body}`;
}

/** A message, or undefined for a text that this version does not understand: a newer edge may know more kinds. */
export function readMessage(text: string): PeerMessage | undefined {
  const [key, connection, epoch, kind, id, from, ...body] = text.split("\n");
  if (kind !== "command" && kind !== "reply" && kind !== "close") return undefined;
  if (!key || !id || !from || body.length === 0) return undefined;
  return {
    kind,
    id,
    key: key as IdentityKey,
    connection: connection as ConnectionId,
    epoch: Number(epoch),
    from,
    body: body.join("\n"),
  };
}
