// This edge's own lease: a scripted store, a clock that moves when told.

import { describe, expect, it } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import type { Incarnation } from "../../src/model.ts";
import { LeaseHolder, type LeaseContext } from "../../src/ownership/lease-holder.ts";
import { leasePartitionOf, leasePartitions, type Partition } from "../../src/partition.ts";
import type { LeaseRenewal, RegistryStore } from "../../src/store-port.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";
import { anEdge, away, key, partition, random, settle } from "./an-edge.ts";

describe("the lease", () => {
  it("is renewed again as soon as a renewal that hung has ended, and counts from when it was sent (H1)", async () => {
    const clock = new VirtualClock();
    const time = new ProcessTime(clock, 0);
    const sentAtMs: number[] = [];
    let isHung = false;
    const store = {
      renew: () => {
        sentAtMs.push(clock.nowMs);
        if (!isHung) return Promise.resolve("renewed");
        return new Promise((_, reject) => time.after(100, () => reject(new Error("hung"))));
      },
      shardOf: () => "shard",
      lastHeardAtMs: () => undefined,
    } as unknown as RegistryStore;
    const nothing = (): undefined => undefined;
    const lease = new LeaseHolder({
      store,
      time,
      random,
      edge: "e",
      renewMs: 100,
      termMs: 500,
      awayMs: 1e6,
      fenceMs: 1e6,
      sessions: () => 0,
      begun: nothing,
      replaced: nothing,
    });
    await lease.start();
    isHung = true;
    await clock.advance(499, settle);
    expect(lease.isValid()).toBe(true);
    await clock.advance(1, settle);
    expect(lease.isValid()).toBe(false); // from 0, when the last confirmed one was sent
    expect(sentAtMs).toEqual([0, 100, 200, 300, 400, 500]);
  });

  it("gives up an incarnation that was not renewed for half the life of its fences (H4), and begins none after stop (H5)", async () => {
    const clock = new VirtualClock();
    const time = new ProcessTime(clock, 0);
    let isAway = false;
    let renewals = 0;
    const store = {
      renew: () => (renewals++, isAway ? away() : Promise.resolve("renewed")),
      shardOf: () => "shard",
      lastHeardAtMs: () => undefined,
    } as unknown as RegistryStore;
    const replaced: string[] = [];
    const lease = new LeaseHolder({
      store,
      time,
      random: { next: () => renewals / 1000 },
      edge: "e",
      renewMs: 100,
      termMs: 500,
      awayMs: 1e6,
      fenceMs: 10_000,
      sessions: () => 0,
      begun: () => undefined,
      replaced: (old) => void replaced.push(old),
    });
    await lease.start();
    const first = lease.incarnation;
    isAway = true;
    await clock.advance(4900, settle);
    expect(replaced).toEqual([]);
    await clock.advance(200, settle);
    expect(replaced).toEqual([first]);
    await lease.stop();
    renewals = 0;
    lease.fenced(lease.incarnation);
    await clock.advance(1000, settle);
    expect(renewals).toBe(0);
  });
});

describe("a lease whose shard is away (H6)", () => {
  const [renewMs, termMs, awayMs] = [100, 500, 1200];
  const shardOf = (of: Partition): string => `shard ${leasePartitions.indexOf(of) % 3}`;

  function aHolder() {
    const clock = new VirtualClock();
    const time = new ProcessTime(clock, 0);
    const lost = new Set<string>();
    const began: Incarnation[] = [];
    const replaced: Incarnation[] = [];
    let heardAtMs = 0;
    let chance = 0;
    const store = {
      renew: (at: Partition) => (lost.has(shardOf(at)) ? away() : Promise.resolve("renewed")),
      shardOf,
      lastHeardAtMs: () => heardAtMs,
    } as unknown as RegistryStore;
    const context: LeaseContext = {
      store,
      time,
      random: { next: () => (chance = (chance + 0.381966) % 1) },
      edge: "e",
      renewMs,
      termMs,
      awayMs,
      fenceMs: 1e6,
      sessions: () => 0,
      begun: (incarnation) => void began.push(incarnation),
      replaced: (old) => void replaced.push(old),
    };
    const lease = new LeaseHolder(context);
    const ownShard = (): string => shardOf(leasePartitionOf(lease.incarnation));
    /** `others`: whether any other shard answers meanwhile. */
    const pass = async (ms: number, others = true): Promise<void> => {
      for (const endMs = clock.nowMs + ms; clock.nowMs < endMs;) {
        if (others) heardAtMs = clock.nowMs;
        await clock.advance(50, settle);
      }
    };
    return { lease, lost, began, replaced, ownShard, pass };
  }

  it("is given up for one on another shard when others answered all the while", async () => {
    const { lease, lost, began, replaced, ownShard, pass } = aHolder();
    await lease.start();
    const [first, shard] = [lease.incarnation, ownShard()];
    lost.add(shard);
    await pass(awayMs);
    expect([replaced, lease.isValid()]).toEqual([[], false]); // a failover takes less: nothing was given up for it
    await pass(3 * renewMs);
    expect(replaced).toEqual([first]);
    expect(ownShard()).not.toBe(shard);
    expect([began, lease.isValid()]).toEqual([[first, lease.incarnation], true]);
  });

  it("is kept when its shard is back in time", async () => {
    const { lease, lost, replaced, ownShard, pass } = aHolder();
    await lease.start();
    for (let n = 0; n < 5; n++) {
      lost.add(ownShard());
      await pass(awayMs - renewMs);
      lost.clear();
      await pass(2 * renewMs);
      expect(lease.isValid()).toBe(true);
    }
    expect(replaced).toEqual([]);
  });

  it("is kept while nobody answers, however long, and for a while after others do again", async () => {
    const { lease, lost, replaced, pass } = aHolder();
    await lease.start();
    for (const at of leasePartitions) lost.add(shardOf(at));
    await pass(20 * awayMs, false);
    expect(replaced).toEqual([]);
    await pass(awayMs / 2); // they do not all come back in the same instant
    lost.clear();
    await pass(2 * renewMs);
    expect([replaced, lease.isValid()]).toEqual([[], true]);
  });

  it("moves on until it finds a shard that takes it, and begins none after stop (H5)", async () => {
    const { lease, lost, began, pass } = aHolder();
    await lease.start();
    for (const at of leasePartitions) lost.add(shardOf(at)); // reads are answered, writes are not
    await pass(2 * awayMs);
    lost.clear();
    await pass(2 * renewMs);
    expect([began.length, lease.isValid()]).toEqual([2, true]);
    for (const at of leasePartitions) lost.add(shardOf(at));
    const last = lease.incarnation;
    await pass(awayMs / 2);
    await lease.stop();
    await pass(2 * awayMs);
    expect(lease.incarnation).toBe(last);
  });
});

describe("an edge whose lease lies on a lost shard", () => {
  /** One with a session, c1, and that shard lost: whatever else lies there can be reached. */
  async function anEdgeThatLost() {
    const edge = await anEdge();
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(500);
    const { incarnation } = edge.ownership.edges()[0]!;
    const lost = leasePartitionOf(incarnation);
    let isLost = true;
    const renewals: LeaseRenewal[] = [];
    const unlessLost = <T>(at: Partition, call: () => Promise<T>): Promise<T> =>
      isLost && at === lost ? away() : call();
    const [renew, leases] = [edge.store.renew.bind(edge.store), edge.store.leases.bind(edge.store)];
    edge.store.shardOf = (p) => (p === lost ? "lost" : "memory");
    edge.store.leases = (...args) => unlessLost(args[0], () => leases(...args));
    edge.store.renew = (...args) =>
      unlessLost(args[0], () => {
        renewals.push(args[1]);
        return renew(...args);
      });
    const kinds = async (): Promise<string[]> => {
      const events = await edge.store.events(partition, "0", 100, 1000);
      return events.map(({ event }) => `${event.kind} ${event.cause}`.trim());
    };
    const named = (): string[] => edge.backend.index(partition, incarnation, { after: "", limit: 10 });
    return { ...edge, lost, renewals, kinds, named, isBack: () => void (isLost = false) };
  }

  it("claims its sessions anew on the others, closes no socket, and ends each epoch once, also when the shard returns (R1, R3, R7)", async () => {
    const edge = await anEdgeThatLost();
    await edge.advance(3000); // the lease lapsed after 1,600
    expect(edge.ownership.isLeaseValid()).toBe(false);
    await edge.advance(3000);
    expect(edge.ownership.isLeaseValid()).toBe(true);
    expect(new Set(edge.told)).toEqual(new Set(["granted c1"]));
    const ends = ["connected", "disconnected edge-fenced", "connected"];
    expect(await edge.kinds()).toEqual(ends);
    expect(edge.named(), "stale, and nobody else's to remove while the shard is lost (O9)").toEqual([]);
    const reading = await edge.store.row(key, 1000);
    const { incarnation } = edge.renewals.at(-1)!;
    expect(reading).toMatchObject({ row: { incarnation, connection: "c1" } });
    edge.isBack();
    await edge.advance(5000); // the old lease stands still there, and is judged as any other
    expect(edge.backend.leases(edge.lost).map(({ state }) => state.kind)).toEqual(["dead"]);
    expect(await edge.kinds()).toEqual(ends);
    expect(edge.ownership.isLeaseValid()).toBe(true);
  });

  describe("ends the row of a socket that closes before its claim under the new name was carried out (R7, O9)", () => {
    const timedOut = (): Promise<never> =>
      Promise.reject(new RegistryError("TIMEOUT", "too late", { retryable: true }));

    async function anEdgeThatClaimsInVain(fail: () => Promise<never>) {
      const edge = await anEdgeThatLost();
      let tries = 0;
      edge.store.claim = () => (tries++, fail());
      await edge.advance(5000);
      expect([tries > 0, edge.ownership.isLeaseValid()]).toEqual([true, true]);
      expect(await edge.kinds()).toEqual(["connected"]);
      return edge;
    }
    const hasEnded = async (edge: Awaited<ReturnType<typeof anEdgeThatLost>>): Promise<void> => {
      expect(await edge.kinds()).toEqual(["connected", "disconnected edge-fenced"]);
      expect([await edge.store.row(key, 1000), edge.named()]).toEqual([{ kind: "absent" }, []]);
    };

    it.each([
      ["refused", away],
      ["of unknown outcome", timedOut],
    ])("%s", async (_, fail) => {
      const edge = await anEdgeThatClaimsInVain(fail);
      edge.ownership.release(edge.session("c1"), "closed");
      await edge.advance(1000);
      await hasEnded(edge);
      expect(edge.counted).toContain("reconciled 1");
    });

    it("also if its edge stops", async () => {
      const edge = await anEdgeThatClaimsInVain(away);
      let isAway = true;
      const fence = edge.store.fence.bind(edge.store);
      edge.store.fence = (...args) => (isAway ? away() : fence(...args));
      const stopped = edge.ownership.stop(5000);
      await edge.advance(1000);
      isAway = false;
      await edge.advance(5000);
      await stopped;
      await hasEnded(edge);
    });
  });
});
