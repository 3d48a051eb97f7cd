// Ends what an incarnation that may claim no more has left in one partition: rows, and names in its index. Holds no state.
//
// Z1. It is fenced with each look at its index: what is left then can only become less.
// Z2. A row and its `disconnected` event go in one script, by compare(incarnation): whoever of several comes second finds nothing.

import type { EndCause, Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import type { RegistryStore } from "../store-port.ts";

/** Rows ended in one call. */
const batchSize = 128;

/** Returns how many rows it ended. Errors: RegistryError; begin again then. */
export async function endRows(
  partition: Partition,
  incarnation: Incarnation,
  cause: EndCause,
  { store, callDeadlineMs }: { readonly store: RegistryStore; readonly callDeadlineMs: number },
): Promise<number> {
  for (let ended = 0; ;) {
    const keys = await store.fence(partition, incarnation, batchSize, callDeadlineMs); // Z1
    if (keys.length > 0) {
      const releases = keys.map((key) => ({ key, connection: undefined, epoch: undefined, cause }));
      const outcomes = await store.release(partition, incarnation, releases, callDeadlineMs); // Z2
      ended += outcomes.filter((outcome) => outcome === "ended").length;
    }
    if (keys.length < batchSize) return ended;
  }
}
