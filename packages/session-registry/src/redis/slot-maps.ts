// Keeps the slot maps of one edge's clients true, and pays for it only while something changes.
//
// M1. A client that meets a MOVED or loses a node asks for the map by itself (ioredis). What one learnt concerns all: each reads
//     its own, or the data lane would go on to a master that the control lane knows to be gone.
// M2. Read at intervals: every slotsRefreshMs while the lanes are uneasy (a circuit is open and nothing is sent, so no MOVED would
//     tell of the new master), else rarely. ioredis' own interval reads at every turn: it opens a connection for it and compares
//     16,384 slots, which was a sixth of an edge's CPU in a storm and most of it at rest (bench/README.md).
// M3. A map is read at most every refreshGapMs: each MOVED and each lost subscriber of a failover asks for it; unpaced, 20–30 a
//     second slowed the healthy shards' calls (FAULTS.md).

import type { Cluster } from "ioredis";
import type { Time, Timer } from "../time.ts";

/** Enough to follow a failover (its election alone takes longer), and little enough to cost nothing. */
const refreshGapMs = 250;
/** So many intervals pass between two reads while all is well: nobody waits for these, M1 is what follows a change. */
const calmIntervals = 300;

/** How long after a failure a change is likely, ms. A failover takes 4–9 s (FACTS §3), and until it is over calls go on failing. */
export const uneasyMs = 3_000;

type RefreshDone = NonNullable<Parameters<Cluster["refreshSlotsCache"]>[0]>;

/** See the head of this file. */
export class SlotMaps {
  readonly #refreshes = new Map<Cluster, () => void>();
  readonly #time: Time;
  readonly #timer: Timer;
  #intervalsLeft = calmIntervals;

  /** `isUneasy`: something failed lately, so that a change is likely and nobody may meet it. */
  constructor(intervalMs: number, time: Time, isUneasy: () => boolean) {
    this.#time = time;
    this.#timer = time.every(intervalMs, () => {
      this.#intervalsLeft--;
      if (this.#intervalsLeft <= 0 || isUneasy()) this.#refreshAll(undefined); // M2
    });
  }

  /** From now on this client's map is looked after. */
  add(client: Cluster): void {
    const read = client.refreshSlotsCache.bind(client);
    const refresh = paced(read, this.#time);
    this.#refreshes.set(client, () => refresh());
    client.refreshSlotsCache = (done) => {
      if (client.status !== "ready") return read(done); // its first, as often as it tries to connect
      refresh(done);
      return this.#refreshAll(client); // M1
    };
  }

  /** The client is done with. */
  remove(client: Cluster): void {
    this.#refreshes.delete(client);
  }

  close(): void {
    this.#timer.cancel();
    this.#refreshes.clear();
  }

  #refreshAll(but: Cluster | undefined): void {
    this.#intervalsLeft = calmIntervals;
    for (const [client, refresh] of this.#refreshes)
      if (client !== but && client.status === "ready") refresh();
  }
}

/** M3. Who asks too early is served with all others who did, when the gap is over. */
function paced(refresh: (done?: RefreshDone) => void, time: Time): (done?: RefreshDone) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let waiting: RefreshDone[] | undefined;
  return (done) => {
    if (waiting) {
      if (done) waiting.push(done);
      return;
    }
    const now = time.monotonicMs();
    const waitMs = lastMs + refreshGapMs - now;
    if (waitMs <= 0) {
      lastMs = now;
      refresh(done);
      return;
    }
    const together: RefreshDone[] = done ? [done] : [];
    waiting = together;
    time.after(waitMs, () => {
      waiting = undefined;
      lastMs = time.monotonicMs();
      refresh((error) => {
        for (const each of together) each(error);
      });
    });
  };
}
