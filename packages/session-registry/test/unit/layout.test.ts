// What edges of one layout agree on, letter by letter: edges of two versions meet in every roll-out, and nobody else compares them. Whoever must
// change a line here changes `layout` in lease-value.ts as well, unless edges of the version before read the new form just as well.

import { readFileSync } from "node:fs";

import { asIdentity, type IdentityKey } from "@cpg/ocpp";
import { describe, expect, it } from "vitest";
import { Keyspace } from "../../src/keyspace.ts";
import { layout, leaseValue, readLease, tombstoneValue } from "../../src/lease-value.ts";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { writeMessage } from "../../src/ownership/peer-message.ts";
import { Strangers } from "../../src/ownership/strangers.ts";
import { leasePartitionOf, leasePartitions, partitionOf, partitionTags } from "../../src/partition.ts";
import type { LeaseEntry } from "../../src/store-port.ts";
import { claimText, rowFields, rowFormat, writeTold } from "../../src/redis/replies.ts";
import { anEdge } from "./an-edge.ts";

const key = "CP001" as IdentityKey;
const incarnation = "edge-1.7" as Incarnation;
const connection = "c1" as ConnectionId;

describe("layout 1", () => {
  it("is what is written now", () => {
    expect(layout).toBe(1);
  });

  it("has each charge point and each lease in its partition, and each partition under its tag", () => {
    expect([key, "cp001", "DE*ICE*E1234", "SE-VOLVO-9"].map(partitionOf)).toEqual([5, 5, 12, 41]);
    expect(leasePartitionOf(incarnation)).toBe(0);
    expect(partitionTags.slice(0, 4)).toEqual(["p0-8", "p1-313", "p2-73", "p3-168"]);
  });

  it("calls keys and channels so", () => {
    const keyspace = new Keyspace("cpg:");
    const five = partitionOf(key);
    const tag = `cpg:{${partitionTags[five]}}`;
    expect([
      keyspace.row(five, key),
      keyspace.events(five),
      keyspace.index(five, incarnation),
      keyspace.fence(five, incarnation),
      keyspace.undone(five, incarnation),
      keyspace.inbox(five, incarnation),
      keyspace.wake(five, incarnation),
      keyspace.leases(five),
    ]).toEqual([
      `${tag}:cp:CP001`,
      `${tag}:events`,
      `${tag}:of:edge-1.7`,
      `${tag}:fence:edge-1.7`,
      `${tag}:undone:edge-1.7`,
      `${tag}:inbox:edge-1.7`,
      `${tag}:wake:edge-1.7`,
      `${tag}:leases`,
    ]);
  });

  it("writes rows, leases, messages and evictions so", () => {
    expect([rowFormat, ...rowFields]).toEqual("1 v epoch inc conn stamp edge id ver ip".split(" "));
    const identity = asIdentity("CP001");
    if (!identity.ok) throw new Error("no identity");
    const claim = {
      key,
      identity: identity.identity,
      version: "1.6",
      remote: "::1",
      connection,
      stampUs: 7,
    } as const;
    expect(claimText(claim)).toBe("c1\n7\n1.6\nCP001\n::1");
    const renewal = { incarnation, edge: "edge-1", counter: 3, sessions: 20, isDraining: true };
    expect([leaseValue(renewal), tombstoneValue(9)]).toEqual(["alive 3 20 1 edge-1", "dead 9"]);
    const message = {
      kind: "command",
      id: "m1",
      key,
      connection,
      epoch: 8,
      from: incarnation,
      body: "{}",
    } as const;
    expect(writeMessage(message)).toBe("CP001\nc1\n8\ncommand\nm1\nedge-1.7\n{}");
    expect(writeTold({ message: "m", atUs: 6 })).toBe("6\nm");
    const script = (name: string): string =>
      readFileSync(new URL(`../../lua/${name}`, import.meta.url), "utf8").replaceAll(/\s+/g, " ");
    expect(script("claim-n.lua")).toContain(
      "'kind', 'evict', 'key', key, 'conn', row.connection, 'epoch', epoch, 'edge', edge)",
    );
    expect(script("deliver.lua")).toContain("redis.call('XADD', inbox, '*', 'm', message)");
  });
});

describe("edges of another layout", () => {
  it("are known by their leases, which all layouts have alike", () => {
    const of = (word: string): unknown => readLease("edge-9.1", `${word} 3 20 0 edge-9`).state;
    expect(of("alive")).toMatchObject({ edge: "edge-9", sessions: 20, layout: 1 });
    expect(of("alive@2")).toMatchObject({ edge: "edge-9", sessions: 20, layout: 2 });
    expect(of("alive@")).toMatchObject({ layout: undefined });
  });

  it("whose name cannot be read go by their incarnation", () => {
    expect(readLease("edge-9.1", "alive").state).toMatchObject({ edge: "edge-9.1" });
  });

  const stranger = readLease("edge-9.1", "alive@2 3 20 0 edge-9");
  const [partition] = leasePartitions;

  it("keep who comes among them from being ready and from taking charge points, until they are gone (V3)", async () => {
    let isHere = true;
    const edge = await anEdge({}, (store) => {
      const leases = store.leases.bind(store);
      store.leases = async (p, ...rest) => {
        const entries = await leases(p, ...rest);
        return isHere && p === partition ? [...entries, stranger] : entries;
      };
    });
    await edge.advance(1000);
    expect(edge.ownership.health().problems).toEqual([
      expect.stringMatching(/^edge-9 is here beside this edge with another layout/),
    ]);
    expect(edge.ownership.admission()).toMatchObject({ kind: "closed", reason: "other-layout" });
    isHere = false;
    await edge.advance(2000); // longer than a lease's term
    expect(edge.ownership.health().problems).toEqual([]);
    expect(edge.ownership.admission()).toEqual({ kind: "open" });
  });

  /** Sees `entries` at `atMs`; says who is a stranger then. */
  function aLook(): (atMs: number, entries: readonly LeaseEntry[], hadLease?: boolean) => readonly string[] {
    let nowMs = 0;
    const strangers = new Strangers(1000, { monotonicMs: () => nowMs });
    return (atMs, entries, hadLease = true) => {
      nowMs = atMs;
      strangers.look(partition!, entries, hadLease);
      return strangers.names;
    };
  }

  it("that come later do not make a fleet leave: it is for them to see (T1)", () => {
    const look = aLook();
    expect(look(0, [])).toEqual([]);
    expect(look(1, [stranger])).toEqual([]);
  });

  it("that begin at the same time are seen: until this edge has a lease, nobody came later (T1)", () => {
    const look = aLook();
    expect(look(0, [], false)).toEqual([]);
    expect(look(1, [stranger])).toEqual(["edge-9"]);
  });

  it("are known by name: one that goes on under another incarnation is the same (T2, T3)", () => {
    const look = aLook();
    look(0, [stranger]);
    expect(look(900, [readLease("edge-9.1", "dead 5")])).toEqual(["edge-9"]);
    expect(look(1000, [readLease("edge-9.2", "alive@2 1 20 0 edge-9")])).toEqual(["edge-9"]);
    expect(look(2000, [])).toEqual(["edge-9"]);
    expect(look(2001, [])).toEqual([]);
  });
});
