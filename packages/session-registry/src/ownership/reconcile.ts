// Compares what the registry says this incarnation holds in one partition with what the book says, and ends what nobody here
// holds. Heals what a failover brought back, and releases that were dropped because too many were owed (R9).
//
// V1. A row is ended by its exact connection and epoch, and only if no entry has that connection: a connection is in the book from
//     before its first claim until its release is confirmed, so a live socket's row is never touched (R3).
// V2. A name in the index whose row is somebody else's is removed by a release that cannot match any row.

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId, Incarnation } from "../model.ts";
import { partitionOf, type Partition } from "../partition.ts";
import type { RegistryStore, Release } from "../store-port.ts";
import type { Book } from "./book.ts";

/** What it reads and writes. */
export interface ReconcileContext {
  readonly store: RegistryStore;
  readonly book: Book;
  readonly callDeadlineMs: number;
}

/** Names looked at in one call. */
const pageSize = 128;
/** No socket has this connection id (arguments.ts), no grant this epoch. */
const nobody = { connection: "-" as ConnectionId, epoch: 1 };

/** Returns how many rows without a socket were ended. Errors: RegistryError; begin again then. */
export async function reconcile(
  partition: Partition,
  incarnation: Incarnation,
  context: ReconcileContext,
): Promise<number> {
  const { store, book, callDeadlineMs } = context;
  let ended = 0;
  for (let after = ""; ;) {
    const keys = await store.index(partition, incarnation, { after, limit: pageSize }, callDeadlineMs);
    const held = new Set([...book.of(partition)].map((entry) => entry.session.key));
    const releases = await Promise.all(
      keys.filter((key) => !held.has(key)).map((key) => releaseFor(key, incarnation, context)),
    );
    if (releases.length > 0) {
      const outcomes = await store.release(partition, incarnation, releases, callDeadlineMs);
      ended += outcomes.filter((outcome) => outcome === "ended").length;
    }
    const last = keys.at(-1);
    if (last === undefined || keys.length < pageSize) return ended;
    after = last;
  }
}

async function releaseFor(
  key: IdentityKey,
  incarnation: Incarnation,
  { store, book, callDeadlineMs }: ReconcileContext,
): Promise<Release> {
  const reading = await store.row(key, callDeadlineMs);
  const isGhost =
    reading.kind === "found" &&
    reading.row.incarnation === incarnation &&
    !book.get(partitionOf(key), reading.row.connection);
  const { connection, epoch } = isGhost ? reading.row : nobody; // V1, V2
  return { key, connection, epoch, cause: "closed" };
}
