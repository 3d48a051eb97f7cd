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
// M6. What was lost with a node, a client has again when it reads, though the map is what it was: its connection to a master (it would
//     have that with the next command to be redirected there, which an idle lane does not send) and its sharded subscribers (it asks for
//     these all the while). Until the node is back or replaced nothing comes of it, so: at most every renewGapMs.
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

/** What a client does of itself, and how it is made to do it again (M6). */
interface Looked {
  readonly read: Read;
  readonly renew: Read;
}

/** Clock and chance. */
export interface SlotMapPorts {
  readonly time: Time;
  readonly random: Random;
}

/** See the head of this file. */
export class SlotMaps {
  readonly #clients = new Map<Cluster, Looked>();
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
    const renew = paced(read, this.#ports);
    this.#clients.set(client, { read, renew });
    client.refreshSlotsCache = (done) => {
      if (client.status !== "ready") return read(done); // its first, as often as it tries to connect
      if (client.options.shardedSubscribers === true) renew(done);
      else if (done) this.#told.push(done);
      return this.#ask(); // M1
    };
  }

  /** The client is done with. */
  remove(client: Cluster): void {
    this.#clients.delete(client);
  }

  close(): void {
    this.#timer.cancel();
    this.#clients.clear();
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
    const stale: Cluster[] = [];
    for (const [client, { renew }] of this.#clients) {
      if (client.status !== "ready") continue;
      if (ranges === undefined || !isTrue(client, ranges)) {
        stale.push(client);
        continue;
      }
      if (lacksMaster(client, ranges)) renew(); // M6
      client.emit("refresh"); // what ioredis says when it has read: the map is known to be true
    }
    await Promise.all(stale.map((client, n) => this.#readLater(client, n * staggerMs)));
    for (const done of told) done();
  }

  /** M7 */
  #readLater(client: Cluster, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const read = (): void => {
        const looked = client.status === "ready" ? this.#clients.get(client) : undefined; // else it reads by itself, or is done with
        if (looked) looked.read(() => resolve());
        else resolve();
      };
      if (waitMs === 0) read();
      else this.#ports.time.after(waitMs, read);
    });
  }

  /** What a node says; undefined: none could be asked, or none answered (M5). */
  async #slots(): Promise<readonly SlotRange[] | undefined> {
    const ready = [...this.#clients.keys()].flatMap((client) => client.nodes()).filter(isReady);
    const turn = this.#turn++ % Math.max(1, ready.length); // others each time: one that is behind is not to be believed for ever
    const [one, ...more] = [...ready.slice(turn), ...ready.slice(0, turn)];
    if (one === undefined) return undefined;
    const other = more.find((node) => addressOf(node) !== addressOf(one));
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
      if (served[0] !== nodes[0] || served.length !== nodes.length) return false;
      if (!served.every((node) => nodes.includes(node))) return false; // nodes tell the replicas in different orders
      same = served;
    }
    return true;
  });
}

function lacksMaster(client: Cluster, ranges: readonly SlotRange[]): boolean {
  const connected = new Set(client.nodes("master").map(addressOf));
  return ranges.some(({ nodes: [master] }) => master !== undefined && !connected.has(master));
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
