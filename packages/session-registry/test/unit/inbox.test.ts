// X4 and X5 of inbox.ts: which wake-ups spare a read, and when what was read is trimmed. A scripted store, a clock that moves when told.

import { describe, expect, it } from "vitest";
import { noMeter } from "../../src/meter.ts";
import type { Incarnation } from "../../src/model.ts";
import { Inbox } from "../../src/ownership/inbox.ts";
import { partitions, type Partition } from "../../src/partition.ts";
import { readCarried } from "../../src/redis/replies.ts";
import type { InboxEntry, OnWake, RegistryStore } from "../../src/store-port.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const partition = 7 as Partition;
const entry = (id: string): InboxEntry => ({ id, fields: { kind: "command", id: `m${id}` } });

function anInbox() {
  const clock = new VirtualClock();
  const time = new ProcessTime(clock, 0);
  const stream: InboxEntry[] = [];
  const seen: string[] = [];
  const reads: string[] = [];
  const trims: string[] = [];
  let wake: OnWake = () => undefined;
  let answerAfterMs = 0;
  let probed = 0;
  const store = {
    listen: (_incarnation: Incarnation, onWake: OnWake) => void (wake = onWake),
    async readInbox(from: Partition, _incarnation: Incarnation, afterId: string) {
      if (from !== partition) return [];
      reads.push(afterId);
      const found = stream.filter(({ id }) => Number(id) > Number(afterId)).slice(0, 256);
      if (answerAfterMs > 0) await new Promise<void>((resolve) => time.after(answerAfterMs, resolve));
      return found;
    },
    trimInbox: (_partition: Partition, _incarnation: Incarnation, id: string) => {
      trims.push(id);
      return Promise.resolve();
    },
    shardOf: () => "shard",
    toShardUs: () => undefined,
    probe() {
      probed++;
      return Promise.resolve();
    },
  } as unknown as RegistryStore;
  const inbox = new Inbox({
    store,
    time,
    meter: noMeter,
    pollMs: 500,
    incarnation: () => "inc" as Incarnation,
    received: ({ id }) => void seen.push(id),
  });
  inbox.start();
  return {
    inbox,
    stream,
    seen,
    reads,
    trims,
    probes: () => probed,
    wake: (...args: Parameters<OnWake>) => wake(...args),
    readsTake: (ms: number) => void (answerAfterMs = ms),
    advance: (ms: number) => clock.advance(ms, settle),
  };
}

describe("a wake-up that brings its entry", () => {
  it("is taken without a read when the entry before it is the one read last", async () => {
    const { stream, seen, reads, wake } = anInbox();
    stream.push(entry("1"), entry("2"));
    wake(partition, { after: "0", entry: entry("1") });
    wake(partition, { after: "1", entry: entry("2") });
    await settle();
    expect(seen).toEqual(["1", "2"]);
    expect(reads).toEqual([]);
  });

  it("is a hint only when something lies between: the inbox is read, in order, each entry once", async () => {
    const { stream, seen, reads, wake } = anInbox();
    stream.push(entry("1"), entry("2"), entry("3"));
    wake(partition, { after: "2", entry: entry("3") }); // the wake-ups of 1 and 2 were lost
    await settle();
    expect(seen).toEqual(["1", "2", "3"]);
    expect(reads).toEqual(["0"]);
    wake(partition, { after: "3", entry: entry("4") });
    expect(seen).toEqual(["1", "2", "3", "4"]);
  });

  it("does not overtake a read that is under way, and is not taken twice", async () => {
    const { stream, seen, wake, readsTake, advance } = anInbox();
    readsTake(20);
    stream.push(entry("1"));
    wake(partition);
    stream.push(entry("2"));
    wake(partition, { after: "1", entry: entry("2") });
    expect(seen).toEqual([]);
    await advance(50);
    expect(seen).toEqual(["1", "2"]);
  });

  it("does not count after a change of master until the inbox was read from its beginning", async () => {
    const { inbox, stream, seen, reads, wake } = anInbox();
    stream.push(entry("5"));
    wake(partition, { after: "0", entry: entry("5") });
    inbox.changeMaster(partition);
    stream.push(entry("6"));
    wake(partition, { after: "5", entry: entry("6") });
    await settle();
    expect(reads).toEqual(["0"]);
    expect(seen).toEqual(["5", "5", "6"]); // receivers know what they have seen (X2)
  });

  it("is waited for from a new master's channel at once, not after half a minute of silence (X3)", async () => {
    const { inbox, wake, probes, advance } = anInbox();
    await advance(5000);
    wake(partition); // answers the probe of the start
    await advance(10_000);
    expect(probes()).toBe(1);
    inbox.changeMaster(partition);
    await advance(5000);
    expect(probes()).toBe(2);
  });

  it("means nothing once the inbox was stopped", async () => {
    const { inbox, seen, wake } = anInbox();
    inbox.stop();
    wake(partition, { after: "0", entry: entry("1") });
    await settle();
    expect(seen).toEqual([]);
  });
});

describe("trimming", () => {
  it("is done once for many entries, at the next poll, up to the last one that was taken", async () => {
    const { stream, trims, wake, advance } = anInbox();
    for (let n = 1; n <= 10; n++) {
      stream.push(entry(String(n)));
      wake(partition, { after: String(n - 1), entry: entry(String(n)) });
    }
    expect(trims).toEqual([]);
    await advance(500);
    expect(trims).toEqual(["10"]);
    await advance(1000);
    expect(trims).toEqual(["10"]);
  });

  it("does not stop a page from being followed by the next", async () => {
    const { stream, seen, reads, wake } = anInbox();
    for (let n = 1; n <= 300; n++) stream.push(entry(String(n)));
    wake(partition);
    await settle();
    expect(seen).toHaveLength(300);
    expect(reads).toEqual(["0", "256"]);
    expect(partitions).toContain(partition);
  });
});

describe("what a wake-up carries", () => {
  it("is read as post-2.lua writes it", () => {
    expect(readCarried('["0","5-1","kind","command","id","m1"]')).toEqual({
      after: "0",
      entry: { id: "5-1", fields: { kind: "command", id: "m1" } },
    });
  });

  it.each(["", "x", "{}", "[]", '["0"]', '["0",1]', "null", '[["0"],"1"]'])(
    "is nothing when it is %j: the inbox is read instead",
    (text) => {
      expect(readCarried(text)).toBeUndefined();
    },
  );
});
