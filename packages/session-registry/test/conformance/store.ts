// What every registry store must do, one guard at a time. Run against memory and against a real Redis Cluster.

import type { Identity, IdentityKey } from "@cpg/ocpp";
import { eventually } from "@cpg/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { leasePartitionOf, partitionOf, partitions } from "../../src/partition.ts";
import type { Claim, RegistryStore } from "../../src/store-port.ts";
import { systemTime } from "../../src/time.ts";
import { garbageCases, type Sabotage, type StoreCase } from "./garbage.ts";
import { messageCases } from "./messages.ts";

export type { Sabotage, StoreCase } from "./garbage.ts";

const deadlineMs = 5000;
let serial = 0;
const name = (prefix: string): string => `${prefix}-${++serial}-${process.pid}`;
const newKey = (): IdentityKey => name("CP") as IdentityKey;
const newIncarnation = (): Incarnation => name("inc") as Incarnation;
const newConnection = (): ConnectionId => name("conn") as ConnectionId;

/** Waits until a store can be used. */
export async function untilReady(store: RegistryStore): Promise<void> {
  await eventually(() => partitions.every((partition) => store.shardOf(partition) !== undefined));
  await eventually(() => store.syncClock(partitionOf("x"), deadlineMs).then(() => true));
}

/** Runs the suite; `open` gives a handle on the one store under test. */
export function describeStore(title: string, open: () => RegistryStore, sabotage: Sabotage): void {
  describe(title, () => {
    let store: RegistryStore | undefined;
    beforeAll(async () => {
      store = open();
      await untilReady(store);
    });
    afterAll(() => store?.close());
    for (const { name, run } of storeCases(() => store as RegistryStore, sabotage)) it(name, run);
  });
}

/** All promises, for the suite and for the mutation check. */
export function storeCases(theStore: () => RegistryStore, sabotage: Sabotage): StoreCase[] {
  const cases: StoreCase[] = [];
  const promise = (name: string, run: () => Promise<void>): void => void cases.push({ name, run });
  // Looked up at each call: the suite opens it later.
  const store = new Proxy({} as RegistryStore, {
    get: (_, method: keyof RegistryStore) => theStore()[method].bind(theStore()),
  });

  const now = async (key: IdentityKey): Promise<number> => {
    await store.syncClock(partitionOf(key), deadlineMs);
    const us = store.toShardUs(partitionOf(key), systemTime.monotonicMs());
    if (us === undefined) throw new Error("clock unknown");
    return us;
  };
  const claimOf = (key: IdentityKey, connection: ConnectionId, stampUs: number): Claim => ({
    key,
    connection,
    stampUs,
    identity: key as string as Identity,
    version: "1.6",
    remote: "127.0.0.1",
  });
  const claim = async (
    incarnation: Incarnation,
    key: IdentityKey,
    connection: ConnectionId,
    options: { stampUs?: number; floor?: number } = {},
  ) => {
    const stampUs = options.stampUs ?? (await now(key));
    const claimant = { incarnation, edge: `edge-of-${incarnation}`, epochFloor: options.floor ?? 0 };
    const reply = await store.claim(
      partitionOf(key),
      claimant,
      [claimOf(key, connection, stampUs)],
      deadlineMs,
    );
    return reply.kind === "fenced" ? ({ kind: "fenced" } as const) : reply.outcomes[0]!;
  };
  const granted = async (...args: Parameters<typeof claim>): Promise<number> => {
    const outcome = await claim(...args);
    if (outcome.kind !== "granted") throw new Error(`expected a grant, got ${JSON.stringify(outcome)}`);
    return outcome.epoch;
  };
  const release = async (
    incarnation: Incarnation,
    key: IdentityKey,
    connection: ConnectionId | undefined,
    epoch: number | undefined,
  ) =>
    (
      await store.release(
        partitionOf(key),
        incarnation,
        [{ key, connection, epoch, cause: "closed" }],
        deadlineMs,
      )
    )[0];
  const eventsOf = async (key: IdentityKey) =>
    (await store.events(partitionOf(key), "0", 100_000, deadlineMs))
      .map(({ event }) => event)
      .filter((event) => event.id.startsWith(`${key}:`))
      .map(({ kind, epoch, cause }) => `${kind} ${epoch} ${cause}`.trim());
  const ownerOf = async (key: IdentityKey) => {
    const reading = await store.row(key, deadlineMs);
    return reading.kind === "found" ? reading.row.connection : reading.kind;
  };

  promise("grants a free identity and tells who owns it", async () => {
    const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
    const epoch = await granted(incarnation, key, connection);
    const reading = await store.row(key, deadlineMs);
    expect(reading).toMatchObject({
      kind: "found",
      row: {
        key,
        incarnation,
        connection,
        epoch,
        edge: `edge-of-${incarnation}`,
        version: "1.6",
        remote: "127.0.0.1",
      },
    });
    expect(await eventsOf(key)).toEqual([`connected ${epoch}`]);
  });

  promise("tells that an unknown identity is absent", async () => {
    expect(await store.row(newKey(), deadlineMs)).toEqual({ kind: "absent" });
  });

  promise(
    "gives an identity to the newer socket with a greater epoch, and tells the loser's inbox (R1, R2)",
    async () => {
      const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
      const [old, newer] = [newConnection(), newConnection()];
      const epoch1 = await granted(first, key, old);
      const epoch2 = await granted(second, key, newer);
      expect(epoch2).toBeGreaterThan(epoch1);
      expect(await ownerOf(key)).toBe(newer);
      expect(await eventsOf(key)).toEqual([
        `connected ${epoch1}`,
        `disconnected ${epoch1} superseded`,
        `connected ${epoch2}`,
      ]);
      const inbox = await store.readInbox(partitionOf(key), first, "0", deadlineMs);
      expect(inbox.map(({ fields }) => fields)).toEqual([
        { kind: "evict", key, conn: old, epoch: String(epoch2), edge: `edge-of-${second}` },
      ]);
    },
  );

  promise("refuses an older socket's claim that comes late, and says who is newer (R1)", async () => {
    const [key, first, second, winner] = [newKey(), newIncarnation(), newIncarnation(), newConnection()];
    const stampUs = (await now(key)) - 1_000_000; // more than what is known of the shard's clock can change meanwhile
    const epoch = await granted(first, key, winner);
    expect(await claim(second, key, newConnection(), { stampUs })).toEqual({
      kind: "superseded",
      by: { edge: `edge-of-${first}`, epoch },
    });
    expect(await ownerOf(key)).toBe(winner);
  });

  promise("lets two sockets of the same microsecond agree on one winner, whichever asks again", async () => {
    const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
    const [low, high] = [newConnection(), newConnection()].sort() as [ConnectionId, ConnectionId];
    const stampUs = (await now(key)) - 1_000_000;
    await granted(first, key, high, { stampUs });
    expect((await claim(second, key, low, { stampUs })).kind).toBe("superseded");
    expect(await ownerOf(key)).toBe(high);
  });

  promise("ignores a stamp in the future: a skewed clock must not own an identity for ever", async () => {
    const [key, first, second, other] = [newKey(), newIncarnation(), newIncarnation(), newConnection()];
    await granted(first, key, newConnection(), { stampUs: (await now(key)) + 3_600_000_000 });
    await granted(second, key, other);
    expect(await ownerOf(key)).toBe(other);
  });

  promise(
    "repeats the epoch for a claim it knows: a retry after a lost reply changes nothing (R4)",
    async () => {
      const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
      const stampUs = await now(key);
      const epoch = await granted(incarnation, key, connection, { stampUs });
      expect(await claim(incarnation, key, connection, { stampUs })).toEqual({ kind: "granted", epoch });
      expect(await eventsOf(key)).toEqual([`connected ${epoch}`]);
    },
  );

  promise("never takes the session back from a newer socket when an old claim is retried (R4)", async () => {
    const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
    const [old, newer] = [newConnection(), newConnection()];
    const stampUs = await now(key);
    await granted(first, key, old, { stampUs });
    await granted(second, key, newer);
    expect((await claim(first, key, old, { stampUs })).kind).toBe("superseded");
    expect(await ownerOf(key)).toBe(newer);
  });

  promise(
    "grants nothing below the claimant's floor: an epoch once seen never comes again (R2)",
    async () => {
      const [key, incarnation] = [newKey(), newIncarnation()];
      const floor = (await now(key)) + 10_000_000;
      expect(await granted(incarnation, key, newConnection(), { floor })).toBe(floor + 1);
    },
  );

  promise("keeps epochs growing when an identity comes and goes (R2)", async () => {
    const [key, incarnation] = [newKey(), newIncarnation()];
    let last = 0;
    for (let i = 0; i < 5; i++) {
      const connection = newConnection();
      const epoch = await granted(incarnation, key, connection);
      expect(epoch).toBeGreaterThan(last);
      last = epoch;
      expect(await release(incarnation, key, connection, epoch)).toBe("ended");
    }
  });

  promise("claims again under a new incarnation without evicting itself", async () => {
    const [key, old, fresh, connection] = [newKey(), newIncarnation(), newIncarnation(), newConnection()];
    const stampUs = await now(key);
    const epoch1 = await granted(old, key, connection, { stampUs });
    const epoch2 = await granted(fresh, key, connection, { stampUs });
    expect(await eventsOf(key)).toEqual([
      `connected ${epoch1}`,
      `disconnected ${epoch1} edge-fenced`,
      `connected ${epoch2}`,
    ]);
    expect(await store.readInbox(partitionOf(key), old, "0", deadlineMs)).toEqual([]);
  });

  promise("ends a session once, with one event (R7)", async () => {
    const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
    const epoch = await granted(incarnation, key, connection);
    expect(await release(incarnation, key, connection, epoch)).toBe("ended");
    expect(await release(incarnation, key, connection, epoch)).toBe("elsewhere");
    expect(await ownerOf(key)).toBe("absent");
    expect(await eventsOf(key)).toEqual([`connected ${epoch}`, `disconnected ${epoch} closed`]);
  });

  for (const wrong of ["incarnation", "connection", "epoch"] as const) {
    promise(`leaves a session alone whose ${wrong} is another (R3)`, async () => {
      const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
      const epoch = await granted(incarnation, key, connection);
      const outcome = await release(
        wrong === "incarnation" ? newIncarnation() : incarnation,
        key,
        wrong === "connection" ? newConnection() : connection,
        wrong === "epoch" ? epoch - 1 : epoch,
      );
      expect(outcome).toBe("elsewhere");
      expect(await ownerOf(key)).toBe(connection);
    });
  }

  promise("undoes a claim of unknown outcome, before or after it was carried out (R4)", async () => {
    const [key, incarnation] = [newKey(), newIncarnation()];
    const [late, early] = [newConnection(), newConnection()];
    const stampUs = await now(key);
    expect(await release(incarnation, key, late, undefined)).toBe("elsewhere");
    expect((await claim(incarnation, key, late, { stampUs })).kind).toBe("undone");
    await granted(incarnation, key, early);
    expect(await release(incarnation, key, early, undefined)).toBe("ended");
    expect((await claim(incarnation, key, early)).kind).toBe("undone");
    expect(await ownerOf(key)).toBe("absent");
  });

  promise("grants a fenced incarnation nothing, and names what it still held (R7)", async () => {
    const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
    const epoch = await granted(incarnation, key, connection);
    expect(await store.fence(partitionOf(key), incarnation, 100, deadlineMs)).toEqual([key]);
    expect((await claim(incarnation, key, newConnection())).kind).toBe("fenced");
    expect(await release(incarnation, key, undefined, undefined)).toBe("ended");
    expect(await store.fence(partitionOf(key), incarnation, 100, deadlineMs)).toEqual([]);
    expect(await eventsOf(key)).toEqual([`connected ${epoch}`, `disconnected ${epoch} closed`]);
  });

  promise("names no more than it was asked for when it fences, and nobody if it only fences", async () => {
    const [key, incarnation] = [newKey(), newIncarnation()];
    const partition = partitionOf(key);
    const keys = [key];
    for (let other = newKey(); keys.length < 3; other = newKey())
      if (partitionOf(other) === partition) keys.push(other);
    for (const one of keys) await granted(incarnation, one, newConnection());
    for (const limit of [0, 2, 3])
      expect(await store.fence(partition, incarnation, limit, deadlineMs)).toEqual(
        keys.toSorted().slice(0, limit),
      );
  });

  promise("does not reap what another incarnation took over meanwhile", async () => {
    const [key, dead, alive, connection] = [newKey(), newIncarnation(), newIncarnation(), newConnection()];
    await granted(dead, key, newConnection());
    await granted(alive, key, connection);
    expect(await store.fence(partitionOf(key), dead, 100, deadlineMs)).toEqual([key]); // a stale name: its index may hold some
    expect(await release(dead, key, undefined, undefined)).toBe("elsewhere");
    expect(await store.fence(partitionOf(key), dead, 100, deadlineMs)).toEqual([]);
    expect(await ownerOf(key)).toBe(connection);
    expect(await store.index(partitionOf(key), alive, { after: "", limit: 10 }, deadlineMs)).toEqual([key]);
  });

  promise("renews a lease until it is buried, and never after", async () => {
    const incarnation = newIncarnation();
    const partition = leasePartitionOf(incarnation);
    const renew = (counter: number) =>
      store.renew(
        partition,
        { incarnation, edge: "an edge", counter, sessions: 7, isDraining: true },
        deadlineMs,
      );
    const read = async () =>
      (await store.leases(partition, deadlineMs)).find((entry) => entry.incarnation === incarnation)!;
    expect(await renew(1)).toBe("renewed");
    const judged = await read();
    expect(judged.state).toMatchObject({ kind: "alive", edge: "an edge", sessions: 7, isDraining: true });
    expect(await renew(2)).toBe("renewed");
    expect(await store.bury(partition, judged, deadlineMs)).toBe(false); // it moved on
    expect(await store.bury(partition, await read(), deadlineMs)).toBe(true);
    expect(await renew(3)).toBe("fenced");
    await store.forget(partition, await read(), deadlineMs);
    expect(await read()).toBeUndefined();
  });

  promise("carries many claims of one partition in one call, each with its own outcome", async () => {
    const [incarnation, other] = [newIncarnation(), newIncarnation()];
    const partition = partitionOf(newKey());
    const keys: IdentityKey[] = [];
    while (keys.length < 5) {
      const key = newKey();
      if (partitionOf(key) === partition) keys.push(key);
    }
    const stampUs = await now(keys[0]!);
    await granted(other, keys[2]!, newConnection());
    const claims = keys.map((key) => claimOf(key, newConnection(), stampUs));
    const reply = await store.claim(partition, { incarnation, edge: "e", epochFloor: 0 }, claims, deadlineMs);
    const outcomes = reply.kind === "answered" ? reply.outcomes.map(({ kind }) => kind) : [];
    expect(outcomes.join(" ")).toBe("granted granted superseded granted granted");
  });

  promise("grants more than a row's epoch, even if that is ahead of every clock (R2)", async () => {
    const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
    const ahead = await granted(first, key, newConnection(), { floor: (await now(key)) + 10_000_000 });
    expect(await granted(second, key, newConnection())).toBeGreaterThan(ahead);
  });

  promise("never stores a stamp of the future", async () => {
    const [key, incarnation] = [newKey(), newIncarnation()];
    await granted(incarnation, key, newConnection(), { stampUs: (await now(key)) + 3_600_000_000 });
    const reading = await store.row(key, deadlineMs);
    expect(reading.kind === "found" && reading.row.stampUs).toBeLessThanOrEqual((await now(key)) + 1_000_000);
  });

  promise("lets no row of the future keep a newer socket out", async () => {
    const [key, first, second, newer] = [newKey(), newIncarnation(), newIncarnation(), newConnection()];
    await granted(first, key, newConnection());
    await sabotage.postdate(key);
    await granted(second, key, newer);
    expect(await ownerOf(key)).toBe(newer);
  });

  promise("forgets a tombstone only if it still is what was read", async () => {
    const incarnation = newIncarnation();
    const partition = leasePartitionOf(incarnation);
    const read = async () =>
      (await store.leases(partition, deadlineMs)).find((entry) => entry.incarnation === incarnation);
    const renewal = { incarnation, edge: "an edge", sessions: 0, isDraining: false };
    await store.renew(partition, { ...renewal, counter: 1 }, deadlineMs);
    const old = await read();
    await store.renew(partition, { ...renewal, counter: 2 }, deadlineMs);
    await store.forget(partition, old!, deadlineMs);
    expect(await read()).toBeDefined();
  });

  promise("dates a tombstone by the shard's clock", async () => {
    const incarnation = newIncarnation();
    const partition = leasePartitionOf(incarnation);
    const renewal = { incarnation, edge: "e", counter: 1, sessions: 0, isDraining: false };
    await store.renew(partition, renewal, deadlineMs);
    const find = async () =>
      (await store.leases(partition, deadlineMs)).find((entry) => entry.incarnation === incarnation)!;
    expect(await store.bury(partition, await find(), deadlineMs)).toBe(true);
    const { state } = await find();
    await store.syncClock(partition, deadlineMs);
    const nowMs = (store.toShardUs(partition, systemTime.monotonicMs()) ?? 0) / 1000;
    expect(state.kind === "dead" && Math.abs(state.atMs - nowMs)).toBeLessThan(2000);
  });

  promise("sends no eviction to the incarnation that claims", async () => {
    const [key, incarnation] = [newKey(), newIncarnation()];
    await granted(incarnation, key, newConnection());
    await granted(incarnation, key, newConnection());
    expect(await store.readInbox(partitionOf(key), incarnation, "0", deadlineMs)).toEqual([]);
  });

  const hands = {
    store: () => store,
    newKey,
    newIncarnation,
    newConnection,
    claim,
    granted,
    release,
    eventsOf,
    ownerOf,
  };
  return [...cases, ...messageCases(hands, deadlineMs), ...garbageCases(hands, sabotage)];
}
