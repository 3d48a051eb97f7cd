// The reaper over a scripted store, with a clock that moves when told.

import type { IdentityKey } from "@cpg/ocpp";
import { describe, expect, it } from "vitest";
import { layout, readLease } from "../../src/lease-value.ts";
import type { Incarnation } from "../../src/model.ts";
import { Reaper } from "../../src/ownership/reaper.ts";
import { leasePartitions, type Partition } from "../../src/partition.ts";
import type { RegistryStore } from "../../src/store-port.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";
import { away, random, settle } from "./an-edge.ts";

describe("the reaper", () => {
  const lease = (incarnation: string) => ({
    incarnation: incarnation as Incarnation,
    value: "v",
    state: { kind: "alive" as const, edge: "e", sessions: 0, isDraining: false, layout },
  });
  /** With two shards, which fence as the test says. */
  function aReaper(
    fence: (p: Partition, incarnation: Incarnation, time: ProcessTime) => Promise<IdentityKey[]>,
    changes: Partial<RegistryStore> = {},
  ) {
    const clock = new VirtualClock();
    const time = new ProcessTime(clock, 0);
    const store = {
      shardOf: (p: Partition) => (p < 32 ? "low" : "high"),
      toShardUs: () => 0,
      bury: () => Promise.resolve(true),
      fence: (p: Partition, incarnation: Incarnation) => fence(p, incarnation, time),
      ...changes,
    } as unknown as RegistryStore;
    const fenceMs = 1e6;
    const context = { store, time, random, callDeadlineMs: 5000, fenceMs, courtesyMs: 400 };
    const reaper = new Reaper({ ...context, buried: () => undefined });
    return { reaper, advance: (ms: number) => clock.advance(ms, settle) };
  }

  it.each([
    ["dead 1000", "forgotten"],
    ["dead 5000000", "ended"],
    ["dead", "ended"],
    ["dead at=1000", "ended"],
  ])(
    "the sessions of a tombstone %j are %s: only one that is surely old may go unseen (R7)",
    async (text, fate) => {
      const fates = new Set<string>();
      const { reaper, advance } = aReaper(() => Promise.resolve((fates.add("ended"), [])), {
        toShardUs: () => 5_000_000_000,
        forget: () => Promise.resolve(void fates.add("forgotten")),
      });
      await reaper.look(leasePartitions[0]!, [readLease("gone", text)], []);
      await advance(1000);
      expect([...fates]).toEqual([fate]);
    },
  );

  it("takes its time for tombstones that it finds together, but knows at once who is dead (E5)", async () => {
    const ended = new Set<string>();
    const { reaper, advance } = aReaper((_, incarnation) => Promise.resolve((ended.add(incarnation), [])));
    const found = Array.from({ length: 10 }, (_, n) => readLease(`dead.${n}`, "dead 5000000"));
    await reaper.look(leasePartitions[0]!, found, []);
    await reaper.look(leasePartitions[1]!, [readLease("dead.alone", "dead 5000000")], []);
    expect(found.every(({ incarnation }) => reaper.isDead(incarnation))).toBe(true);
    await advance(200); // half the courtesy, as chance has it
    expect([...ended]).toEqual(["dead.alone"]);
    await advance(1799);
    expect(ended.size).toBe(1);
    await advance(1);
    expect(ended.size).toBe(11);
  });

  it("ends what is reachable while a shard is away, and the rest when it returns (E3)", async () => {
    let isAway = true;
    const ended = new Set<Partition>();
    const { reaper, advance } = aReaper(async (p, _, time) => {
      if (p < 32 && isAway) {
        await new Promise<void>((resolve) => time.after(5000, resolve));
        return away();
      }
      ended.add(p);
      return [];
    });
    const dead = lease("dead.1");
    await reaper.look(0 as Partition, [dead], [dead]);
    expect(reaper.isDead(dead.incarnation)).toBe(true);
    await advance(1000);
    expect(ended.size).toBe(32);
    isAway = false;
    await advance(10_000);
    expect(ended.size).toBe(64);
  });

  it("ends all the dead once more where the master changed, and nowhere else; none waits for one that fails (E4)", async () => {
    let ended: string[] = [];
    let isAway = false;
    const { reaper, advance } = aReaper((p, incarnation) => {
      if (isAway && incarnation === "dead.1") return away();
      ended.push(`${incarnation} ${p}`);
      return Promise.resolve([]);
    });
    reaper.changeMaster(7 as Partition); // of nobody
    for (const name of ["dead.1", "dead.2"]) await reaper.look(0 as Partition, [lease(name)], [lease(name)]);
    await advance(1000);
    expect(ended).toHaveLength(128);
    ended = [];
    isAway = true;
    reaper.changeMaster(7 as Partition);
    await advance(199);
    expect(ended).toEqual([]); // courtesy
    await advance(1);
    expect(ended).toEqual(["dead.2 7"]);
    reaper.changeMaster(7 as Partition); // again, while one is still to be ended
    await advance(5000);
    isAway = false;
    await advance(5000);
    expect(ended.toSorted()).toEqual(["dead.1 7", "dead.2 7", "dead.2 7"]);
    await advance(60_000);
    expect(ended).toHaveLength(3);
  });

  it("leaves off what is forgotten meanwhile (E4)", async () => {
    let calls = 0;
    const { reaper, advance } = aReaper(
      (p) => (calls++, p === 7 && calls > 64 ? away() : Promise.resolve([])),
    );
    const dead = lease("dead.1");
    await reaper.look(0 as Partition, [dead], [dead]);
    await advance(1000);
    reaper.changeMaster(7 as Partition);
    await advance(10_000);
    expect(calls).toBeGreaterThan(70);
    await advance(1e6);
    for (const p of leasePartitions) await reaper.look(p, [], []); // its tombstone is gone as well
    expect(reaper.isDead(dead.incarnation)).toBe(false);
    await advance(2000);
    const before = calls;
    await advance(10_000);
    expect(calls).toBe(before);
  });
});
