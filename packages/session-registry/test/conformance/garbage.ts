// What a store does where a key holds what no script of ours writes, or its user lacks a right. The cases of store.ts that need a sabotage
// of the store itself.

import type { IdentityKey } from "@cpg/ocpp";
import { expect } from "vitest";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { partitionOf, type Partition } from "../../src/partition.ts";
import type { ClaimOutcome, RegistryStore } from "../../src/store-port.ts";

/** What only a test may do to a store: write what no script writes. */
export interface Sabotage {
  /** Garbage where a row belongs. */
  readonly corrupt?: (key: IdentityKey, garbage: "type" | "format" | "number" | "fraction") => Promise<void>;
  /** Garbage where another key of an incarnation in a partition belongs. Returns what takes it away. */
  readonly spoil?: (
    what: "events" | "index" | "undone" | "inbox",
    partition: Partition,
    incarnation: Incarnation,
  ) => Promise<() => Promise<void>>;
  /** The store may tell nobody anything over channels. Returns what allows it again. */
  readonly mute?: () => Promise<() => Promise<void>>;
  /** A row whose stamp lies an hour ahead, as after a failover to a clock that is behind. */
  postdate(key: IdentityKey): Promise<void>;
}

/** One promise of a store, as a test. Rejects if it is broken. */
export interface StoreCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What store.ts does to a store, in short. */
export interface StoreHands {
  readonly store: () => RegistryStore;
  readonly newKey: () => IdentityKey;
  readonly newIncarnation: () => Incarnation;
  readonly newConnection: () => ConnectionId;
  readonly claim: (
    of: Incarnation,
    key: IdentityKey,
    by: ConnectionId,
  ) => Promise<ClaimOutcome | { kind: "fenced" }>;
  readonly granted: (of: Incarnation, key: IdentityKey, by: ConnectionId) => Promise<number>;
  readonly release: (
    of: Incarnation,
    key: IdentityKey,
    by: ConnectionId | undefined,
    epoch: number | undefined,
  ) => Promise<string | undefined>;
  readonly eventsOf: (key: IdentityKey) => Promise<readonly string[]>;
  readonly ownerOf: (key: IdentityKey) => Promise<string>;
}

/** All of them; none where a store has no such sabotage. */
export function garbageCases(hands: StoreHands, { spoil, corrupt, mute }: Sabotage): StoreCase[] {
  const { newKey, newIncarnation, newConnection, claim, granted, release, eventsOf, ownerOf } = hands;
  const cases: StoreCase[] = [];
  const promise = (name: string, run: () => Promise<void>): void => void cases.push({ name, run });
  for (const what of spoil ? (["events", "index"] as const) : []) {
    promise(`grants nothing by halves where the ${what} should be and is garbage (R7)`, async () => {
      const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
      const mend = await spoil?.(what, partitionOf(key), incarnation);
      for (let tries = 0; tries < 2; tries++) {
        await expect(claim(incarnation, key, connection)).rejects.toMatchObject({ code: "REFUSED" });
        expect(await ownerOf(key)).toBe("absent");
      }
      await mend?.();
      const epoch = await granted(incarnation, key, connection);
      expect(await eventsOf(key)).toEqual([`connected ${epoch}`]);
    });
  }
  if (spoil) {
    promise(
      "takes over nothing by halves where the loser's inbox should be and is garbage (R7)",
      async () => {
        const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
        const [old, newer] = [newConnection(), newConnection()];
        const epoch1 = await granted(first, key, old);
        const mend = await spoil("inbox", partitionOf(key), first);
        for (let tries = 0; tries < 2; tries++) {
          await expect(claim(second, key, newer)).rejects.toMatchObject({ code: "REFUSED" });
          expect(await eventsOf(key)).toEqual([`connected ${epoch1}`]);
        }
        await mend();
        const epoch2 = await granted(second, key, newer);
        expect(await eventsOf(key)).toEqual([
          `connected ${epoch1}`,
          `disconnected ${epoch1} superseded`,
          `connected ${epoch2}`,
        ]);
      },
    );
  }
  for (const what of spoil ? (["events", "index", "undone"] as const) : []) {
    promise(`ends nothing by halves where the ${what} should be and is garbage (R7)`, async () => {
      const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
      const epoch = await granted(incarnation, key, connection);
      const mend = await spoil?.(what, partitionOf(key), incarnation);
      for (let tries = 0; tries < 2; tries++) {
        const undo = release(incarnation, key, connection, undefined);
        await expect(undo).rejects.toMatchObject({ code: "REFUSED" });
        expect(await ownerOf(key)).toBe(connection);
      }
      await mend?.();
      expect(await release(incarnation, key, connection, undefined)).toBe("ended");
      expect(await eventsOf(key)).toEqual([`connected ${epoch}`, `disconnected ${epoch} closed`]);
    });
  }

  if (mute) {
    promise("takes over whole, and stores a message, where nobody may be told of it (R7)", async () => {
      const [key, first, second] = [newKey(), newIncarnation(), newIncarnation()];
      const [old, newer, partition] = [newConnection(), newConnection(), partitionOf(key)];
      const epoch1 = await granted(first, key, old);
      const allow = await mute();
      try {
        const epoch2 = await granted(second, key, newer);
        expect(await eventsOf(key)).toEqual([
          `connected ${epoch1}`,
          `disconnected ${epoch1} superseded`,
          `connected ${epoch2}`,
        ]);
        expect(await ownerOf(key)).toBe(newer);
        const store = hands.store();
        const content = `command\nm1\n${newIncarnation()}\n{}`;
        expect(await store.handOver([key], newIncarnation(), content, 5000)).toMatchObject({
          kind: "delivered",
        });
        const m = `${key}\n${newer}\n${epoch2}\n${content}`;
        expect(await store.readInbox(partition, second, "0", 5000)).toMatchObject([{ fields: { m } }]);
        const [evicted] = await store.readInbox(partition, first, "0", 5000);
        expect(evicted?.fields).toMatchObject({ kind: "evict" });
        expect(await store.tell(partition, second, "m", 5000)).toBe(false);
      } finally {
        await allow();
      }
    });
  }

  for (const garbage of corrupt ? (["type", "format", "number", "fraction"] as const) : []) {
    promise(`takes a row of garbage (${garbage}) for none, and repairs it with the next claim`, async () => {
      const [key, incarnation, connection] = [newKey(), newIncarnation(), newConnection()];
      await corrupt?.(key, garbage);
      expect((await hands.store().row(key, 5000)).kind).toBe("bad");
      expect(await release(incarnation, key, undefined, undefined)).toBe("elsewhere");
      const epoch = await granted(incarnation, key, connection);
      expect(await eventsOf(key)).toEqual([`connected ${epoch}`]);
      expect(await ownerOf(key)).toBe(connection);
    });
  }
  return cases;
}
