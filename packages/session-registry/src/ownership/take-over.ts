// Which socket of this edge takes over from which: a charge point came back before the session of its older socket was released. Pure.
//
// T1. The edge saw both sockets itself, so the moments at which they were authenticated tell which is newer: no clock of Redis is asked, and
//     sockets of the very same moment take nothing over.

import type { IdentityKey } from "@cpg/ocpp";
import type { Entry } from "./book.ts";

/** The newest entry of each key. */
export function newestByKey(entries: Iterable<Entry>): ReadonlyMap<IdentityKey, Entry> {
  const newest = new Map<IdentityKey, Entry>();
  for (const entry of entries) {
    const { key } = entry.session;
    const known = newest.get(key);
    if (!known || isNewer(entry, known)) newest.set(key, entry);
  }
  return newest;
}

/** Whether one entry's socket came after the other's, which had the same key (T1). */
export function isNewer(entry: Entry, than: Entry): boolean {
  return entry.session.authenticatedAtMs > than.session.authenticatedAtMs;
}
