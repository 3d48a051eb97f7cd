// Appending to Redis Streams, confirmed by replicas where asked. The only file of the up path that talks to Redis.
//
// X1. Its own connections, two to each master. WAIT blocks the connection it stands on and confirms only what that same connection wrote:
//     entries that a replica must hold go over one, with lanes of their own, all others over the other. So a replica that is missing
//     delays nobody who needs none.
// X2. Entries of one turn for one connection, such as a departure's (departures.ts), travel in one pipeline, with one WAIT behind them
//     where they need it; while it is on its way, the next batch gathers. So a slow replica costs one WAIT for all, not one for each.
// X3. Nothing is trimmed: a full stream refuses (lua/stream-append-stream-touch.lua).
// X4. Never rejects. After a lost connection it is not known whether an entry was written: a retry may write it twice,
//     under the same `id` field (at least once).
// X5. The script goes by its name. What a node refuses because it does not know it (a new node, a restarted one) was not written and
//     goes again with the text, in a pipeline with a WAIT of its own: ioredis' own scripts would send it behind the WAIT that confirms
//     it.
// X6. ioredis follows a redirection in a pipeline only where all replies are the same one; with a WAIT they never are. So whatever fails
//     asks for the map of slots (paced by the registry's slot-maps.ts), and the next attempt goes where it says.
// X7. Over two connections, and where entries go again (X5), no answered CALL is overtaken: a charge point has one at a time, so what is
//     `ok` was written before its next one is appended. One given up while it was on its way (X4) may be written behind a later one.
// X8. A caller is told at its expiry. What was not sent by then leaves its lane at once and is never sent: a lane holds one entry for each
//     caller that still waits, whatever Redis does. What was sent is at most one batch for each lane.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ChainableCommander, Cluster } from "ioredis";
import calculateSlot from "cluster-key-slot";
import type { Expiry } from "../until-deadline.ts";

/** One entry. */
export interface Append {
  /** Key of the stream, with the hash tag of its partition. */
  readonly stream: string;
  readonly maxLength: number;
  readonly fields: readonly string[];
  /** Replicas that must hold it before it counts. */
  readonly replicas: number;
  /** Id of the entry if an earlier attempt was told it. */
  readonly knownId: string;
}

/**
 * What became of it. `unconfirmed`: written as `id`, but not enough replicas said so in time. `givenUp`: its expiry came first; not
 * written, or not known.
 */
export type Appended =
  | { readonly kind: "ok"; readonly id: string }
  | { readonly kind: "unconfirmed"; readonly id: string }
  | { readonly kind: "full" }
  | { readonly kind: "givenUp" }
  | { readonly kind: "unreachable" };

/** A log of streams. */
export interface StreamLog {
  /** Entries without need of a replica that wait for the same master as this stream's would. */
  waitingFor(stream: string): number;
  /** Ends at the expiry at the latest, to which nobody else listens meanwhile. Never rejects. */
  append(entry: Append, expiry: Expiry): Promise<Appended>;
  /** Entries of a stream; undefined where Redis does not say. Never rejects. */
  length(stream: string): Promise<number | undefined>;
  close(): Promise<void>;
}

interface Pending extends Append {
  readonly expiry: Expiry;
  readonly resolve: (appended: Appended) => void;
}

// Redis serves nobody else while a pipeline's scripts run: 128 of about 20 µs are 2.5 ms.
const maxBatch = 128;
const script = readFileSync(new URL("../../lua/stream-append-stream-touch.lua", import.meta.url), "utf8");
const scriptName = createHash("sha1").update(script).digest("hex");
const unreachable: Appended = { kind: "unreachable" };
const givenUp: Appended = { kind: "givenUp" };

/** Its clients, which it owns (X1). */
export interface StreamClients {
  /** For what is safe when the master has it. */
  readonly plain: Cluster;
  /** For what a replica must hold: the only one on which a WAIT is sent. */
  readonly confirmed: Cluster;
}

/** A log over Redis Cluster. */
export class RedisStreamLog implements StreamLog {
  readonly #clients: StreamClients;
  readonly #plain: Lanes;
  readonly #confirmed: Lanes;

  /** `onProblem`: told why an entry is `unreachable`, which may be that Redis refuses it. */
  constructor(clients: StreamClients, waitTimeoutMs: number, onProblem: (error: Error) => void) {
    this.#clients = clients;
    this.#plain = new Lanes(clients.plain, waitTimeoutMs, onProblem);
    this.#confirmed = new Lanes(clients.confirmed, waitTimeoutMs, onProblem);
  }

  /** Entries in the lanes, not sent yet (X8). */
  get waiting(): number {
    return this.#plain.waiting + this.#confirmed.waiting;
  }

  waitingFor(stream: string): number {
    return this.#plain.waitingFor(stream);
  }

  append(entry: Append, expiry: Expiry): Promise<Appended> {
    return (entry.replicas > 0 ? this.#confirmed : this.#plain).append(entry, expiry); // X1
  }

  length(stream: string): Promise<number | undefined> {
    return this.#clients.plain.xlen(stream).catch(() => undefined);
  }

  close(): Promise<void> {
    this.#clients.plain.disconnect();
    this.#clients.confirmed.disconnect();
    return Promise.resolve();
  }
}

/** What waits for one client's connections: a lane for each master, of which one batch is on its way (X2). */
class Lanes {
  readonly #cluster: Cluster;
  readonly #waitTimeoutMs: number;
  readonly #onProblem: (error: Error) => void;
  /** In the order of insertion; who gives up leaves from the middle. A lane that is here has its `#work`. */
  readonly #lanes = new Map<string, Set<Pending>>();

  constructor(cluster: Cluster, waitTimeoutMs: number, onProblem: (error: Error) => void) {
    this.#cluster = cluster;
    this.#waitTimeoutMs = waitTimeoutMs;
    this.#onProblem = onProblem;
  }

  get waiting(): number {
    let entries = 0;
    for (const waiting of this.#lanes.values()) entries += waiting.size;
    return entries;
  }

  waitingFor(stream: string): number {
    return this.#lanes.get(this.#laneOf(stream))?.size ?? 0;
  }

  append(entry: Append, expiry: Expiry): Promise<Appended> {
    if (expiry.isOver) return Promise.resolve(givenUp);
    return new Promise((resolve) => {
      const waiting = this.#waitingFor(entry.stream);
      const end = (appended: Appended): void => {
        expiry.listen(undefined);
        resolve(appended);
      };
      const pending: Pending = { ...entry, expiry, resolve: end };
      waiting.add(pending);
      expiry.wait(() => {
        waiting.delete(pending); // X8
        end(givenUp);
      });
    });
  }

  /** Its lane, which begins to work if it is new. */
  #waitingFor(stream: string): Set<Pending> {
    const lane = this.#laneOf(stream);
    const known = this.#lanes.get(lane);
    if (known !== undefined) return known;
    const waiting = new Set<Pending>();
    this.#lanes.set(lane, waiting);
    queueMicrotask(() => void this.#work(lane, waiting));
    return waiting;
  }

  /** The nodes that hold the stream's slot, as the cluster's table has them now: one pipeline may go there. */
  #laneOf(stream: string): string {
    const slot = calculateSlot(stream);
    return this.#cluster.slots[slot]?.join(";") ?? `slot ${String(slot)}`;
  }

  /** X2. Ends with its lane: nobody can come between the last look and the end. */
  async #work(lane: string, waiting: Set<Pending>): Promise<void> {
    while (waiting.size > 0) {
      const batch = firstOf(waiting);
      const appended = await this.#write(batch);
      for (const [at, pending] of batch.entries()) pending.resolve(appended[at] ?? unreachable);
    }
    this.#lanes.delete(lane);
  }

  async #write(batch: readonly Pending[]): Promise<readonly Appended[]> {
    const appended = await this.#tryToWrite(batch);
    const hasFailed = appended.some(({ kind }) => kind === "unreachable");
    if (hasFailed && this.#cluster.status === "ready") this.#cluster.refreshSlotsCache(); // X6
    return appended;
  }

  async #tryToWrite(batch: readonly Pending[]): Promise<readonly Appended[]> {
    try {
      const named = outcomesOf(batch, await this.#send(batch, "name"));
      const refused = batch.filter((_, at) => named[at] === undefined); // X5
      const late = refused.length === 0 ? [] : outcomesOf(refused, await this.#send(refused, "text"));
      const next = late.values();
      return named.map((outcome) => outcome ?? next.next().value ?? unreachable);
    } catch (error) {
      if (error instanceof Error) this.#onProblem(error);
      return batch.map(() => unreachable); // X4
    }
  }

  /** One reply for each entry, and one for WAIT behind them where a replica must hold one of them (X2). */
  async #send(batch: readonly Pending[], by: "name" | "text"): Promise<readonly Reply[]> {
    const pipeline = this.#cluster.pipeline();
    for (const entry of batch) addScript(pipeline, entry, by);
    const wanted = Math.max(...batch.map(({ replicas }) => replicas));
    if (wanted > 0) pipeline.call("WAIT", wanted, this.#waitTimeoutMs);
    const replies = (await pipeline.exec()) ?? [];
    for (const [error] of replies) if (error !== null && !isUnknownScript(error)) this.#onProblem(error);
    return replies;
  }
}

/** Takes those out who have waited longest. */
function firstOf(waiting: Set<Pending>): readonly Pending[] {
  const batch: Pending[] = [];
  for (const pending of waiting) {
    if (batch.length === maxBatch) break;
    waiting.delete(pending);
    pending.expiry.begin();
    batch.push(pending);
  }
  return batch;
}

type Reply = [error: Error | null, result: unknown] | undefined;

function addScript(pipeline: ChainableCommander, entry: Append, by: "name" | "text"): void {
  const { stream, maxLength, knownId, fields } = entry;
  const values = [stream, `${stream}:touch`, maxLength, knownId, ...fields];
  if (by === "name") pipeline.evalsha(scriptName, 2, ...values);
  else pipeline.eval(script, 2, ...values);
}

/** What the replies say; the one behind those of the entries is WAIT's. Undefined: the node does not know the script (X5). */
function outcomesOf(batch: readonly Pending[], replies: readonly Reply[]): readonly (Appended | undefined)[] {
  const held = confirmedBy(replies[batch.length]);
  return batch.map((entry, at) => outcomeOf(replies[at], entry.replicas <= held));
}

function isUnknownScript({ message }: Error): boolean {
  return message.startsWith("NOSCRIPT");
}

function confirmedBy(reply: Reply): number {
  return reply !== undefined && reply[0] === null && typeof reply[1] === "number" ? reply[1] : 0;
}

function outcomeOf(reply: Reply, isConfirmed: boolean): Appended | undefined {
  if (reply?.[0] != null && isUnknownScript(reply[0])) return undefined;
  if (reply === undefined || reply[0] !== null || typeof reply[1] !== "string") return unreachable;
  if (reply[1] === "FULL") return { kind: "full" };
  return { kind: isConfirmed ? "ok" : "unconfirmed", id: reply[1] };
}
