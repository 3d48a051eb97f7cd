// Messages between edges as inbox entries. Pure.

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId } from "../model.ts";
import type { PeerContent, PeerMessage } from "../ownership-port.ts";

/** Fields of an inbox entry. */
export function writeMessage(message: PeerMessage): Record<string, string> {
  const { key, connection, epoch, from } = message;
  return { ...writeContent(message, from), key, conn: connection, epoch: String(epoch) };
}

/** The part of them that the sender knows; the rest is the row's. */
export function writeContent({ kind, id, body }: PeerContent, from: string): Record<string, string> {
  return { kind, id, from, body };
}

/** A message, or undefined for an entry that this version does not understand: a newer edge may know more kinds. */
export function readMessage(fields: Readonly<Record<string, string>>): PeerMessage | undefined {
  const { kind, id, key, conn, epoch, from, body } = fields;
  if (kind !== "command" && kind !== "reply" && kind !== "close") return undefined;
  if (!id || !key || conn === undefined || !from || body === undefined) return undefined;
  return {
    kind,
    id,
    key: key as IdentityKey,
    connection: conn as ConnectionId,
    epoch: Number(epoch),
    from,
    body,
  };
}
