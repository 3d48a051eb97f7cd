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

// A call of randomBytes costs 3 µs however few it gives, each CALL to a backend needs 24 and each connection 16: they are taken from
// blocks. randomUUID costs no more, but what it gives lives on in twenty pieces, half a kilobyte for each connection.
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

// A block's traceparents are one text, written at once and cut where one is needed: what is put together of pieces for each CALL would be
// copied once more by whoever reads it.
const perBlock = 340;
const traceparentLength = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".length;
let traceparents = "";
let given = perBlock;

function nextTraceparent(): string {
  if (given === perBlock) {
    const one = (): string => `00-${randomHex(16)}-${randomHex(8)}-00`;
    traceparents = Array.from({ length: perBlock }, one).join("");
    given = 0;
  }
  given += 1;
  return traceparents.slice((given - 1) * traceparentLength, given * traceparentLength);
}

/** UUIDs and random bytes of node:crypto. */
export const systemIds: Ids = {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- here the brand is given
  connection: () => randomHex(16) as ConnectionId,
  message: () => randomUUID(),
  traceparent: nextTraceparent,
};
