// Keeps the slot maps of one edge's clients true, and pays for it only when something changed.
//
// M1. A client that meets a MOVED, or sends again what a lost connection did not take, asks for the map by itself (ioredis; for what was
//     sent, and in a pipeline, it does not, so a lost connection asks too). What one learnt concerns all: each has its own, or the data
//     lane would go on to a master that the control lane knows to be gone.
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
// M6. What a look does not see, a read mends, at most every renewGapMs for each client: a connection to a master that was lost (a lane
//     that sends nothing, or pipelines, never gets it back otherwise); sharded subscribers that were lost (ioredis renews them while it
//     reads and nowhere else, and asks all the while); and what a MOVED leaves behind (ioredis writes the new master into the list of the
//     whole range, and the group for pipelines of that one slot alone).
// M7. Clients read one after the other, staggerMs apart: what one holds the loop for does not add up.
// M8. Who asked is told as soon as its own map is known to be true: ioredis holds back what it is to send again until then.

import type { Cluster, Redis } from "ioredis";
import type { Random, Time, Timer } from "../time.ts";

/** Enough to follow a failover (its election alone takes longer), and little enough to cost nothing. */
const lookGapMs = 250;
/** What a read mends beside the map is of no use until a node is back or replaced, and that takes seconds. */
const renewGapMs = 2_000;
const staggerMs = 25;
/** By how much a gap is longer at most, as chance has it (M4). */
const jitterMs = 100;
/** The same for what nobody waits for: a lane goes on without it by redirections, subscribers do not. */
const patientJitterMs = 1_000;
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
  readonly renew: () => void;
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
  /** Whom the next look tells (M8). */
  #asked = new Map<Cluster, ReadDone[]>();
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
    const hasSubscribers = client.options.shardedSubscribers === true;
    const renew = paced(client, read, hasSubscribers ? jitterMs : patientJitterMs, this.#ports);
    this.#clients.set(client, { read, renew });
    client.refreshSlotsCache = (done) => {
      if (client.status !== "ready") return read(done); // its first, as often as it tries to connect
      if (hasSubscribers) renew(); // M6
      const dones = this.#asked.get(client) ?? [];
      if (done) dones.push(done);
      this.#asked.set(client, dones);
      return this.#ask(); // M1
    };
    const handle = client.handleError.bind(client);
    client.handleError = (error, ...rest) => {
      if (error.message.startsWith("MOVED ")) renew(); // M6
      handle(error, ...rest);
    };
    client.on("-node", () => this.#ask()); // M1
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
    const asked = this.#asked;
    this.#asked = new Map();
    this.#intervalsLeft = calmIntervals;
    this.#isDue = false;
    this.#isLooking = true;
    this.#mayLookAtMs = this.#ports.time.monotonicMs() + lookGapMs + this.#ports.random.next() * jitterMs; // M4
    const ranges = await this.#slots();
    this.#isLooking = false;
    if (this.#isDue) this.#lookWhenDue();
    const isStale = (client: Cluster): boolean => ranges === undefined || !isTrue(client, ranges);
    const ready = [...this.#clients.keys()].filter(({ status }) => status === "ready");
    const stale = ready.filter(isStale);
    for (const [n, client] of stale.entries()) this.#readLater(client, n * staggerMs, asked.get(client)); // M7
    for (const [client, dones] of asked) if (!stale.includes(client)) tell(dones); // M8
    for (const client of ready) {
      if (stale.includes(client)) continue;
      if (ranges && lacksMaster(client, ranges)) this.#clients.get(client)?.renew(); // M6
      client.emit("refresh"); // what ioredis says when it has read: the map is known to be true
    }
  }

  #readLater(client: Cluster, waitMs: number, dones: readonly ReadDone[] = []): void {
    const read = (): void => {
      const looked = client.status === "ready" ? this.#clients.get(client) : undefined; // else it reads by itself, or is done with
      if (looked) looked.read((error) => tell(dones, error));
      else tell(dones);
    };
    if (waitMs === 0) read();
    else this.#ports.time.after(waitMs, read);
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

function tell(dones: readonly ReadDone[], error?: Parameters<ReadDone>[0]): void {
  for (const done of dones) done(error);
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
      if (!nodes.every((node) => served.includes(node))) return false; // nodes tell the replicas in different orders
      same = served;
    }
    return true;
  });
}

function lacksMaster(client: Cluster, ranges: readonly SlotRange[]): boolean {
  const connected = new Set(client.nodes("master").map(addressOf));
  return ranges.some(({ nodes: [master] }) => master !== undefined && !connected.has(master));
}

/** M6. Who asks within the gap, or before its end, is served by the read that follows it. */
function paced(client: Cluster, read: Read, jitter: number, { time, random }: SlotMapPorts): () => void {
  let mayReadAtMs = Number.NEGATIVE_INFINITY;
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    const waitMs = Math.max(0, mayReadAtMs - time.monotonicMs()) + random.next() * jitter;
    time.after(waitMs, () => {
      isDue = false;
      if (client.status !== "ready") return; // it reads by itself, or is done with
      mayReadAtMs = time.monotonicMs() + renewGapMs;
      read();
    });
  };
}
