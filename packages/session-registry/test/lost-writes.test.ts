// Real failovers that lose acknowledged writes, made on demand: the replicas hang and are cut off, the master acknowledges, dies,
// and a replica takes over that never heard of it. What was lost is told by the epochs and owners afterwards (R1–R4).

import { asIdentity, identityKey, type IdentityKey } from "@cpg/ocpp";
import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createClusterRegistry,
  systemTime,
  type ConnectionId,
  type LifecycleEvent,
  type NewSession,
  type Ownership,
  type OwnershipSettings,
} from "../src/index.ts";
import { Keyspace } from "../src/keyspace.ts";
import {
  leasePartitionOf,
  partitionOf,
  partitionSlots,
  partitionTags,
  type Partition,
} from "../src/partition.ts";
import { readEntries, readEvent } from "../src/redis/replies.ts";
import { mortalTime } from "./mortal-time.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

interface Edge {
  readonly ownership: Ownership;
  readonly epochs: Map<ConnectionId, number>;
  readonly superseded: Set<ConnectionId>;
  /** As under kill -9. */
  readonly die: () => void;
}

let cluster: RedisCluster;
let a: Edge;
let b: Edge;
let serial = 0;
const prefix = uniquePrefix();

beforeAll(async () => {
  cluster = await startTestRedisCluster();
  [a, b] = await Promise.all([startEdge("edge-a"), startEdge("edge-b")]);
}, 60_000);
afterAll(async () => {
  await Promise.all([a, b].map((edge) => edge?.ownership.stop(2000)));
  await cluster?.stop();
});

async function startEdge(
  name: string,
  changes: Partial<OwnershipSettings> = {},
  keyPrefix = prefix,
): Promise<Edge> {
  const { time, die } = mortalTime();
  const nodes = cluster.addresses.map(({ host, port }) => `${host}:${port}`);
  const patient = { leaseMs: 15_000, leasePollMs: 500, callDeadlineMs: 10_000 };
  const { ownership } = createClusterRegistry(
    {
      ownership: ownershipSettings(name, { ...patient, ...changes }),
      redis: redisSettings(nodes, keyPrefix),
      retention,
    },
    { time },
  );
  const edge: Edge = { ownership, epochs: new Map(), superseded: new Set(), die };
  await ownership.start({
    granted: ({ connection }, epoch) => void edge.epochs.set(connection, epoch),
    superseded: ({ connection }) => void edge.superseded.add(connection),
    message: () => undefined,
  });
  await eventually(() => ownership.isLeaseValid(), { timeoutMs: 10_000 });
  return edge;
}

function newSession(id = `CP-${++serial}`): NewSession {
  const parsed = asIdentity(id);
  if (!parsed.ok) throw new Error(parsed.fault);
  return {
    identity: parsed.identity,
    key: identityKey(parsed.identity, "1.6"),
    version: "1.6",
    remote: "127.0.0.1",
    connection: `conn-${++serial}` as ConnectionId,
    authenticatedAtMs: systemTime.monotonicMs(),
  };
}

async function claimed(edge: Edge, session = newSession()): Promise<NewSession> {
  edge.ownership.claim(session);
  await eventually(() => edge.epochs.has(session.connection));
  return session;
}

const epochOf = (edge: Edge, { connection }: NewSession): number => edge.epochs.get(connection) ?? Number.NaN;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Runs `work` so that the shard of `key` acknowledges it and loses it. Tells when its master died, ms since 1970. */
async function losing(key: IdentityKey, work: (master: Address) => Promise<void>): Promise<number> {
  const master = await cluster.masterOfSlot(partitionSlots[partitionOf(key)] ?? 0);
  const others = await Promise.all(
    cluster.nodes.map(async (node) => ((await roleOf(node.port)) === "slave" ? node : undefined)),
  );
  const replicas = others.filter((node) => node !== undefined);
  const admin = new Redis(master.port, master.host);
  await admin.set(`{${partitionTags[partitionOf(key)] ?? ""}}:marker`, "1");
  expect(await admin.wait(1, 20_000)).toBeGreaterThan(0); // what was written before is not to be lost: a replica has it
  for (const replica of replicas) replica.pause();
  await admin.call("CLIENT", "KILL", "TYPE", "replica"); // what was sent to them already, they would still read
  admin.disconnect();
  await work(master);
  await master.kill();
  const diedAtMs = Date.now();
  for (const replica of replicas) replica.resume();
  const slot = partitionSlots[partitionOf(key)] ?? 0;
  await eventually(async () => expect((await cluster.masterOfSlot(slot)).port).not.toBe(master.port), {
    timeoutMs: 30_000,
  });
  await master.restart(); // comes back as a replica of the one that took over
  await cluster.untilHealthy(30_000);
  return diedAtMs;
}

/** The `disconnected` events of an identity, as its master has them: the present one, who is asked for among nodes that answer. */
async function endsOf({ key }: NewSession, keyPrefix = prefix, at?: Address): Promise<LifecycleEvent[]> {
  const partition = partitionOf(key);
  const master = at ?? (await cluster.masterOfSlot(partitionSlots[partition] ?? 0));
  const node = new Redis(master.port, master.host);
  const entries = await node.xrange(new Keyspace(keyPrefix).events(partition), "-", "+");
  node.disconnect();
  return readEntries(entries)
    .map(readEvent)
    .filter((event) => event.id.startsWith(`${key}:`) && event.kind === "disconnected");
}

async function roleOf(port: number): Promise<string> {
  const node = new Redis(port, "127.0.0.1");
  const [role] = (await node.role()) as [string];
  node.disconnect();
  return role;
}

/** What b finds: refused, and to be asked again, while its circuit to that shard is still open from the failover. */
async function ownerOf(key: IdentityKey): Promise<{ connection: string; epoch: number } | undefined> {
  const found = await eventually(() => b.ownership.lookup([key], 10_000), { timeoutMs: 15_000 });
  return found.kind === "found" ? found.row : undefined;
}

describe("a failover that loses acknowledged writes", () => {
  it("loses a grant: the owner asserts itself again, with a greater epoch (R2)", async () => {
    const session = newSession();
    let lost = Number.NaN;
    await losing(session.key, async () => {
      await claimed(a, session);
      lost = epochOf(a, session);
    });
    // A row that was still there would have kept its epoch: that it grew shows that the write was lost.
    await eventually(() => expect(epochOf(a, session)).toBeGreaterThan(lost), { timeoutMs: 15_000 });
    expect(await ownerOf(session.key)).toMatchObject({
      connection: session.connection,
      epoch: epochOf(a, session),
    });
  }, 90_000);

  it("loses a take-over: the newer socket owns the identity all the same, and the older is told (R1)", async () => {
    const older = await claimed(a);
    const newer = newSession(older.identity);
    let lost = Number.NaN;
    await losing(older.key, async () => {
      await claimed(b, newer);
      lost = epochOf(b, newer);
    });
    await eventually(() => expect(epochOf(b, newer)).toBeGreaterThan(lost), { timeoutMs: 15_000 });
    await eventually(() => expect(a.superseded.has(older.connection)).toBe(true), { timeoutMs: 15_000 });
    expect(b.superseded.has(newer.connection)).toBe(false);
    expect(await ownerOf(older.key)).toMatchObject({
      connection: newer.connection,
      epoch: epochOf(b, newer),
    });
  }, 90_000);

  it("loses a release: the row that comes back without a socket is ended (R3)", async () => {
    const session = await claimed(a);
    const diedAtMs = await losing(session.key, async () => {
      a.ownership.release(session, "closed");
      await eventually(() => expect(a.ownership.health().owed).toBe(0));
    });
    await eventually(async () => expect(await ownerOf(session.key)).toBeUndefined(), { timeoutMs: 15_000 });
    const ends = await endsOf(session); // that of the release was lost with it
    expect(ends).toHaveLength(1);
    expect(ends[0]?.atMs).toBeGreaterThan(diedAtMs);
  }, 90_000);

  it("loses the end of a dead edge's session: it is ended once more (R7)", async () => {
    const apart = uniquePrefix(); // whose leases are too short for the others
    const short = { leaseMs: 2000, leasePollMs: 200 };
    const [dying, reaping] = await Promise.all(
      ["edge-c", "edge-d"].map((name) => startEdge(name, short, apart)),
    );
    const session = await claimed(dying!);
    const diedAtMs = await losing(session.key, async (master) => {
      dying!.die();
      await eventually(async () => expect(await endsOf(session, apart, master)).toHaveLength(1), {
        timeoutMs: 10_000,
      });
    });
    await eventually(async () => expect(await endsOf(session, apart)).toHaveLength(1), { timeoutMs: 15_000 });
    const [end] = await endsOf(session, apart); // the first was lost with the row's end
    expect(end).toMatchObject({ cause: "edge-died" });
    expect(end?.atMs).toBeGreaterThan(diedAtMs);
    await reaping!.ownership.stop(2000);
  }, 90_000);

  it("loses the last releases of an edge that stopped in order: what comes back is ended (R7)", async () => {
    const apart = uniquePrefix();
    const short = { leaseMs: 2000, leasePollMs: 200 };
    const [leaving, staying] = await Promise.all(
      ["edge-e", "edge-f"].map((name) => startEdge(name, short, apart)),
    );
    const incarnation = await eventually(() => {
      const rows = staying!.ownership.edges().filter(({ edge }) => edge === "edge-e");
      expect(rows).toHaveLength(1);
      return rows[0]!.incarnation;
    });
    const masterOf = async (p: Partition): Promise<number> =>
      (await cluster.masterOfSlot(partitionSlots[p] ?? 0)).port;
    const leaseMaster = await masterOf(leasePartitionOf(incarnation)); // which keeps what it was told
    let session = newSession();
    while ((await masterOf(partitionOf(session.key))) === leaseMaster) session = newSession();
    await claimed(leaving!, session);
    const diedAtMs = await losing(session.key, async (master) => {
      await leaving!.ownership.stop(5000);
      expect(await endsOf(session, apart, master)).toMatchObject([{ cause: "drained" }]);
    });
    await eventually(
      async () => expect(await endsOf(session, apart)).toMatchObject([{ cause: "edge-died" }]),
      { timeoutMs: 15_000 },
    );
    expect((await endsOf(session, apart))[0]?.atMs).toBeGreaterThan(diedAtMs);
    await staying!.ownership.stop(2000);
  }, 90_000);
});
