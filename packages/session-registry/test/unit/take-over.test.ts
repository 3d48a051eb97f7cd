// A charge point that comes back to its edge, one story each, played by hand.

import type { IdentityKey } from "@cpg/ocpp";
import { describe, expect, it } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { partitionOf } from "../../src/partition.ts";
import { anEdge, away, key, partition } from "./an-edge.ts";

describe("a charge point that comes back to this edge before its older session was released (O2)", () => {
  const row = async (edge: Awaited<ReturnType<typeof anEdge>>): Promise<string> => {
    const reading = await edge.store.row(key, 1000);
    return reading.kind === "found" ? reading.row.connection : reading.kind;
  };
  const ends = async (edge: Awaited<ReturnType<typeof anEdge>>): Promise<string[]> => {
    const events = await edge.store.events(partition, "0", 100, 1000);
    return events.map(({ event }) => `${event.kind} ${event.cause}`.trim());
  };
  /** What the row was after each call that changes rows. */
  function watchRow(edge: Awaited<ReturnType<typeof anEdge>>): string[] {
    const seen: string[] = [];
    for (const name of ["claim", "release"] as const) {
      const call = edge.store[name].bind(edge.store) as (...args: unknown[]) => Promise<never>;
      edge.store[name] = async (...args: unknown[]) => {
        const reply = await call(...args);
        seen.push(`${name}: ${await row(edge)}`);
        return reply;
      };
    }
    return seen;
  }
  async function comesBack(edge: Awaited<ReturnType<typeof anEdge>>) {
    const older = edge.session("c1");
    edge.ownership.claim(older);
    await edge.advance(10);
    const newer = edge.session("c2");
    edge.ownership.claim(newer);
    edge.ownership.release(older, "closed");
    return { older, newer };
  }

  it("is never absent: one claim ends the older's row and makes the newer's, and nothing is left to release", async () => {
    const edge = await anEdge();
    const seen = watchRow(edge);
    await comesBack(edge);
    expect(edge.ownership.health().owed).toBe(2);
    await edge.advance(10);
    expect(seen).toEqual(["claim: c1", "claim: c2"]);
    expect(edge.told).toEqual(["granted c1", "granted c2"]);
    expect(await ends(edge)).toEqual(["connected", "disconnected superseded", "connected"]);
    expect(edge.ownership.health().owed).toBe(0);
    expect(edge.counted).toEqual([]);
  });

  it("is never absent behind a replay that is paced, however long that takes", async () => {
    const edge = await anEdge({ replayPerSecond: 10, maxClaimsPerCall: 1, reassertMs: 64_000 });
    const others: IdentityKey[] = [];
    for (let n = 0; others.length < 20; n++)
      if (partitionOf(`CP-${n}`) === partition) others.push(`CP-${n}` as IdentityKey);
    for (const other of others) edge.ownership.claim(edge.session(`c-${other}`, other));
    await edge.advance(10);
    const older = edge.session("c1");
    edge.ownership.claim(older);
    await edge.advance(500);
    edge.changeMaster(partition);
    await edge.advance(300); // the replay is under way
    const newer = edge.session("c2");
    edge.ownership.claim(newer);
    edge.ownership.release(older, "closed");
    const seen = watchRow(edge);
    await edge.advance(1000);
    expect(await row(edge)).toBe("c1");
    await edge.advance(4000);
    expect(await row(edge)).toBe("c2");
    expect(seen.filter((what) => what.endsWith("absent") || what.startsWith("release"))).toEqual([]);
    expect(edge.ownership.health().owed).toBe(0);
  });

  it("has the older released when the newer is gone before it was claimed", async () => {
    const edge = await anEdge();
    const claim = edge.store.claim.bind(edge.store);
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(10);
    edge.store.claim = away;
    const newer = edge.session("c2");
    edge.ownership.claim(newer);
    edge.ownership.release({ key, connection: "c1" as ConnectionId }, "closed");
    await edge.advance(1000);
    expect(await row(edge)).toBe("c1"); // it waits as long as the newer does
    expect(edge.ownership.health().owed).toBe(2);
    edge.ownership.release(newer, "closed");
    await edge.advance(1000);
    expect(await row(edge)).toBe("absent");
    expect(await ends(edge)).toEqual(["connected", "disconnected closed"]);
    expect(edge.ownership.health().owed).toBe(0);
    edge.store.claim = claim;
  });

  it("has the older released when another edge took over from both", async () => {
    const edge = await anEdge();
    const { newer } = await comesBack(edge);
    const other = { incarnation: "other.1" as Incarnation, edge: "other", epochFloor: 0 };
    const stampUs = (edge.store.toShardUs(partition, edge.time.monotonicMs()) ?? 0) + 1;
    edge.backend.claim(partition, other, [{ ...newer, connection: "c3" as ConnectionId, stampUs }]);
    await edge.advance(500);
    expect(edge.told).toEqual(["granted c1", "superseded c2"]);
    expect(await row(edge)).toBe("c3");
    expect(edge.ownership.health().owed).toBe(0);
  });

  it("undoes the older if an attempt of it went unanswered, after the newer was granted (R4)", async () => {
    const edge = await anEdge();
    const claim = edge.store.claim.bind(edge.store);
    let isLost = true;
    edge.store.claim = async (...args) => {
      const reply = await claim(...args);
      if (!isLost) return reply;
      isLost = false;
      throw new RegistryError("TIMEOUT", "lost", { retryable: true });
    };
    const undone: unknown[] = [];
    const release = edge.store.release.bind(edge.store);
    edge.store.release = (...args) => (undone.push(...args[2]), release(...args));
    await comesBack(edge);
    await edge.advance(1000);
    expect(await row(edge)).toBe("c2");
    expect(undone).toEqual([{ key, connection: "c1", epoch: undefined, cause: "closed" }]);
    expect(edge.ownership.health().owed).toBe(0);
  });

  it("waits for nothing while there is no incarnation to claim by, and the newer is claimed under the next", async () => {
    const edge = await anEdge();
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(10);
    const renew = edge.store.renew.bind(edge.store);
    let isDead = true;
    edge.store.renew = () => (isDead ? ((isDead = false), Promise.resolve("fenced")) : away());
    await edge.advance(500);
    edge.ownership.claim(edge.session("c2"));
    edge.ownership.release({ key, connection: "c1" as ConnectionId }, "closed");
    await edge.advance(500);
    expect(await row(edge)).toBe("absent");
    edge.store.renew = renew;
    await edge.advance(1000);
    expect(await row(edge)).toBe("c2");
    expect(edge.ownership.health().owed).toBe(0);
  });

  it("stamps the newer above the older, also when the clock of a new master is behind (R1)", async () => {
    const edge = await anEdge();
    edge.ownership.claim(edge.session("c1"));
    await edge.advance(10);
    const toShardUs = edge.store.toShardUs.bind(edge.store);
    edge.store.toShardUs = (...args) => (toShardUs(...args) ?? 0) - 2_000_000;
    edge.ownership.claim(edge.session("c2"));
    edge.ownership.release({ key, connection: "c1" as ConnectionId }, "closed");
    await edge.advance(100);
    expect(edge.told).toEqual(["granted c1", "granted c2"]);
    expect(await row(edge)).toBe("c2");
  });
});
