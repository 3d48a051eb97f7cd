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

// A call of randomBytes costs 3 µs however few it gives, each CALL to a backend needs 24 and each connection 16: they are taken from a
// block. randomUUID costs no more, but what it gives lives on in twenty pieces, half a kilobyte for each connection.
const block = Buffer.allocUnsafeSlow(8_192);
let taken = block.length;

function randomHex(bytes: number): string {
  if (taken + bytes > block.length) {
    randomFillSync(block);
    taken = 0;
  }
  taken += bytes;
  return block.toString("hex", taken - bytes, taken);
}

/** UUIDs and random bytes of node:crypto. */
export const systemIds: Ids = {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- here the brand is given
  connection: () => randomHex(16) as ConnectionId,
  message: () => randomUUID(),
  traceparent: () => {
    const hex = randomHex(24);
    return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
  },
};
