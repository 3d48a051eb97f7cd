// Keeps the slot maps of one edge's clients true, and pays for it only when something changed.
//
// M1. A client that meets a MOVED or loses a node asks for the map by itself (ioredis). What one learnt concerns all: each has its own,
//     or the data lane would go on to a master that the control lane knows to be gone.
// M2. Asked for at intervals: every slotsRefreshMs while the lanes are uneasy (a circuit is open and nothing is sent, so no MOVED would
//     tell of the new master), else rarely. ioredis' own interval reads at every turn: that was a sixth of an edge's CPU in a storm and
//     most of it at rest (bench/README.md).
// M3. A look first: one CLUSTER SLOTS for all clients, on a connection that is there, and only a client whose map differs reads it. To
//     read, ioredis opens a connection and joins 16,384 texts, which holds the event loop for milliseconds in each client; done by all,
//     as often as a failover makes them ask, it was what the healthy shards' claims waited for (FAULTS.md).
// M4. A look at most every lookGapMs, one at a time: each MOVED and each lost subscriber of a failover asks for it, 20–30 a second. And
//     not quite as often, by chance: edges that met the same fault are not to go on in step.
// M5. Two nodes are asked at once and the first answer counts, so one that hangs (or stands behind a WAIT, in the streams' lane) keeps
//     nobody waiting. Without any answer all clients read, as ioredis does it: one node after the other.
// M6. ioredis renews lost sharded subscribers while it reads and nowhere else, and asks for that all the while until a node is back or
//     replaced: a client with such reads when it asks itself, at most every renewGapMs. A lost wake-up costs time and nothing else.
// M7. Clients read one after the other, staggerMs apart: what one holds the loop for does not add up.

import type { Cluster, Redis } from "ioredis";
import type { Random, Time, Timer } from "../time.ts";

/** Enough to follow a failover (its election alone takes longer), and little enough to cost nothing. */
const lookGapMs = 250;
const renewGapMs = 2_000;
const staggerMs = 25;
/** By how much each of these waits is longer at most, as chance has it (M4). */
const jitterMs = 100;
/** So many intervals pass between two looks while all is well: nobody waits for these, M1 is what follows a change. */
const calmIntervals = 300;

/** How long after a failure a change is likely, ms. A failover takes 4–9 s (FACTS §3), and until it is over calls go on failing. */
export const uneasyMs = 3_000;

type Read = Cluster["refreshSlotsCache"];
type ReadDone = NonNullable<Parameters<Read>[0]>;

/** Who serves the slots from `first` to `last`: its master, then its replicas, each `host:port` as ioredis writes it. */
interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly string[];
}

/** Clock and chance. */
export interface SlotMapPorts {
  readonly time: Time;
  readonly random: Random;
}

/** See the head of this file. */
export class SlotMaps {
  readonly #reads = new Map<Cluster, Read>();
  readonly #ports: SlotMapPorts;
  readonly #timer: Timer;
  /** Whom the next look tells. */
  #told: ReadDone[] = [];
  #intervalsLeft = calmIntervals;
  #isDue = false;
  #isLooking = false;
  #mayLookAtMs = Number.NEGATIVE_INFINITY;
  #turn = 0;

  /** `isUneasy`: something failed lately, so that a change is likely and nobody may meet it. */
  constructor(intervalMs: number, ports: SlotMapPorts, isUneasy: () => boolean) {
    this.#ports = ports;
    this.#timer = ports.time.every(intervalMs, () => {
      this.#intervalsLeft--;
      if (this.#intervalsLeft <= 0 || isUneasy()) this.#ask(); // M2
    });
  }

  /** From now on this client's map is looked after. */
  add(client: Cluster): void {
    const read = client.refreshSlotsCache.bind(client);
    const renew = client.options.shardedSubscribers === true ? paced(read, this.#ports) : undefined;
    this.#reads.set(client, read);
    client.refreshSlotsCache = (done) => {
      if (client.status !== "ready") return read(done); // its first, as often as it tries to connect
      if (renew) renew(done);
      else if (done) this.#told.push(done);
      return this.#ask(); // M1
    };
  }

  /** The client is done with. */
  remove(client: Cluster): void {
    this.#reads.delete(client);
  }

  close(): void {
    this.#timer.cancel();
    this.#reads.clear();
  }

  /** Whoever asks before the next look begins is served by it. */
  #ask(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (!this.#isLooking) this.#lookWhenDue();
  }

  #lookWhenDue(): void {
    const { time } = this.#ports;
    const waitMs = this.#mayLookAtMs - time.monotonicMs();
    if (waitMs <= 0) void this.#look();
    else time.after(waitMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    const told = this.#told;
    this.#told = [];
    this.#intervalsLeft = calmIntervals;
    this.#isDue = false;
    this.#isLooking = true;
    this.#mayLookAtMs = this.#ports.time.monotonicMs() + lookGapMs + this.#ports.random.next() * jitterMs; // M4
    const ranges = await this.#slots();
    this.#isLooking = false;
    if (this.#isDue) this.#lookWhenDue();
    const clients = [...this.#reads.keys()].filter(({ status }) => status === "ready");
    const stale = clients.filter((client) => ranges === undefined || !isTrue(client, ranges));
    // What ioredis says when it has read: that the map is known to be true.
    for (const client of clients) if (!stale.includes(client)) client.emit("refresh");
    await Promise.all(stale.map((client, n) => this.#readLater(client, n * staggerMs)));
    for (const done of told) done();
  }

  /** M7 */
  #readLater(client: Cluster, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const read = (): void => {
        const readNow = client.status === "ready" ? this.#reads.get(client) : undefined; // else it reads by itself, or is done with
        if (readNow) readNow(() => resolve());
        else resolve();
      };
      if (waitMs === 0) read();
      else this.#ports.time.after(waitMs, read);
    });
  }

  /** What a node says; undefined: none could be asked, or none answered (M5). */
  async #slots(): Promise<readonly SlotRange[] | undefined> {
    const ready = [...this.#reads.keys()].flatMap((client) => client.nodes()).filter(isReady);
    const one = ready[this.#turn++ % Math.max(1, ready.length)];
    if (one === undefined) return undefined;
    const other = ready.find((node) => addressOf(node) !== addressOf(one));
    try {
      const replies = [one, ...(other ? [other] : [])].map((node) => node.cluster("SLOTS"));
      const ranges = rangesOf(await Promise.any(replies));
      return ranges.length === 0 ? undefined : ranges;
    } catch {
      return undefined;
    }
  }
}

const isReady = ({ status }: Redis): boolean => status === "ready";
const addressOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** https://redis.io/docs/latest/commands/cluster-slots/: first, last, then each node as host, port, and what does not matter here. */
function rangesOf(reply: unknown): SlotRange[] {
  return (reply as [number, number, ...[string | null, number][]][]).map(([first, last, ...nodes]) => ({
    first,
    last,
    nodes: nodes.flatMap(([host, port]) => (host ? [`${host}:${port}`] : [])),
  }));
}

/** Whether a client's map says the same. Slots of one range share their list there, so nearly all is one comparison of references. */
function isTrue(client: Cluster, ranges: readonly SlotRange[]): boolean {
  return ranges.every(({ first, last, nodes }) => {
    let same: readonly string[] | undefined;
    for (let slot = first; slot <= last; slot++) {
      const served = client.slots[slot];
      if (served === undefined) return false;
      if (served === same) continue;
      if (served.length !== nodes.length || served.some((node, at) => node !== nodes[at])) return false;
      same = served;
    }
    return true;
  });
}

/** M6. Who asks within the gap, or before its end, is served with all others who did. */
function paced(read: Read, { time, random }: SlotMapPorts): Read {
  let mayReadAtMs = Number.NEGATIVE_INFINITY;
  let waiting: ReadDone[] | undefined;
  return (done) => {
    if (waiting) {
      if (done) waiting.push(done);
      return;
    }
    const together: ReadDone[] = done ? [done] : [];
    waiting = together;
    const waitMs = Math.max(0, mayReadAtMs - time.monotonicMs()) + random.next() * jitterMs;
    time.after(waitMs, () => {
      waiting = undefined;
      mayReadAtMs = time.monotonicMs() + renewGapMs;
      read((error) => {
        for (const each of together) each(error);
      });
    });
  };
}
