import type { IdentityKey } from "@cpg/ocpp";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShardClocks } from "../../src/clock.ts";
import { leaseValue, readLease } from "../../src/lease-value.ts";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import type { NewSession } from "../../src/ownership-port.ts";
import { Book } from "../../src/ownership/book.ts";
import { DeathWatch } from "../../src/ownership/death-watch.ts";
import { next, transitions, type Happening, type Phase } from "../../src/ownership/entry.ts";
import { verdict } from "../../src/ownership/health.ts";
import { Pacer } from "../../src/ownership/pacer.ts";
import { readMessage, writeMessage } from "../../src/ownership/peer-message.ts";
import { partitionOf, partitions, partitionSlots, type Partition } from "../../src/partition.ts";
import { toRegistryError } from "../../src/redis/error-map.ts";
import {
  readClaimReply,
  readEntries,
  readEvent,
  readPostReply,
  readRow,
  readTold,
  rowFields,
} from "../../src/redis/replies.ts";
import { RegistryError } from "../../src/errors.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

describe("the life of a claim is a total table", () => {
  const table: Record<Phase, Record<Happening, Phase | "forgotten">> = {
    wanted: {
      sent: "asked",
      granted: "wanted",
      superseded: "forgotten",
      undone: "wanted",
      failed: "wanted",
      reassert: "wanted",
      closed: "leaving",
      released: "wanted",
    },
    asked: {
      sent: "asked",
      granted: "owned",
      superseded: "forgotten",
      undone: "forgotten",
      failed: "wanted",
      reassert: "stale",
      closed: "leaving",
      released: "asked",
    },
    stale: {
      sent: "stale",
      granted: "wanted",
      superseded: "forgotten",
      undone: "forgotten",
      failed: "wanted",
      reassert: "stale",
      closed: "leaving",
      released: "stale",
    },
    owned: {
      sent: "owned",
      granted: "owned",
      superseded: "forgotten",
      undone: "owned",
      failed: "owned",
      reassert: "wanted",
      closed: "leaving",
      released: "owned",
    },
    leaving: {
      sent: "leaving",
      granted: "leaving",
      superseded: "leaving",
      undone: "leaving",
      failed: "leaving",
      reassert: "leaving",
      closed: "leaving",
      released: "forgotten",
    },
  };
  const cells = Object.entries(table).flatMap(([phase, row]) =>
    Object.entries(row).map(([happening, to]) => [phase, happening, to] as [Phase, Happening, Phase]),
  );
  it.each(cells)("%s, %s → %s", (phase, happening, to) => expect(next(phase, happening)).toBe(to));
  it("has no cell that is not decided here", () => {
    expect(Object.values(transitions).flatMap((row) => Object.keys(row))).toHaveLength(cells.length);
  });
});

describe("the book counts what is owed", () => {
  const session = (connection: string): NewSession =>
    ({ key: "CP" as IdentityKey, connection: connection as ConnectionId }) as NewSession;
  it("counts a claim until its first grant and a release until its answer, and never what is asserted again", () => {
    const book = new Book();
    const entry = book.add(session("c1"), 0 as Partition);
    expect([book.unregistered, book.leaving, book.owed, book.sessions]).toEqual([1, 0, 1, 1]);
    book.move(entry, "sent");
    book.grant(entry, 7);
    book.move(entry, "granted");
    expect(book.owed).toBe(0);
    book.move(entry, "reassert");
    expect(book.owed).toBe(0);
    book.move(entry, "closed");
    expect([book.unregistered, book.leaving, book.sessions]).toEqual([0, 1, 0]);
    book.move(entry, "released");
    expect([book.owed, [...book].length, [...book.of(entry.partition)].length]).toEqual([0, 0, 0]);
    expect(book.move(entry, "closed")).toBe(false); // it is gone
  });
});

describe("the death watch", () => {
  const p = 0 as Partition;
  const lease = (counter: number) =>
    readLease(
      "a",
      leaseValue({ incarnation: "a" as Incarnation, edge: "e", counter, sessions: 0, isDraining: false }),
    );
  it("judges whose lease stood still for the term, and nobody earlier (D1)", () => {
    const watch = new DeathWatch(1000, 200);
    for (let now = 0; now < 1000; now += 200) expect(watch.observe(p, [lease(1)], now)).toEqual([]);
    expect(watch.observe(p, [lease(1)], 1000)).toHaveLength(1);
  });
  it("begins anew with every renewal", () => {
    const watch = new DeathWatch(1000, 200);
    for (let now = 0; now <= 5000; now += 200) expect(watch.observe(p, [lease(now)], now)).toEqual([]);
  });
  it("begins anew after a failed read: an outage kills nobody (D2)", () => {
    const watch = new DeathWatch(1000, 200);
    for (let now = 0; now < 1000; now += 200) watch.observe(p, [lease(1)], now);
    watch.missed(p);
    for (let now = 60_000; now < 61_000; now += 200) expect(watch.observe(p, [lease(1)], now)).toEqual([]);
    expect(watch.observe(p, [lease(1)], 61_000)).toHaveLength(1);
  });
  it("counts time in which this process stood still for nobody's death (D1)", () => {
    const watch = new DeathWatch(1000, 200);
    watch.observe(p, [lease(1)], 0);
    expect(watch.observe(p, [lease(1)], 3_600_000)).toEqual([]); // counts for 400
    expect(watch.observe(p, [lease(1)], 3_600_300)).toEqual([]);
    expect(watch.observe(p, [lease(1)], 3_600_600)).toHaveLength(1);
  });
  it("says nothing about tombstones, and judges a lease that it cannot read like any other (D3)", () => {
    const watch = new DeathWatch(1000, 200);
    const entries = [readLease("dead", "dead 5"), readLease("odd", "\u0000garbage")];
    for (let now = 0; now < 1000; now += 200) watch.observe(p, entries, now);
    expect(watch.observe(p, entries, 1000).map(({ incarnation }) => incarnation)).toEqual(["odd"]);
  });
});

describe("the age of a lease, as the death watch has seen it (D4)", () => {
  const p = 0 as Partition;
  const name = "a" as Incarnation;
  const lease = (value: string) => readLease(name, value);
  it("is not known before it was seen to change, or to begin", () => {
    const watch = new DeathWatch(1000, 200);
    expect(watch.ageMs(p, name, 100)).toBe(Number.POSITIVE_INFINITY);
    watch.observe(p, [lease("1")], 200);
    expect(watch.ageMs(p, name, 300)).toBe(Number.POSITIVE_INFINITY); // may be as old as can be
    watch.observe(p, [lease("2")], 400);
    expect(watch.ageMs(p, name, 450)).toBe(50);
    const other = new DeathWatch(1000, 200);
    other.observe(p, [], 200);
    other.observe(p, [lease("1")], 400);
    expect(other.ageMs(p, name, 450)).toBe(50);
  });
  it("grows on while reads fail and while this process stands still, though that counts for nobody's death", () => {
    const watch = new DeathWatch(1000, 200);
    for (const [value, now] of [
      ["1", 0],
      ["2", 200],
      ["2", 400],
    ] as const)
      watch.observe(p, [lease(value)], now);
    watch.missed(p);
    watch.missed(p);
    expect(watch.ageMs(p, name, 9200)).toBe(9000);
    expect(watch.observe(p, [lease("2")], 9400)).toEqual([]);
    expect(watch.ageMs(p, name, 9400)).toBe(9200);
    watch.observe(p, [lease("3")], 9600);
    expect(watch.ageMs(p, name, 9600)).toBe(0);
  });
  it("is forgotten with the lease", () => {
    const watch = new DeathWatch(1000, 200);
    watch.observe(p, [], 0);
    watch.observe(p, [lease("1")], 200);
    watch.observe(p, [readLease(name, "dead 5")], 400);
    expect(watch.ageMs(p, name, 400)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the pacer", () => {
  it("lets no more than the rate through, however many ask, after a burst of a tenth of a second", async () => {
    const clock = new VirtualClock();
    const pacer = new Pacer(1000, new ProcessTime(clock, 5000));
    let passed = 0;
    for (let i = 0; i < 500; i++) void pacer.take(10).then(() => (passed += 10));
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000, settle);
    expect(passed).toBeLessThanOrEqual(1100);
    expect(passed).toBeGreaterThanOrEqual(1000);
    await clock.advance(4000, settle);
    expect(passed).toBe(5000);
  });
});

describe("a shard's clock as an edge estimates it", () => {
  it("errs by half a round trip at most, keeps the shortest, and lets an old one go (C2)", () => {
    const clocks = new ShardClocks();
    expect(clocks.toShardUs("s", 1)).toBeUndefined();
    clocks.heard("s", { sentAtMs: 0, receivedAtMs: 2, nowUs: 1_000_000 });
    expect(clocks.toShardUs("s", 1)).toBe(1_000_000);
    clocks.heard("s", { sentAtMs: 100, receivedAtMs: 300, nowUs: 1_290_000 });
    expect(clocks.toShardUs("s", 1)).toBe(1_000_000);
    clocks.heard("s", { sentAtMs: 20_000, receivedAtMs: 20_200, nowUs: 30_000_000 });
    expect(clocks.toShardUs("s", 20_100)).toBe(30_000_000);
  });

  it("follows a clock that stepped at once, however poor the sample that shows it (C4)", () => {
    const clocks = new ShardClocks();
    clocks.heard("s", { sentAtMs: 0, receivedAtMs: 2, nowUs: 1_000_000 });
    clocks.heard("s", { sentAtMs: 100, receivedAtMs: 300, nowUs: 9_000_000 });
    expect(clocks.toShardUs("s", 200)).toBe(9_000_000);
    clocks.heard("s", { sentAtMs: 400, receivedAtMs: 600, nowUs: 1_500_000 });
    expect(clocks.toShardUs("s", 500)).toBe(1_500_000);
  });

  it("is not known by a poor sample alone: the shard is asked once, and no more for a while if it is far away (C3)", () => {
    const clocks = new ShardClocks();
    expect(clocks.isKnown("s", 0)).toBe(false);
    clocks.heard("s", { sentAtMs: 0, receivedAtMs: 200, nowUs: 1_000_000 });
    expect(clocks.isKnown("s", 200)).toBe(false);
    clocks.answered("s", { sentAtMs: 200, receivedAtMs: 410, nowUs: 1_205_000 });
    expect(clocks.isKnown("s", 410)).toBe(true);
    expect(clocks.toShardUs("s", 100), "the better of the two").toBe(1_000_000);
    clocks.heard("s", { sentAtMs: 500, receivedAtMs: 690, nowUs: 1_495_000 });
    expect(clocks.isKnown("s", 690), "a still better one").toBe(true);
    expect(clocks.isKnown("s", 11_000)).toBe(false);
    clocks.heard("s", { sentAtMs: 11_000, receivedAtMs: 11_008, nowUs: 12_000_000 });
    expect(clocks.isKnown("s", 11_008)).toBe(true);
  });

  it("is asked for once more than that if all that was heard may have waited in the same socket, or in the same pause (C3)", () => {
    const clocks = new ShardClocks();
    const poor = { sentAtMs: 0, receivedAtMs: 600, nowUs: 1_000_000 };
    clocks.answered("s", poor);
    expect(clocks.isKnown("s", 600), "the first word").toBe(false);
    clocks.answered("s", { ...poor, sentAtMs: 10 });
    expect(clocks.isKnown("s", 600), "sent before the other was heard").toBe(false);
    clocks.answered("s", { sentAtMs: 600, receivedAtMs: 700, nowUs: 1_650_000 });
    expect(clocks.isKnown("s", 700)).toBe(true);
    clocks.heard("s", { sentAtMs: 800, receivedAtMs: 1400, nowUs: 9_000_000 });
    expect(clocks.isKnown("s", 1400), "it stepped, as a poor sample says (C4)").toBe(false);
  });

  it("is not known any more once it may have drifted as far as a good sample errs, however good that was (C5)", () => {
    const clocks = new ShardClocks();
    clocks.heard("s", { sentAtMs: 0, receivedAtMs: 2, nowUs: 1_000_000 });
    expect(clocks.isKnown("s", 99_000)).toBe(true); // no round trip more for each claim of a quiet edge
    expect(clocks.isKnown("s", 101_000)).toBe(false);
    clocks.answered("s", { sentAtMs: 101_000, receivedAtMs: 101_200, nowUs: 500_000 });
    expect(
      clocks.isKnown("s", 101_200),
      "a poor sample, and all else is too old to compare it with (C3)",
    ).toBe(false);
    clocks.answered("s", { sentAtMs: 101_200, receivedAtMs: 101_400, nowUs: 700_000 });
    expect(clocks.isKnown("s", 101_400)).toBe(true);
    expect(clocks.toShardUs("s", 101_300)).toBe(700_000);
  });

  it("stays known where it is heard of, though nothing it hears is as good as what it keeps (C5)", () => {
    const clocks = new ShardClocks();
    for (let nowMs = 0; nowMs < 300_000; nowMs += 3000) {
      const roundTripMs = nowMs === 0 ? 1 : 9;
      clocks.heard("s", { sentAtMs: nowMs - roundTripMs, receivedAtMs: nowMs, nowUs: nowMs * 1000 });
      expect(clocks.isKnown("s", nowMs + 2999)).toBe(true);
    }
  });
});

describe("partitions", () => {
  it("are even over identities of any naming scheme, and each lies in its 64th of the slots (P2)", () => {
    for (const name of [
      (i: number) => `CP${i}`,
      (i: number) => `urn:site/${i * 7}`.replace("/", "-"),
      (i: number) => `${i}`.padStart(20, "0"),
    ]) {
      const counts = partitions.map(() => 0);
      for (let i = 0; i < 64_000; i++) counts[partitionOf(name(i))]!++;
      expect(Math.max(...counts)).toBeLessThan(1300);
      expect(Math.min(...counts)).toBeGreaterThan(700);
    }
    partitionSlots.forEach((slot, i) => expect(Math.floor(slot / 256)).toBe(i));
  });
});

describe("what other edges and Redis say is not trusted", () => {
  it("reads back every message it writes, and nothing else", () => {
    const message = {
      id: "m1",
      kind: "command" as const,
      key: "CP" as IdentityKey,
      connection: "c" as ConnectionId,
      epoch: 5,
      from: "a.1",
      body: "",
    };
    expect(readMessage(writeMessage(message))).toEqual(message);
    const lines = { ...message, body: "one\n\ntwo" };
    expect(readMessage(writeMessage(lines))).toEqual(lines);
    const parts = writeMessage(message).split("\n");
    for (const n of [0, 3, 4, 5])
      expect(readMessage(parts.with(n, "").join("\n")), `empty line ${n}`).toBeUndefined();
    for (let n = 0; n < parts.length; n++)
      expect(readMessage(parts.slice(0, n).join("\n")), `${n} lines`).toBeUndefined();
    expect(readMessage(parts.with(3, "dance").join("\n"))).toBeUndefined();
  });

  it("reads what a channel says: a message and its time, or the word to look (deliver.lua)", () => {
    expect(readTold("1700000000000001\nCP\nc\n")).toEqual({
      atUs: 1_700_000_000_000_001,
      message: "CP\nc\n",
    });
    expect(readTold("5\n")).toEqual({ atUs: 5, message: "" });
    for (const text of ["", "\nx", "x\ny", "5", "1.5\nx", "null"])
      expect(readTold(text), text).toBeUndefined();
  });

  it("takes any row at all for absent, found or bad, and never throws (Q1)", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string()), { maxLength: 12 }), (fields) => {
        expect(["absent", "found", "bad"]).toContain(readRow("CP" as IdentityKey, fields).kind);
      }),
      { seed: 1 },
    );
    const good = ["1", "7", "inc", "conn", "5", "edge", "CP", "1.6", null];
    expect(readRow("CP" as IdentityKey, good)).toMatchObject({
      kind: "found",
      row: { epoch: 7, remote: "" },
    });
    for (let i = 0; i < rowFields.length - 1; i++) {
      for (const value of [null, "", "\u0000", "NaN"]) {
        const kind = readRow("CP" as IdentityKey, good.with(i, value)).kind;
        const isText = ["inc", "conn", "edge", "id"].includes(rowFields[i]!);
        expect(kind, `${rowFields[i]} = ${value}`).toBe(isText && value ? "found" : "bad");
      }
    }
  });

  it("reads claim replies, entries and events, short ones too", () => {
    expect(readClaimReply([1, 2, 10, "granted 9 a", "superseded 8 b of c", "undone"])).toEqual({
      badRows: 2,
      evictions: 1,
      reply: {
        kind: "answered",
        outcomes: [
          { kind: "granted", epoch: 10 },
          { kind: "granted", epoch: 9 },
          { kind: "superseded", by: { edge: "b of c", epoch: 8 } },
          { kind: "undone" },
        ],
      },
    });
    expect(readClaimReply([1, -1])).toEqual({ reply: { kind: "fenced" }, badRows: 0, evictions: 0 });
    expect([1, 0, -1].map((raw) => readPostReply(raw, false))).toEqual(["delivered", "dead", "full"]);
    expect(readPostReply(1, true)).toBe("delivered");
    for (const raw of [0, -1]) {
      expect(() => readPostReply(raw, true)).toThrowError(
        expect.objectContaining({ isOutcomeUnknown: true }),
      );
    }
    expect(readEntries([["1-1", ["a", "b", "c"]]])).toEqual([{ id: "1-1", fields: { a: "b" } }]);
    expect(readEvent({ id: "1-1", fields: {} })).toMatchObject({ id: "", kind: "disconnected", cause: "" });
  });

  it.each([
    ["MOVED 1 127.0.0.1:7000", "UNAVAILABLE", true],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "UNAVAILABLE", true],
    ["CLUSTERDOWN The cluster is down", "UNAVAILABLE", true],
    ["LOADING Redis is loading the dataset in memory", "UNAVAILABLE", true],
    ["READONLY You can't write against a read only replica.", "UNAVAILABLE", true],
    ["Connection is closed.", "UNAVAILABLE", true],
    ["Connection is closed. The command had been sent.", "UNAVAILABLE", true],
    ["connect ECONNREFUSED 127.0.0.1:1", "UNAVAILABLE", true],
    ['Unknown RESP type 72 "H". Please report this.', "UNAVAILABLE", true],
    ["Script attempted to access a non local key in a cluster node", "UNAVAILABLE", true],
    ["Too many Cluster redirections. Last error: Error: Command timed out", "TIMEOUT", true],
    ["Command timed out", "TIMEOUT", true],
    ["OOM command not allowed when used memory > 'maxmemory'.", "REFUSED", true],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "REFUSED", false],
    ["NOAUTH Authentication required.", "REFUSED", false],
    ["NOPERM this user has no permissions", "REFUSED", false],
    ["ERR something new", "REFUSED", false],
  ])("'%s' is %s, to be tried again: %s", (text, code, retryable) => {
    expect(toRegistryError("claim", new Error(text))).toMatchObject({ code, retryable });
  });

  const many = "Too many Cluster redirections. Last error:";
  it.each([
    ["MOVED 1 127.0.0.1:7000", false],
    [`${many} ReplyError: MOVED 1 127.0.0.1:7000`, false],
    ["ASK 1 127.0.0.1:7000", false],
    ["TRYAGAIN Multiple keys request during rehashing of slot", false],
    ["CLUSTERDOWN Hash slot not served", false],
    ["LOADING Redis is loading the dataset in memory", false],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", false],
    ["BUSY Redis is busy running a script.", false],
    ["Cluster isn't ready and enableOfflineQueue options is false", false],
    ["Connection is closed.", false],
    [`${many} Error: Connection is closed.`, false],
    ["Connection is closed. The command had been sent.", true],
    [`${many} Error: Connection is closed. The command had been sent.`, true],
    ["Command timed out", true],
    [`${many} Error: Command timed out`, true],
    ["ERR Script attempted to access a non local key in a cluster node script: 1, on @user_script:9.", true],
    ["READONLY You can't write against a read only replica. script: 1, on @user_script:9.", true],
    ["NOREPLICAS Not enough good replicas to write. script: 1, on @user_script:9.", true],
    ["read ECONNRESET", true],
    ["Socket timeout. Expecting data, but didn't receive any in 3000ms.", true],
  ])("'%s' leaves open whether it was carried out: %s (R4, R11)", (text, isOutcomeUnknown) => {
    expect(toRegistryError("claim", new Error(text))).toMatchObject({ retryable: true, isOutcomeUnknown });
  });

  it.each([
    ["handOver", false],
    ["claim", true],
  ])("a %s that met a key whose slot is migrating may have been carried out in part: %s (R11)", (...row) => {
    const [operation, isOutcomeUnknown] = row;
    const error = new Error("ERR Script attempted to access a non local key in a cluster node");
    expect(toRegistryError(operation, error)).toMatchObject({ retryable: true, isOutcomeUnknown });
  });

  it("knows of what never left that it was not carried out, whatever the reason is told to be (R11)", () => {
    const error = new Error("Connection is closed.", { cause: new Error("connect ECONNREFUSED") });
    expect(toRegistryError("claim", error)).toMatchObject({ code: "UNAVAILABLE", isOutcomeUnknown: false });
  });

  it("says what to do where a person must, names another type, and keeps what is a RegistryError already", () => {
    expect(toRegistryError("x", new Error("NOAUTH no")).message).toContain("redis.password");
    expect(toRegistryError("x", new Error("WRONGTYPE no")).reason).toBe("otherType");
    const own = new RegistryError("CLOSED", "c", { retryable: false });
    expect(toRegistryError("x", own)).toBe(own);
    expect(toRegistryError("x", "a string").code).toBe("REFUSED");
  });
});

describe("the verdict on health", () => {
  const well = {
    isLeaseValid: true,
    leaseAgeMs: 10,
    lastHeardMs: 10,
    isChannelAlive: true,
    owed: 0,
    openCircuits: [],
  };
  const settings = { leaseMs: 15_000, leaseRenewMs: 3000, maxOwed: 10 };
  const silent = { lastFailure: undefined, refusal: undefined, leaseFailure: undefined, strangers: [] };
  it.each([
    [{}, 0],
    [{ lastHeardMs: Number.POSITIVE_INFINITY }, 1],
    [{ lastHeardMs: 7000 }, 1],
    [{ isLeaseValid: false, leaseAgeMs: Number.POSITIVE_INFINITY }, 1],
    [{ isLeaseValid: false, leaseAgeMs: 20_000, lastHeardMs: 20_000 }, 2],
    [{ isChannelAlive: false }, 1],
    [{ owed: 10 }, 1],
  ])("%o has %i problems", (changes, count) => {
    expect(verdict({ ...well, ...changes }, settings, silent).problems).toHaveLength(count);
  });

  it("says why the channel cannot answer, while it does not", () => {
    const said = { ...silent, refusal: "NOPERM …" };
    expect(verdict({ ...well, isChannelAlive: false }, settings, said).problems[0]).toContain("NOPERM …");
    expect(verdict(well, settings, said).problems).toEqual([]);
  });

  it("says what a node said last, so that a wrong password is not taken for a dead Redis", () => {
    const never = { ...well, lastHeardMs: Number.POSITIVE_INFINITY };
    const { problems } = verdict(never, settings, { ...silent, lastFailure: "WRONGPASS …" });
    expect(problems[0]).toContain("WRONGPASS …");
  });

  it.each([{ leaseAgeMs: Number.POSITIVE_INFINITY }, { leaseAgeMs: 20_000 }])(
    "says why there is no lease where Redis refuses to renew it, and not that nobody answers: %o (V1)",
    (age) => {
      const leaseFailure = { code: "REFUSED", message: "renew: NOPERM …" } as const;
      const refused = { ...well, ...age, isLeaseValid: false, lastHeardMs: 20_000 };
      const { problems } = verdict(refused, settings, { ...silent, lastFailure: "an old one", leaseFailure });
      expect(problems).toEqual([expect.stringMatching(/^this edge.*lease.*; renew: NOPERM …$/)]);
    },
  );

  it("says once what keeps the lease away, with that nobody answers if so, else with the lease (V2)", () => {
    const leaseFailure = { code: "UNAVAILABLE", message: "renew: gone" } as const;
    const without = { ...well, isLeaseValid: false };
    const away = verdict({ ...without, lastHeardMs: 20_000 }, settings, { ...silent, leaseFailure });
    expect(away.problems.map((problem) => problem.includes("gone"))).toEqual([true, false]);
    expect(verdict(without, settings, { ...silent, leaseFailure }).problems.join()).toContain("gone");
  });
});
