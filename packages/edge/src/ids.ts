// Where ids come from: the one file of the up path that asks for randomness beyond `Random`.

import { randomBytes, randomUUID } from "node:crypto";
import type { ConnectionId } from "@cpg/session-registry";

/** Makes ids that never repeat, at any edge. */
export interface Ids {
  connection(): ConnectionId;
  /** Id of a CALL to a charge point: at most 36 characters (OCPP-J §4.1.4). */
  message(): string;
  /** A `traceparent` of a new trace, not sampled (W3C Trace Context). */
  traceparent(): string;
}

/** UUIDs and random bytes of node:crypto. */
export const systemIds: Ids = {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- here the brand is given
  connection: () => randomUUID() as string as ConnectionId,
  message: () => randomUUID(),
  traceparent: () => {
    const hex = randomBytes(24).toString("hex");
    return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`;
  },
};
