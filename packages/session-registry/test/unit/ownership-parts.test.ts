// One race each, played by hand: a scripted store, a clock that moves when told.

import type { IdentityKey } from "@cpg/ocpp";
import { describe, expect, it } from "vitest";
import type { NewSession } from "../../src/index.ts";
import { RegistryError } from "../../src/errors.ts";
import { noMeter } from "../../src/meter.ts";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { RegistryOwnership } from "../../src/ownership/ownership.ts";
import { leasePartitions, partitionOf } from "../../src/partition.ts";
import type { RegistryStore } from "../../src/store-port.ts";
import { ownershipSettings } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";
import { anEdge, away, key, partition, random } from "./an-edge.ts";

describe("claims", () => {
  it("compares an eviction that overtakes the claim's answer with that answer (R6)", async () => {
    const edge = await anEdge();
    const claim = edge.store.claim.bind(edge.store);
    edge.store.claim = async (...args) => {
      const reply = await claim(...args);
      await new Promise<void>((resolve) => edge.time.after(300, resolve)); // its answer takes long
      return reply;
    };
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(1);
    const stampUs = edge.store.toShardUs(partition, edge.time.monotonicMs()) ?? 0;
    const newer = {
      key,
      identity: "CP1" as NewSession["identity"],
      version: "1.6" as const,
      remote: "",
      connection: "c2" as ConnectionId,
      stampUs,
    };
    edge.backend.claim(partition, { incarnation: "other.1" as Incarnation, edge: "other", epochFloor: 0 }, [
      newer,
    ]);
    await edge.advance(250); // the inbox was read: the eviction is known, the answer is not
    expect(edge.told).toEqual([]);
    await edge.advance(500);
    expect(edge.told).toEqual(["superseded c1"]);
  });

  it("fences every incarnation it had before it claims under the next, and none twice (O5)", async () => {
    const edge = await anEdge();
    const fenced: string[] = [];
    const claimants: string[] = [];
    const fence = edge.store.fence.bind(edge.store);
    const claim = edge.store.claim.bind(edge.store);
    const renew = edge.store.renew.bind(edge.store);
    edge.store.fence = (p, incarnation, ...rest) => {
      if (p === partition && rest[0] === 0) fenced.push(incarnation);
      return fence(p, incarnation, ...rest);
    };
    edge.store.claim = (p, claimant, ...rest) => {
      claimants.push(claimant.incarnation);
      return claim(p, claimant, ...rest);
    };
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(10);
    const first = claimants[0];
    let deaths = 2;
    edge.store.renew = (...args) => (deaths-- > 0 ? Promise.resolve("fenced") : renew(...args));
    await edge.advance(3000);
    expect(fenced).toHaveLength(2);
    expect(fenced).toContain(first);
    expect(new Set(fenced).size).toBe(fenced.length);
    expect(fenced).not.toContain(claimants.at(-1));
  });

  it("makes no stamp of a master's clock that it does not know, however late in its turn the master changed (R1)", async () => {
    const edge = await anEdge({ replayPerSecond: 10, reassertMs: 640_000 });
    const others: IdentityKey[] = [];
    for (let n = 0; others.length < 20; n++)
      if (partitionOf(`CP-${n}`) === partition) others.push(`CP-${n}` as IdentityKey);
    for (const other of others) edge.ownership.claim(edge.session(`c-${other}`, other));
    await edge.advance(10);
    const toShardUs = edge.store.toShardUs.bind(edge.store);
    let isKnown = true;
    edge.store.isClockKnown = () => isKnown;
    edge.store.toShardUs = (...args) => (isKnown ? toShardUs(...args) : undefined);
    edge.store.syncClock = () => Promise.resolve(void (isKnown = true));
    const stamps: number[] = [];
    const claim = edge.store.claim.bind(edge.store);
    edge.store.claim = (...args) => {
      for (const { connection, stampUs } of args[2]) if (connection === "c1") stamps.push(stampUs);
      return claim(...args);
    };
    edge.changeMaster(partition); // twenty are asserted again, ten a second
    await edge.advance(10);
    const authenticatedUs = toShardUs(partition, edge.time.monotonicMs());
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(100);
    isKnown = false; // while it waits for the pacer
    edge.changeMaster(partition);
    await edge.advance(10_000);
    expect(stamps).toEqual([authenticatedUs]);
  });

  it("bounds the releases that an outage makes owed, counts what it drops, and ends those rows afterwards (R9)", async () => {
    const edge = await anEdge({ maxOwed: 2 });
    const sessions = ["c1", "c2", "c3", "c4"].map((connection, i) =>
      edge.session(connection, `CP${i}` as IdentityKey),
    );
    for (const session of sessions) {
      edge.ownership.claim(session);
      await edge.advance(10);
    }
    const release = edge.store.release.bind(edge.store);
    edge.store.release = away;
    for (const session of sessions) edge.ownership.release(session, "closed");
    await edge.advance(1000);
    expect(edge.ownership.health().owed).toBe(2);
    expect(edge.counted.filter((what) => what === "dropped")).toHaveLength(2);
    expect(edge.ownership.admission()).toEqual({ kind: "open" }); // releases keep no charge point out
    edge.store.release = release;
    await edge.advance(10_000);
    for (const [i] of sessions.entries())
      expect(await edge.store.row(`CP${i}` as IdentityKey, 1000)).toEqual({ kind: "absent" });
    expect(edge.counted).toContain("reconciled 1");
  });

  describe("stops after releases were dropped (R7, R9)", () => {
    async function drops(isSettled = true) {
      const edge = await anEdge({ maxOwed: 2 });
      const sessions = [1, 2, 3, 4, 5, 6].map((i) => edge.session(`c${i}`, `CP${i}` as IdentityKey));
      const claim = edge.store.claim.bind(edge.store);
      let lost = isSettled ? 0 : sessions.length;
      edge.store.claim = async (...args) => {
        const reply = await claim(...args);
        if (lost-- > 0) throw new RegistryError("TIMEOUT", "lost", { retryable: true });
        return reply;
      };
      for (const session of sessions) {
        edge.ownership.claim(session);
        await edge.advance(200);
      }
      const lease = async (): Promise<string[]> => {
        const all = await Promise.all(leasePartitions.map((p) => edge.store.leases(p, 1000)));
        return all.flat().map(({ state }) => state.kind);
      };
      const rows = async (): Promise<number> => {
        const all = await Promise.all(sessions.map(({ key }) => edge.store.row(key, 1000)));
        return all.filter(({ kind }) => kind === "found").length;
      };
      expect(await rows()).toBe(6);
      return { ...edge, lease, rows };
    }
    const stop = async (edge: Awaited<ReturnType<typeof drops>>): Promise<void> => {
      const stopped = edge.ownership.stop(5000);
      await edge.advance(6000);
      await stopped;
    };

    it("and ends what was dropped, by itself", async () => {
      const edge = await drops();
      await stop(edge);
      expect(edge.counted).toContain("dropped");
      expect([await edge.rows(), await edge.lease()]).toEqual([0, ["dead"]]);
    });

    it("and buries its lease if it could not end that in time, so that others do", async () => {
      const edge = await drops();
      edge.store.index = away;
      await stop(edge);
      expect(await edge.rows()).toBeGreaterThan(0);
      expect(await edge.lease()).toEqual(["dead"]);
    });

    it("and buries it too if a dropped claim may yet be carried out", async () => {
      const edge = await drops(false);
      await stop(edge);
      expect([await edge.rows(), await edge.lease()]).toEqual([0, ["dead"]]);
    });
  });

  describe("stops with names in its index whose charge points moved on (R9)", () => {
    async function moved() {
      const edge = await anEdge();
      const index = (): number => {
        const { incarnation } = edge.ownership.edges()[0]!;
        return edge.backend.index(partition, incarnation, { after: "", limit: 10 }).length;
      };
      edge.ownership.claim(edge.session("c1"));
      await edge.advance(250); // the leases were read: edges() knows this one
      const other = { incarnation: "other.1" as Incarnation, edge: "other", epochFloor: 0 };
      edge.backend.claim(partition, other, [{ ...edge.session("c2"), stampUs: edge.backend.nowUs() }]);
      await edge.advance(250);
      expect(edge.told).toContain("superseded c1");
      expect([edge.ownership.health().owed, index()]).toEqual([0, 1]);
      const stop = async (deadlineMs: number): Promise<void> => {
        const stopped = edge.ownership.stop(deadlineMs);
        await edge.advance(deadlineMs + 1000);
        await stopped;
      };
      const lease = async (): Promise<string[]> => {
        const all = await Promise.all(leasePartitions.map((p) => edge.store.leases(p, 1000)));
        return all.flat().map(({ state }) => state.kind);
      };
      return { ...edge, index, stop, lease };
    }

    it("and removes them first: there may be nobody else", async () => {
      const edge = await moved();
      await edge.stop(5000);
      expect([edge.index(), await edge.lease()]).toEqual([0, ["dead"]]);
      expect((await edge.store.row(key, 1000)).kind).toBe("found"); // it is the other's
    });

    it("and leaves them to a reaper if it could not in its time", async () => {
      const edge = await moved();
      edge.store.index = away;
      await edge.stop(500);
      expect([edge.index(), await edge.lease()]).toEqual([1, ["dead"]]);
    });
  });

  it("refuses a claim only for claims that were never registered: to look again fills no bound", async () => {
    const edge = await anEdge({ maxOwed: 1 });
    for (const i of [1, 2, 3]) {
      edge.ownership.claim(edge.session(`c${i}`, `CP${i}` as IdentityKey));
      await edge.advance(10);
    }
    edge.store.claim = away;
    await edge.advance(7000); // all three are asked for again
    expect(edge.ownership.health().owed).toBe(0);
    expect(edge.ownership.claim(edge.session("c4", "CP4" as IdentityKey))).toEqual({ kind: "accepted" });
    expect(edge.ownership.claim(edge.session("c5", "CP5" as IdentityKey))).toEqual({
      kind: "refused",
      reason: "owed-full",
    });
  });

  it.each(["accept", "reject"] as const)(
    "while Redis is away %ss charge points, as the policy says (R8)",
    async (outagePolicy) => {
      const edge = await anEdge({ outagePolicy });
      expect(edge.ownership.admission()).toEqual({ kind: "open" });
      const renew = edge.store.renew.bind(edge.store);
      edge.store.renew = away;
      edge.store.claim = away;
      await edge.advance(3000);
      expect(edge.ownership.isLeaseValid()).toBe(false);
      const admission = edge.ownership.admission();
      if (outagePolicy === "accept") expect(admission).toEqual({ kind: "open" });
      else expect(admission).toMatchObject({ kind: "closed", reason: "registry-away", retryAfterMs: 400 });
      edge.store.renew = renew;
      await edge.advance(1000);
      expect(edge.ownership.admission()).toEqual({ kind: "open" });
    },
  );

  it("sends each newcomer at once in quiet times, and in a storm together who follow within gatherMs (O1)", async () => {
    const edge = await anEdge({ gatherMs: 50, maxOwed: 10_000 });
    await edge.advance(100);
    const calls: number[] = [];
    const claim = edge.store.claim.bind(edge.store);
    edge.store.claim = (...args) => {
      calls.push(args[2].length);
      return claim(...args);
    };
    const others: IdentityKey[] = [];
    for (let n = 0; others.length < 600; n++) {
      const other = `CP-${n}` as IdentityKey;
      if (partitionOf(other) === partition) others.push(other);
    }
    const claimOne = async (): Promise<NewSession> => {
      const session = edge.session(`c${others.length}`, others.pop());
      edge.ownership.claim(session);
      await edge.advance(1);
      return session;
    };
    const first = await claimOne();
    for (let n = 0; n < 4; n++) await claimOne();
    expect(calls).toEqual([1, 1, 1, 1, 1]); // quiet
    while (others.length > 0) await claimOne();
    await edge.advance(50);
    expect(Math.max(...calls)).toBeGreaterThan(10); // a millisecond between two: up to fifty together
    expect(calls.reduce((sum, size) => sum + size)).toBe(600);
    await edge.advance(2000);
    edge.ownership.release(first, "closed");
    edge.ownership.claim(edge.session("d1"));
    await edge.advance(1);
    edge.ownership.claim(edge.session("d2", `CP-X` as IdentityKey));
    await edge.advance(1);
    expect(calls.at(-1)).toBe(1);
  });

  it("does nothing more once it was stopped", async () => {
    const edge = await anEdge();
    edge.store.claim = away;
    edge.ownership.claim(edge.session("c1"));
    const stopped = edge.ownership.stop(100);
    await edge.advance(1000);
    await stopped;
    let calls = 0;
    edge.store.claim = edge.store.release = edge.store.renew = () => (calls++, away());
    await edge.advance(60_000);
    expect(calls).toBe(0);
  });
});

describe("bad input is a typed error that says what to do", () => {
  it("INVALID", async () => {
    const { ownership, session } = await anEdge();
    const row = { ...session("c1"), edge: "e", incarnation: "i1" as Incarnation, epoch: 5, stampUs: 1 };
    const message = {
      id: "m1",
      kind: "command" as const,
      key,
      connection: "c1" as ConnectionId,
      epoch: 1,
      body: "",
    };
    const bad = "a/b" as IdentityKey;
    for (const call of [
      () => ownership.lookup([bad], 1000),
      ...[-1, 0, Number.NaN, Number.POSITIVE_INFINITY].map((ms) => () => ownership.lookup([key], ms)),
      () => ownership.purge({ ...row, key: bad }),
      () => ownership.purge({ ...row, epoch: Number.NaN }),
      () => ownership.send("", message, 1000),
      () => ownership.send("i1", { ...message, key: bad }, 1000),
      () => ownership.send("i1", { ...message, connection: "a\nb" as ConnectionId }, 1000),
      () => ownership.send("i1", message, -5),
      ...[0, -1, 1.5, Number.NaN].map((limit) => () => ownership.list(limit, undefined)),
    ])
      await expect(call()).rejects.toMatchObject({ code: "INVALID", retryable: false, message: /pass/ });
    ownership.claim(session("c1"));
    for (const wrong of [
      { ...session("c2"), key: bad },
      session(""),
      { ...session("c3"), authenticatedAtMs: Number.NaN },
      session("c1"),
    ])
      expect(() => ownership.claim(wrong)).toThrow(expect.objectContaining({ code: "INVALID" }));
    const ports = {
      store: {} as RegistryStore,
      time: new ProcessTime(new VirtualClock(), 0),
      random,
      soon: () => undefined,
      meter: noMeter,
    };
    expect(() => new RegistryOwnership(ownershipSettings("e1", { leaseMs: 500 }), ports)).toThrow(/leaseMs/);
  });

  it("CLOSED", async () => {
    const edge = await anEdge();
    const stopped = edge.ownership.stop(10);
    await edge.advance(1000);
    await stopped;
    await expect(edge.ownership.lookup([key], 1000)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(edge.ownership.list(10, undefined)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(edge.ownership.start({} as never)).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("what is known of the edges", () => {
  it("says how old each lease is, also while Redis is away", async () => {
    const edge = await anEdge();
    const ageMs = (): number | undefined => edge.ownership.edges()[0]?.leaseAgeMs;
    await edge.advance(3000);
    expect(ageMs()).toBeLessThanOrEqual(400); // leaseRenewMs
    edge.store.renew = edge.store.leases = away;
    await edge.advance(9000);
    expect(ageMs()).toBeGreaterThanOrEqual(9000);
    expect(ageMs()).toBeLessThanOrEqual(9400);
  });
});
