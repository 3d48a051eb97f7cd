// Where ids come from: the one file of the up path that asks for randomness beyond `Random`.

import { randomFillSync, randomUUID } from "node:crypto";
import type { ConnectionId } from "@cpg/session-registry";

/** Makes ids that never repeat, at any edge. */
export interface Ids {
  connection(): ConnectionId;
  /** Id of a CALL to a charge point: at most 36 characters (OCPP-J §4.1.4). */
  message(): string;
  /** A `traceparent` of a new trace, not sampled (W3C Trace Context). */
  traceparent(): string;
}

// A call of randomBytes costs 3 µs however few it gives, and each CALL to a backend needs 24: they are taken from a block.
const traceBytes = 24;
const block = Buffer.allocUnsafeSlow(256 * traceBytes);
let taken = block.length;

function freshBytes(): number {
  if (taken === block.length) {
    randomFillSync(block);
    taken = 0;
  }
  taken += traceBytes;
  return taken - traceBytes;
}

/** UUIDs and random bytes of node:crypto. */
export const systemIds: Ids = {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- here the brand is given
  connection: () => randomUUID() as string as ConnectionId,
  message: () => randomUUID(),
  traceparent: () => {
    const at = freshBytes();
    const hex = block.toString("hex", at, at + traceBytes);
    return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
  },
};
