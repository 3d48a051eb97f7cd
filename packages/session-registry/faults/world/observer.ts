// What Redis really holds, read beside the edges and around every proxy: lifecycle events, rows. I/O: Redis.
//
// V1. Events are kept as they were read: what a failover takes back stays known here, and the audit can tell.
// V2. A read that fails is no news; the next one asks again.

import { Keyspace, partitionOf, partitions, type Partition } from "@cpg/session-registry";
import { asIdentity, identityKey } from "@cpg/ocpp";
import { Cluster } from "ioredis";
import { delay, nowMs } from "./time.ts";

/** One lifecycle event. */
export interface SeenEvent {
  readonly partition: Partition;
  readonly streamId: string;
  readonly id: string;
  readonly kind: "connected" | "disconnected";
  readonly identity: string;
  readonly epoch: number;
  readonly edge: string;
  readonly cause: string;
  /** Wall clock of the shard, ms. */
  readonly atMs: number;
}

/** One row as it stands. */
export interface SeenRow {
  readonly epoch: number;
  readonly edge: string;
  readonly connection: string;
  readonly incarnation: string;
}

/** How to reach the nodes. `around` maps what nodes announce to where they really are. */
export interface ObserverPlan {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly around: Readonly<Record<string, { host: string; port: number }>>;
  readonly keyPrefix: string;
}

const batch = 1000;

/** Reads Redis for the checkers. */
export class Observer {
  readonly keys: Keyspace;
  readonly events: SeenEvent[] = [];
  readonly redis: Cluster;
  readonly #after = new Map<Partition, string>();
  #reading: Promise<void> | undefined;
  #isStopped = false;

  constructor({ nodes, around, keyPrefix }: ObserverPlan) {
    this.keys = new Keyspace(keyPrefix);
    this.redis = openCluster(nodes, around);
  }

  /** Reads events every 500 ms until `stop`. */
  start(): void {
    void (async () => {
      while (!this.#isStopped) {
        await this.refresh();
        await delay(500);
      }
    })();
  }

  /** Reads what is new of all streams; never rejects (V2). */
  async refresh(): Promise<void> {
    await this.#reading;
    this.#reading = Promise.all(partitions.map((partition) => this.#readStream(partition))).then(
      () => undefined,
    );
    await this.#reading;
  }

  /** The rows of these identities (1.6 stations): absent ones are left out. Rejects when one cannot be read. */
  async rows(identities: readonly string[]): Promise<Map<string, SeenRow>> {
    const rows = new Map<string, SeenRow>();
    for (let i = 0; i < identities.length; i += batch) {
      await Promise.all(
        identities.slice(i, i + batch).map(async (identity) => {
          const [epoch, edge = "", connection = "", incarnation = ""] = (
            await this.redis.hmget(this.rowKey(identity), "epoch", "edge", "conn", "inc")
          ).map((field) => field ?? undefined);
          if (epoch) rows.set(identity, { epoch: Number(epoch), edge, connection, incarnation });
        }),
      );
    }
    return rows;
  }

  rowKey(identity: string): string {
    return this.keys.row(this.partition(identity), keyOf(identity));
  }

  partition(identity: string): Partition {
    return partitionOf(keyOf(identity));
  }

  stop(): void {
    this.#isStopped = true;
    this.redis.disconnect();
  }

  async #readStream(partition: Partition): Promise<void> {
    try {
      for (;;) {
        const after = this.#after.get(partition) ?? "0";
        const reply = await this.redis.xread("COUNT", batch, "STREAMS", this.keys.events(partition), after);
        const entries = reply?.[0]?.[1] ?? [];
        for (const [streamId, flat] of entries) {
          this.#after.set(partition, streamId);
          this.events.push(readEvent(partition, streamId, flat)); // V1
        }
        if (entries.length < batch) return;
      }
    } catch {
      // V2
    }
  }
}

const keyOf = (identity: string): ReturnType<typeof identityKey> => {
  const read = asIdentity(identity);
  if (!read.ok) throw new Error(`${identity} is no identity`);
  return identityKey(read.identity, "1.6");
};

function readEvent(partition: Partition, streamId: string, flat: readonly string[]): SeenEvent {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ""] = flat[i + 1] ?? "";
  return {
    partition,
    streamId,
    id: fields["id"] ?? "",
    kind: fields["kind"] === "connected" ? "connected" : "disconnected",
    identity: fields["identity"] ?? "",
    epoch: Number(fields["epoch"]),
    edge: fields["edge"] ?? "",
    cause: fields["cause"] ?? "",
    atMs: Number(fields["at"]),
  };
}

/** A plain ioredis Cluster that knows no policies of ours: the checkers' own, and the bare client of master-killed. */
export function openCluster(nodes: ObserverPlan["nodes"], around: ObserverPlan["around"]): Cluster {
  const cluster = new Cluster([...nodes], {
    natMap: { ...around },
    enableOfflineQueue: false,
    maxRedirections: 3,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: 500,
    slotsRefreshTimeout: 1000,
    clusterRetryStrategy: (times) => Math.min(50 * times, 500),
    redisOptions: { connectTimeout: 1000, commandTimeout: 1000, socketTimeout: 2000 },
  });
  cluster.on("error", () => undefined); // told through the calls that fail
  cluster.on("+node", (node) => node.on("error", () => undefined));
  return cluster;
}

/** Waits until `isTrue`, at most `limitMs`; tells after how many ms, or undefined. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  limitMs: number,
): Promise<number | undefined> {
  const beganAtMs = nowMs();
  while (nowMs() - beganAtMs <= limitMs) {
    if (await isTrue()) return nowMs() - beganAtMs;
    await delay(20);
  }
  return undefined;
}
