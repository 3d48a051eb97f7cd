// Makes a cluster of empty nodes, and tells when it stands. I/O: speaks to the nodes.
//
// F1. Every node meets every other directly: waiting for gossip to carry the news takes seconds more.
// F2. Each master gets its own config epoch, as redis-cli gives it: two masters of one epoch would have to sort that out first. A node takes
//     one only while it knows no other, so all have theirs before any meets another.

import { setTimeout as delay } from "node:timers/promises";

import type { Redis } from "ioredis";

import { withConnection } from "./redis-node.ts";

/** What is said of a node to form a cluster: the first `masters` become masters, the others replicas in turn. */
export type ClusterMember = { readonly host: string; readonly port: number; readonly busPort: number };

/** The cluster did not stand in time; the message has each node's view. */
export class ClusterNotReadyError extends Error {
  readonly code = "CLUSTER_NOT_READY";
}

const slotCount = 16_384;

/** Joins empty nodes into a cluster of `masters` masters with all slots. Ends before the cluster is usable: `untilHealthy`. */
export async function formCluster(members: readonly ClusterMember[], masters: number): Promise<void> {
  await Promise.all(members.slice(0, masters).map((member, index) => serveSlots(member, index, masters)));
  await Promise.all(members.map((member, index) => meet(member, members.slice(index + 1))));
  await untilAll(members, 10_000, async (redis) => (await knownNodes(redis)) === members.length);
  const ids = await Promise.all(members.slice(0, masters).map((member) => withConnection(member, nodeId)));
  await Promise.all(
    members
      .slice(masters)
      .map((member, index) =>
        withConnection(member, (redis) => redis.call("CLUSTER", "REPLICATE", ids[index % masters] ?? "")),
      ),
  );
}

/**
 * Waits until each of these nodes says `cluster_state:ok`, knows no failing node among them, and each replica's link is up.
 * Rejects with ClusterNotReadyError after `timeoutMs`.
 */
export async function untilHealthy(members: readonly ClusterMember[], timeoutMs: number): Promise<void> {
  await untilAll(members, timeoutMs, async (redis) => {
    const [info, replication] = [
      String(await redis.call("CLUSTER", "INFO")),
      await redis.info("replication"),
    ];
    const linked = !replication.includes("role:slave") || replication.includes("master_link_status:up");
    return linked && info.includes("cluster_state:ok") && info.includes(`cluster_slots_ok:${slotCount}`);
  });
}

async function serveSlots(master: ClusterMember, index: number, masters: number): Promise<void> {
  const [first, end] = [boundary(index, masters), boundary(index + 1, masters)];
  await withConnection(master, async (redis) => {
    await redis.call("CLUSTER", "ADDSLOTSRANGE", first, end - 1);
    await redis.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1); // F2
  });
}

async function meet(member: ClusterMember, others: readonly ClusterMember[]): Promise<void> {
  await withConnection(member, async (redis) => {
    for (const other of others) await redis.call("CLUSTER", "MEET", other.host, other.port, other.busPort); // F1
  });
}

function boundary(index: number, masters: number): number {
  return Math.round((slotCount / masters) * index);
}

// Nodes in handshake have a random id that will change; only settled ones may be counted.
async function knownNodes(redis: Redis): Promise<number> {
  const lines = String(await redis.call("CLUSTER", "NODES"))
    .trim()
    .split("\n");
  return lines.filter((line) => !line.includes("handshake") && line.includes("connected")).length;
}

async function nodeId(redis: Redis): Promise<string> {
  return String(await redis.call("CLUSTER", "MYID"));
}

async function untilAll(
  members: readonly ClusterMember[],
  timeoutMs: number,
  isTrue: (redis: Redis) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let waiting = [...members];
  while (waiting.length > 0) {
    const verdicts = await Promise.all(
      waiting.map((member) => withConnection(member, isTrue).catch(() => false)),
    );
    waiting = waiting.filter((_, index) => verdicts[index] !== true);
    if (waiting.length === 0) return;
    if (performance.now() > deadline) throw await notReady(waiting, timeoutMs);
    await delay(25);
  }
}

async function notReady(waiting: readonly ClusterMember[], timeoutMs: number): Promise<ClusterNotReadyError> {
  const views = await Promise.all(
    waiting.map(async (member) => {
      const view = await withConnection(member, async (redis) => {
        const state = String(await redis.call("CLUSTER", "INFO"))
          .split("\r\n")
          .slice(0, 6)
          .join(" ");
        return `${state} ${(await redis.info("replication")).split("\r\n").slice(1, 5).join(" ")}`;
      }).catch((error: unknown) => String(error));
      return `${member.port}: ${view}`;
    }),
  );
  return new ClusterNotReadyError(`the cluster did not stand within ${timeoutMs} ms: ${views.join("; ")}`);
}
