// What a store does with messages between incarnations: by the inbox, by the channel, with the row of whoever owns. Cases of store.ts.

import type { IdentityKey } from "@cpg/ocpp";
import { eventually } from "@cpg/testkit";
import { expect } from "vitest";
import type { Incarnation } from "../../src/model.ts";
import { partitionOf, type Partition } from "../../src/partition.ts";
import type { Told } from "../../src/store-port.ts";
import { systemTime } from "../../src/time.ts";
import type { StoreCase, StoreHands } from "./garbage.ts";

/** All of them. */
export function messageCases(hands: StoreHands, deadlineMs: number): StoreCase[] {
  const { newKey, newIncarnation, newConnection, granted } = hands;
  const store = hands.store();
  const cases: StoreCase[] = [];
  const promise = (name: string, run: () => Promise<void>): void => void cases.push({ name, run });
  /** What an incarnation hears of a partition from now on. */
  const listening = async (to: Incarnation, of: number): Promise<(Told | undefined)[]> => {
    const heard: (Told | undefined)[] = [];
    store.listen(to, (partition, told) => void (partition === of && heard.push(told)));
    await eventually(async () => {
      await store.probe(of as Partition, to, deadlineMs);
      expect(heard.length).toBeGreaterThan(0);
    });
    await new Promise((resolve) => setTimeout(resolve, 50)); // what the probes still bring
    heard.length = 0;
    return heard;
  };

  promise("delivers messages in order, to the living only, and forgets what was read", async () => {
    const [key, to] = [newKey(), newIncarnation()];
    const partition = partitionOf(key);
    const post = (message: string) => store.post(partition, to, message, deadlineMs);
    expect([await post("1"), await post("2")]).toEqual(["delivered", "delivered"]);
    const entries = await store.readInbox(partition, to, "0", deadlineMs);
    expect(entries.map(({ fields }) => fields)).toEqual([{ m: "1" }, { m: "2" }]);
    const places = entries.map(({ id: afterId }) => ({ partition, afterId }));
    const [behindFirst, behindLast] = await store.readInboxes(places, to, deadlineMs);
    expect([behindFirst, behindLast]).toEqual([[entries[1]], []]);
    await store.fence(partition, to, 0, deadlineMs);
    expect(await post("3")).toBe("dead");
  });

  promise(
    "hands a message over to the owner of the newest row, and to nobody who is dead or asks",
    async () => {
      const [other, asker, owner] = [newKey(), newIncarnation(), newIncarnation()];
      const key = other.toLowerCase() as IdentityKey;
      const partition = partitionOf(key);
      const content = `command\nh1\n${asker}\n{}`;
      const keys = [key, other];
      expect(await store.handOver(keys, asker, content, deadlineMs)).toEqual({ kind: "absent" });
      const connection = newConnection();
      const epoch = await granted(owner, key, connection);
      expect(await store.handOver([other, key], asker, content, deadlineMs)).toEqual({ kind: "absent" }); // 1.6 has case
      const reply = await store.handOver(keys, asker, content, deadlineMs);
      expect(reply).toMatchObject({ kind: "delivered", row: { key, connection, epoch, incarnation: owner } });
      const [entry] = await store.readInbox(partition, owner, "0", deadlineMs);
      expect(entry?.fields).toEqual({ m: `${key}\n${connection}\n${epoch}\n${content}` }); // nobody listens
      expect(await store.handOver(keys, owner, content, deadlineMs)).toMatchObject({
        kind: "own",
        row: { epoch },
      });
      await store.fence(partition, owner, 0, deadlineMs);
      expect(await store.handOver(keys, asker, content, deadlineMs)).toMatchObject({
        kind: "dead",
        row: { epoch },
      });
      const clockErrorUs =
        (store.toShardUs(partition, systemTime.monotonicMs()) ?? 0) - systemTime.wallMs() * 1000;
      expect(Math.abs(clockErrorUs)).toBeLessThan(1e6); // no part of its replies is taken for the time
      expect(await store.readInbox(partition, owner, entry!.id, deadlineMs)).toEqual([]);
    },
  );

  promise(
    "tells a message to whoever listens; what is handed over is stored for whoever does not",
    async () => {
      const [key, asker, owner] = [newKey(), newIncarnation(), newIncarnation()];
      const partition = partitionOf(key);
      const stored = async () => (await store.readInbox(partition, owner, "0", deadlineMs)).length;
      await granted(owner, key, newConnection());
      const handOver = (content: string) => store.handOver([key], asker, content, deadlineMs);
      const tell = (message: string) => store.tell(partition, owner, message, deadlineMs);
      expect(await handOver("early")).toMatchObject({ kind: "delivered" });
      expect([await stored(), await tell("to nobody"), await stored()]).toEqual([1, false, 1]);

      const heard = await listening(owner, partition);
      const beforeUs = store.toShardUs(partition, systemTime.monotonicMs()) ?? 0;
      expect(await tell('late\nquotes " and \\ and ü €')).toBe(true);
      expect(await handOver("content")).toMatchObject({ kind: "delivered" });
      await store.fence(partition, owner, 0, deadlineMs);
      expect([await handOver("to the dead"), await tell("dead or not")]).toMatchObject([
        { kind: "dead" },
        true,
      ]);
      await eventually(() => expect(heard).toHaveLength(3));
      expect(heard[0]?.message).toBe('late\nquotes " and \\ and ü €');
      expect(heard[1]?.message).toMatch(/^\S+\n\S+\n\d+\ncontent$/);
      expect(heard[2]?.message).toBe("dead or not");
      for (const told of heard) expect(Math.abs((told?.atUs ?? 0) - beforeUs)).toBeLessThan(5e6);
      expect(await stored()).toBe(1);
    },
  );

  promise("wakes the receiver of what is stored: a message by the inbox, an eviction", async () => {
    const [key, loser, winner] = [newKey(), newIncarnation(), newIncarnation()];
    const partition = partitionOf(key);
    const heard = await listening(loser, partition);
    await store.post(partition, loser, "m", deadlineMs);
    await eventually(() => expect(heard).toEqual([undefined]));
    expect(await store.readInbox(partition, loser, "0", deadlineMs)).toMatchObject([{ fields: { m: "m" } }]);
    await granted(loser, key, newConnection());
    heard.length = 0;
    await granted(winner, key, newConnection());
    await eventually(() => expect(heard).toEqual([undefined]));
  });
  return cases;
}
