// What the registry does for an edge, whatever store lies below: three edges, real time, short leases.

import {
  asIdentity,
  identityKey,
  identityKeyCandidates,
  type IdentityKey,
  type OcppVersion,
} from "@cpg/ocpp";
import { eventually } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type {
  ConnectionId,
  NewSession,
  OwnedSessions,
  Ownership,
  PeerMessage,
  SessionRow,
} from "../../src/index.ts";
import { systemTime } from "../../src/index.ts";

let serial = 0;

/** One edge of the test, with what it was told. */
export interface TestEdge {
  readonly ownership: Ownership;
  /** Dies as under `kill -9`: nothing is released, nothing renewed. */
  kill(): Promise<void>;
  isDead(): boolean;
}

interface Told {
  readonly granted: Map<ConnectionId, number>;
  readonly superseded: Map<ConnectionId, { edge: string; epoch: number }>;
  readonly messages: PeerMessage[];
}

/** Runs the suite; `open(name)` gives an edge that is not started yet. */
export function describeOwnership(title: string, open: (name: string) => TestEdge): void {
  describe(title, () => {
    let edges: TestEdge[];
    let told: Told[];
    const edge = (i: number): Ownership => edges[i]!.ownership;

    beforeEach(async () => {
      const round = ++serial;
      edges = ["a", "b", "c"].map((name) => open(`edge-${name}-${round}`));
      told = edges.map(() => ({ granted: new Map(), superseded: new Map(), messages: [] }));
      await Promise.all(
        edges.map(({ ownership }, i) => {
          const sessions: OwnedSessions = {
            granted: ({ connection }, epoch) => void told[i]!.granted.set(connection, epoch),
            superseded: ({ connection }, by) => void told[i]!.superseded.set(connection, by),
            message: (message) => void told[i]!.messages.push(message),
          };
          return ownership.start(sessions);
        }),
      );
      await eventually(
        () => edges.forEach(({ ownership }) => expect(ownership.health().problems).toEqual([])),
        {
          timeoutMs: 10_000,
        },
      );
    });
    afterEach(() =>
      Promise.all(edges.filter((one) => !one.isDead()).map(({ ownership }) => ownership.stop(2000))),
    );

    const session = (id = `CP-${++serial}-${process.pid}`, version: OcppVersion = "1.6"): NewSession => {
      const parsed = asIdentity(id);
      if (!parsed.ok) throw new Error(parsed.fault);
      return {
        identity: parsed.identity,
        key: identityKey(parsed.identity, version),
        version,
        remote: "127.0.0.1",
        connection: `conn-${++serial}-${process.pid}` as ConnectionId,
        authenticatedAtMs: systemTime.monotonicMs(),
      };
    };
    const claimed = async (i: number, one = session()): Promise<NewSession> => {
      expect(edge(i).claim(one)).toEqual({ kind: "accepted" });
      await eventually(() => expect(told[i]!.granted.has(one.connection)).toBe(true));
      return one;
    };
    const found = async (i: number, key: IdentityKey): Promise<SessionRow> => {
      const result = await edge(i).lookup([key], 2000);
      if (result.kind !== "found") throw new Error("absent");
      return result.row;
    };
    const isAbsent = async (i: number, key: IdentityKey): Promise<void> =>
      expect(await edge(i).lookup([key], 2000)).toEqual({ kind: "absent" });

    it("lets every edge see who owns a charge point", async () => {
      const one = await claimed(0);
      expect(await found(2, one.key)).toMatchObject({
        connection: one.connection,
        epoch: told[0]!.granted.get(one.connection),
      });
      expect((await edge(0).lookup([one.key], 2000)) as object).toMatchObject({ isOwn: true });
      expect((await edge(1).lookup([one.key], 2000)) as object).toMatchObject({ isOwn: false });
    });

    it("tells the older edge that a newer socket took over, and keeps the newer when the older closes late (R1, R3)", async () => {
      const older = await claimed(0);
      const newer = await claimed(1, session(older.identity));
      await eventually(() => expect(told[0]!.superseded.has(older.connection)).toBe(true));
      edge(0).release(older, "closed");
      await isOwnedBy(2, newer);
    });

    it("never lets a charge point that reconnects to its edge be absent in between", async () => {
      let present = await claimed(0);
      let lookups = 0;
      for (let round = 0; round < 30; round++) {
        const next = session(present.identity);
        edge(0).claim(next);
        edge(0).release(present, "superseded");
        present = next;
        do {
          await found(1, present.key); // throws when absent
          lookups++;
          await new Promise((resolve) => setImmediate(resolve));
        } while (!told[0]!.granted.has(present.connection));
      }
      expect(lookups).toBeGreaterThanOrEqual(30);
      await eventually(() => expect(edge(0).health().owed).toBe(0));
      await isOwnedBy(1, present);
    });

    it("undoes the claim of a socket that closed while it was being claimed (R4)", async () => {
      const one = session();
      edge(0).claim(one);
      await new Promise((resolve) => setImmediate(resolve));
      edge(0).release(one, "closed");
      await eventually(() => expect(edge(0).health().owed).toBe(0));
      await isAbsent(1, one.key);
    });

    it("carries a burst of claims and of releases, every one", async () => {
      const burst = Array.from({ length: 2000 }, () => session());
      for (const one of burst) edge(0).claim(one);
      await eventually(() => expect(told[0]!.granted.size).toBe(burst.length), { timeoutMs: 10_000 });
      for (const one of burst) edge(0).release(one, "closed");
      await eventually(() => expect(edge(0).health().owed).toBe(0), { timeoutMs: 10_000 });
      await isAbsent(1, burst[1234]!.key);
    });

    it("delivers a message to the owner and the answer back", async () => {
      const one = await claimed(0);
      const row = await found(1, one.key);
      const command = {
        id: `c-${serial}`,
        kind: "command" as const,
        key: one.key,
        connection: row.connection,
        epoch: row.epoch,
      };
      expect(await edge(1).send(row.incarnation, { ...command, body: "hello" }, 2000)).toBe(true);
      await eventually(() => expect(told[0]!.messages).toHaveLength(1));
      const received = told[0]!.messages[0]!;
      expect(received).toMatchObject({ ...command, body: "hello" });
      const reply = { ...command, kind: "reply" as const, body: "hi" };
      expect(await edge(0).tell(received.from, reply, 2000)).toBe(true);
      await eventually(() => expect(told[1]!.messages[0]).toMatchObject({ kind: "reply", body: "hi" }));
    });

    it("hands a message over to whoever owns the charge point, by any key it may have, and tells who that is", async () => {
      const one = await claimed(0, session(`CP-${++serial}-${process.pid}`, "2.0.1"));
      const message = { id: `h-${serial}`, kind: "command" as const, body: "hello" };
      const keys = identityKeyCandidates(one.identity);
      expect(keys).toHaveLength(2);
      const row = await found(1, one.key);
      expect(await edge(1).handOver(keys, message, 2000)).toEqual({ kind: "sent", row });
      await eventually(() =>
        expect(told[0]!.messages).toContainEqual(
          expect.objectContaining({ ...message, key: one.key, connection: one.connection, epoch: row.epoch }),
        ),
      );
      expect(await edge(0).handOver(keys, message, 2000)).toEqual({ kind: "own", row });
      const nobody = session().key;
      expect(await edge(1).handOver([nobody], message, 2000)).toEqual({ kind: "absent" });
    });

    it("never takes a 1.6 charge point for one whose identity has other letters", async () => {
      const one = await claimed(0, session(`cp-${++serial}-${process.pid}`));
      const other = session(one.identity.toUpperCase());
      const keys = identityKeyCandidates(other.identity);
      expect(keys).toEqual([other.key, one.key]);
      const message = { id: `h-${serial}`, kind: "command" as const, body: "hello" };
      const isAbsentByName = async (): Promise<void> => {
        expect(await edge(1).lookup(keys, 2000)).toEqual({ kind: "absent" });
        expect(await edge(1).handOver(keys, message, 2000)).toEqual({ kind: "absent" });
      };
      await isAbsentByName();
      await claimed(0, other);
      await claimed(0, session(one.identity)); // granted last
      expect(await found(1, other.key)).toMatchObject({ identity: other.identity });
      expect(await edge(1).lookup(keys, 2000)).toMatchObject({ row: { connection: other.connection } });
      expect(await edge(1).handOver(keys, message, 2000)).toMatchObject({
        kind: "sent",
        row: { connection: other.connection },
      });
    });

    it("purges a row whose owner says that it is not his, and only while it still says so (R5)", async () => {
      const one = await claimed(0);
      const stale = await found(1, one.key);
      const newer = await claimed(2, session(one.identity));
      await edge(1).purge(stale);
      await isOwnedBy(1, newer);
      await edge(1).purge(await found(1, one.key));
      await isAbsent(0, one.key);
    });

    it("makes a dead edge's sessions unroutable within one lease, and says once that each ended (R7)", async () => {
      const sessions = await Promise.all(Array.from({ length: 50 }, () => claimed(0)));
      await edges[0]!.kill();
      const killedAtMs = systemTime.monotonicMs();
      await eventually(() => isAbsent(1, sessions[7]!.key), { timeoutMs: 10_000 });
      expect(systemTime.monotonicMs() - killedAtMs).toBeLessThan(2000 + 1000); // leaseMs, and what a busy machine adds
      await eventually(() => Promise.all(sessions.map((one) => isAbsent(2, one.key))), { timeoutMs: 10_000 });
      expect(
        edge(1)
          .edges()
          .map((row) => row.edge),
      ).not.toContain("edge-a");
    });

    it("pages through all sessions of all edges, each once", async () => {
      const sessions = await Promise.all([0, 1, 2, 0, 1, 2, 0, 1].map((i) => claimed(i)));
      await eventually(() => expect(edge(0).edges().length).toBeGreaterThanOrEqual(3));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await edge(0).list(3, cursor);
        expect(page.sessions.length).toBeLessThanOrEqual(3);
        seen.push(...page.sessions.map((row) => row.key));
        cursor = page.cursor;
      } while (cursor);
      for (const one of sessions) expect(seen.filter((key) => key === one.key)).toHaveLength(1);
      await expect(edge(0).list(3, "nonsense")).rejects.toMatchObject({ code: "INVALID" });
    });

    it("releases everything when it stops in order, and is no edge any more", async () => {
      const one = await claimed(0);
      const { incarnation } = await found(1, one.key);
      await edge(0).stop(2000);
      await isAbsent(1, one.key);
      await eventually(() =>
        expect(
          edge(1)
            .edges()
            .map((row) => row.incarnation),
        ).not.toContain(incarnation),
      );
      expect(edge(0).claim(session())).toEqual({ kind: "refused", reason: "closed" });
    });

    async function isOwnedBy(i: number, one: NewSession): Promise<void> {
      expect((await found(i, one.key)).connection).toBe(one.connection);
    }
  });
}
