// Asks every node of the cluster how it is, now and then, while this edge is the one that does it. Owns one connection per node.
//
// P1. Rounds never overlap and each is bounded: a node that hangs costs its own time-out, nobody else's.
// P2. A failed node's connection is thrown away: the next round begins anew, so nothing of a hung one lingers.
// P3. Never on anybody's way: readings are kept and handed out as they are; a scrape waits for no Redis.
// P4. Who is no longer asked to watch keeps neither connections nor readings: two watchers would tell every number twice.
// P5. A change of a node's state is told once, not each round's.

import { Redis } from "ioredis";
import type { Time, Timer } from "../time.ts";
import { connectionOptions, parseNode } from "./client.ts";
import { watchConnection } from "./connection-end.ts";
import { describeFailure, isAboutEnd, toRegistryError } from "./error-map.ts";
import { nodeInfo, nodesOfShards, type NodeInfo } from "./node-info.ts";
import type { RedisSettings } from "./settings.ts";

/** How asking one node ended. `refused`: it answered with an error (rights, password); `loading`: it reads its data. */
export type NodePollOutcome = "ok" | "refused" | "loading" | "timeout" | "unreachable";

/** The last reading of one node, `host:port`. Without `info` it is down as far as this edge can see. */
export interface NodeReading {
  readonly node: string;
  readonly outcome: NodePollOutcome;
  readonly info?: NodeInfo;
  /** The error's words, for people. */
  readonly said?: string;
}

/** What the watch asks and tells. Nothing of it may throw. */
export interface NodeWatchPorts {
  readonly time: Pick<Time, "after" | "every">;
  /** Whether this edge is the one that watches now; asked each round (P4). */
  readonly isWatcher: () => boolean;
  /** Told of every poll. */
  readonly polled: (outcome: NodePollOutcome) => void;
  /** Told when a node's state changed (P5); `said` are the error's words, in a text for people. */
  readonly changed: (node: string, outcome: NodePollOutcome, said: string | undefined) => void;
}

/** The settings of `redis` that a connection for watching needs. */
export type NodeWatchSettings = Pick<
  RedisSettings,
  "nodes" | "username" | "password" | "tls" | "connectTimeoutMs" | "commandTimeoutMs"
> & { readonly everyMs: number };

interface Connection {
  readonly redis: Redis;
  readonly whyEnded: () => string;
}

interface Answer {
  readonly reading: NodeReading;
  /** The cluster's nodes as it lists them; empty unless it answered. */
  readonly listed: readonly string[];
}

const infoSections = ["server", "clients", "memory", "stats", "replication", "commandstats"] as const;

/** A running watch; it begins with its first interval. */
export class NodeWatch {
  readonly #settings: NodeWatchSettings;
  readonly #ports: NodeWatchPorts;
  readonly #timer: Timer;
  readonly #connections = new Map<string, Connection>();
  #nodes: readonly string[] = [];
  #readings: readonly NodeReading[] = [];
  #isRunning = false;
  #isClosed = false;

  constructor(settings: NodeWatchSettings, ports: NodeWatchPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#timer = ports.time.every(settings.everyMs, () => void this.round());
  }

  /** The last round's readings; empty while another edge watches (P3, P4). */
  get readings(): readonly NodeReading[] {
    return this.#readings;
  }

  /** One round, unless one is running (P1). Never rejects. */
  async round(): Promise<void> {
    if (this.#isRunning || this.#isClosed) return;
    if (!this.#ports.isWatcher()) {
      this.#rest();
      return;
    }
    this.#isRunning = true;
    try {
      await this.#pollAll();
    } finally {
      this.#isRunning = false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
    this.#rest();
  }

  /** P4 */
  #rest(): void {
    for (const node of this.#connections.keys()) this.#drop(node);
    this.#readings = [];
  }

  /** The nodes known before; where none of them answers, the configured ones too; and whom the first answer lists besides. */
  async #pollAll(): Promise<void> {
    const answers = new Map<string, Answer>();
    const ask = async (nodes: readonly string[]): Promise<void> => {
      const asked = nodes.filter((node) => !answers.has(node));
      const given = await Promise.all(asked.map((node) => this.#poll(node)));
      for (const answer of given) answers.set(answer.reading.node, answer);
    };
    const listed = (): readonly string[] | undefined =>
      [...answers.values()].find((answer) => answer.listed.length > 0)?.listed;
    const known = this.#nodes.length > 0 ? this.#nodes : this.#settings.nodes;
    await ask(known);
    if (listed() === undefined) await ask(this.#settings.nodes);
    const nodes = listed() ?? known;
    await ask(nodes);
    if (this.#isClosed || !this.#ports.isWatcher()) return this.#rest(); // P4
    this.#tell(nodes.flatMap((node) => answers.get(node)?.reading ?? []));
    this.#nodes = nodes;
    for (const node of this.#connections.keys()) if (!nodes.includes(node)) this.#drop(node);
  }

  /** P5 */
  #tell(readings: readonly NodeReading[]): void {
    for (const { node, outcome, said } of readings) {
      const before = this.#readings.find((reading) => reading.node === node)?.outcome ?? "ok";
      if (outcome !== before) this.#ports.changed(node, outcome, said);
    }
    this.#readings = readings;
  }

  async #poll(node: string): Promise<Answer> {
    const answer = await this.#ask(node);
    this.#ports.polled(answer.reading.outcome);
    return answer;
  }

  async #ask(node: string): Promise<Answer> {
    try {
      const [info, cluster, shards] = await this.#within(node, (redis) =>
        Promise.all([redis.info(...infoSections), redis.cluster("INFO"), redis.call("CLUSTER", "SHARDS")]),
      );
      const listed = nodesOfShards(shards, node, this.#settings.tls !== undefined);
      return { reading: { node, outcome: "ok", info: nodeInfo(info, cluster) }, listed };
    } catch (error) {
      const connection = this.#connections.get(node);
      const said = connection && isAboutEnd(error) ? connection.whyEnded() : describeFailure(error);
      this.#drop(node); // P2
      return { reading: { node, outcome: outcomeOf(error), said }, listed: [] };
    }
  }

  /** Asks one node, in a bounded time (P1). */
  async #within<T>(node: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
    const { connectTimeoutMs, commandTimeoutMs } = this.#settings;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.#ports.time.after(connectTimeoutMs + commandTimeoutMs, () =>
        reject(new Error("Command timed out")),
      );
    });
    try {
      return await Promise.race([ask(this.#connectionTo(node)), late]);
    } finally {
      timer?.cancel();
    }
  }

  #connectionTo(node: string): Redis {
    const found = this.#connections.get(node);
    if (found !== undefined) return found.redis;
    const redis = connect(node, this.#settings);
    this.#connections.set(node, { redis, whyEnded: watchConnection(redis) });
    return redis;
  }

  #drop(node: string): void {
    this.#connections.get(node)?.redis.disconnect();
    this.#connections.delete(node);
  }
}

/** Not `openClient`'s: that one follows the cluster, this one stays with its node, whatever the node is. */
function connect(node: string, settings: NodeWatchSettings): Redis {
  return new Redis({
    ...parseNode(node),
    ...connectionOptions(settings, "watch"),
    enableReadyCheck: false, // it would ask INFO until a node has loaded its data; that it loads is what we want to hear
    retryStrategy: () => null, // P2
    maxRetriesPerRequest: 0,
  });
}

function outcomeOf(error: unknown): NodePollOutcome {
  const { code, message } = toRegistryError("watch", error);
  if (code === "TIMEOUT") return "timeout";
  if (code === "REFUSED") return "refused";
  return message.includes("LOADING") ? "loading" : "unreachable";
}
