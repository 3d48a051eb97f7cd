// X2 to X9 of inbox.ts: what is told, what is read, and when what was read is trimmed. A scripted store, a clock that moves when told.

import { describe, expect, it } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { noMeter } from "../../src/meter.ts";
import type { Incarnation } from "../../src/model.ts";
import { Inbox } from "../../src/ownership/inbox.ts";
import { partitions, type Partition } from "../../src/partition.ts";
import type { InboxEntry, InboxPlace, OnWake, RegistryStore, Told } from "../../src/store-port.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const partition = 7 as Partition;
const shardUs = 1_700_000_000_000_000;
/** Ids here have a moment of their own each, or none: `7` is what Redis calls `7-0`. */
const place = (id: string): number => Number(id.split("-")[0]);
const entry = (id: string): InboxEntry => ({ id, fields: { m: `m${id}` } });
const told = (message: string): Told => ({ message, atUs: shardUs });

function anInbox(shards = 1) {
  const clock = new VirtualClock();
  const time = new ProcessTime(clock, 0);
  const stream: InboxEntry[] = [];
  const seen: string[] = [];
  const ages: number[] = [];
  const reads: string[] = [];
  const trims: string[] = [];
  const polls: number[] = [];
  const unreadable = new Set<Partition>();
  let failsFor: ReadonlySet<Partition> | undefined;
  let wake: OnWake = () => undefined;
  let answerAfterMs = 0;
  let throws = false;
  let probed = 0;
  let listened = 0;
  let away: string | undefined;
  let isClockKnown = true;
  let isShardTelling = true;
  let asked = 0;
  let refuses = false;
  let incarnation = "inc";
  const store = {
    listen(_incarnation: Incarnation, onWake: OnWake) {
      listened++;
      wake = onWake;
    },
    async readInbox(from: Partition, _incarnation: Incarnation, afterId: string) {
      if (from !== partition) return [];
      reads.push(afterId);
      const found = stream.filter(({ id }) => place(id) > place(afterId)).slice(0, 256);
      if (answerAfterMs > 0) await new Promise<void>((resolve) => time.after(answerAfterMs, resolve));
      return found;
    },
    async readInboxes(places: readonly InboxPlace[], incarnation: Incarnation) {
      polls.push(places.length);
      if (failsFor !== undefined && places.some((place) => failsFor?.has(place.partition)))
        throw new Error("away");
      const read = async ({ partition: from, afterId }: InboxPlace) =>
        unreadable.has(from) ? undefined : store.readInbox(from, incarnation, afterId, 0);
      return Promise.all(places.map(read));
    },
    trimInbox: (_partition: Partition, _incarnation: Incarnation, id: string) => {
      trims.push(id);
      return Promise.resolve();
    },
    shardOf: (of: Partition) => `shard ${of % shards}`,
    toShardUs: () => (isClockKnown ? shardUs : undefined),
    syncClock: () => {
      asked++;
      isClockKnown = isShardTelling;
      return Promise.resolve();
    },
    probe(of: Partition) {
      probed++;
      if (refuses) return Promise.reject(new RegistryError("REFUSED", "NOPERM", { retryable: false }));
      return store.shardOf(of) === away ? Promise.reject(new Error("away")) : Promise.resolve();
    },
  } as unknown as RegistryStore;
  const inbox = new Inbox({
    store,
    time,
    meter: noMeter,
    pollMs: 500,
    incarnation: () => incarnation as Incarnation,
    received: ({ m = "" }, ageMs) => {
      if (throws) throw new Error("a bug");
      seen.push(m);
      ages.push(ageMs);
    },
  });
  inbox.start();
  return {
    inbox,
    stream,
    seen,
    ages,
    reads,
    polls,
    unreadable,
    awayFor: (those: ReadonlySet<Partition> | undefined) => void (failsFor = those),
    trims,
    probes: () => probed,
    listens: () => listened,
    /** `isTelling`: what the shard's clock says is known once it was asked. */
    forgetClock: (isTelling: boolean) => {
      isClockKnown = false;
      isShardTelling = isTelling;
    },
    clockWasAsked: () => asked,
    shardAway: (shard: string | undefined) => void (away = shard),
    refuse: (does: boolean) => void (refuses = does),
    become: (other: string) => void (incarnation = other),
    wake: (...args: Parameters<OnWake>) => wake(...args),
    receiverThrows: (does: boolean) => void (throws = does),
    readsTake: (ms: number) => void (answerAfterMs = ms),
    advance: (ms: number) => clock.advance(ms, settle),
  };
}

describe("a message that is told", () => {
  it("is received at once, without a read, and not trimmed", async () => {
    const { seen, reads, trims, wake, advance } = anInbox();
    wake(partition, told("a"));
    wake(partition, told("b"));
    expect(seen).toEqual(["a", "b"]);
    expect(reads).toEqual([]);
    await advance(500);
    expect(trims).toEqual([]);
  });

  it("says how long it was on the way by the shard's clock", () => {
    const { ages, wake } = anInbox();
    wake(partition, { message: "a", atUs: shardUs - 1_500_000 });
    wake(partition, { message: "b", atUs: shardUs + 1_500_000 });
    expect(ages).toEqual([1500, 0]);
  });

  it("may overtake what is being read; each is received once", async () => {
    const { stream, seen, wake, readsTake, advance } = anInbox();
    readsTake(20);
    stream.push(entry("1"));
    wake(partition);
    wake(partition, told("a"));
    expect(seen).toEqual(["a"]);
    await advance(50);
    expect(seen).toEqual(["a", "m1"]);
  });

  it("means nothing once the inbox was stopped", async () => {
    const { inbox, seen, wake } = anInbox();
    inbox.stop();
    wake(partition, told("a"));
    await settle();
    expect(seen).toEqual([]);
  });
});

describe("what a poll finds", () => {
  const anOld = (): InboxEntry => entry(String(shardUs / 1000 - 200));
  const aFresh = (): InboxEntry => entry(String(shardUs / 1000 - 20));

  it("and no wake-up told of makes the channel be probed soon (X3)", async () => {
    const { stream, seen, wake, probes, advance } = anInbox();
    await advance(5000);
    wake(partition); // answers the probe of the start
    stream.push(anOld());
    await advance(5000);
    expect(seen).toHaveLength(1);
    expect(probes()).toBe(2);
  });

  it("says nothing of the channel when its wake-up may still be on the way, or another one was heard since", async () => {
    const { stream, wake, probes, advance } = anInbox();
    await advance(5000);
    wake(partition);
    stream.push(aFresh());
    await advance(5000);
    expect(probes()).toBe(1);
    stream.push(anOld());
    await advance(2000);
    wake(partition, told("a"));
    await advance(10_000);
    expect(probes()).toBe(1);
  });
});

describe("a channel that answers no probe", () => {
  const [even, odd] = [6, 7] as [Partition, Partition];

  it("is listened on anew, and probed at the next turn: not before anybody listens (X7)", async () => {
    const { inbox, wake, probes, listens, advance } = anInbox();
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([1, 1, true]);
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([1, 2, false]);
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([2, 2, false]);
    wake(partition);
    expect(inbox.isChannelAlive).toBe(true);
    await advance(10_000);
    expect([probes(), listens()]).toEqual([2, 2]);
  });

  it("is given up and listened on anew for as long as it stays silent", async () => {
    const { inbox, probes, listens, advance } = anInbox();
    await advance(50_000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([5, 6, false]);
  });

  it("takes those of healthy shards with it: well again is only what each shard was heard on (X7)", async () => {
    const { inbox, wake, probes, listens, advance } = anInbox(2);
    await advance(5000);
    wake(even);
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([2, 2, false]);
    wake(even);
    expect(inbox.isChannelAlive).toBe(false);
    await advance(5000);
    expect(probes()).toBe(4);
    wake(even);
    expect(inbox.isChannelAlive).toBe(false);
    wake(odd);
    expect(inbox.isChannelAlive).toBe(true);
  });

  it("does not wait for a shard that is away: that one's silence says nothing", async () => {
    const { inbox, wake, shardAway, advance } = anInbox(2);
    await advance(5000);
    wake(even);
    await advance(5000);
    shardAway("shard 1");
    await advance(5000);
    wake(even);
    await advance(5000);
    wake(even);
    expect(inbox.isChannelAlive).toBe(true);
  });

  it("is not one that is only doubted, whatever else is heard meanwhile", async () => {
    const { inbox, stream, wake, probes, advance } = anInbox(2);
    await advance(5000);
    wake(even);
    wake(odd);
    await advance(30_000);
    expect(probes()).toBe(4);
    wake(odd);
    stream.push(entry(String(shardUs / 1000 - 200)));
    await advance(500);
    wake(even);
    expect(inbox.isChannelAlive).toBe(true);
  });
});

describe("a probe that Redis refuses", () => {
  it("makes the channel silent at once, with Redis' words; it is listened on anew until it is heard (X9)", async () => {
    const { inbox, wake, refuse, probes, listens, advance } = anInbox();
    refuse(true);
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive, inbox.refusal]).toEqual([1, 1, false, "NOPERM"]);
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive, inbox.refusal]).toEqual([1, 2, false, "NOPERM"]);
    refuse(false);
    await advance(5000);
    wake(partition);
    expect([probes(), listens(), inbox.isChannelAlive, inbox.refusal]).toEqual([2, 2, true, undefined]);
  });

  it("is not made good by what another shard brings", async () => {
    const { inbox, wake, refuse, advance } = anInbox(2);
    refuse(true);
    await advance(5000);
    wake(partition);
    expect(inbox.isChannelAlive).toBe(false);
  });
});

describe("a new incarnation", () => {
  it("is probed soon, and not judged by the probe of the one before", async () => {
    const { inbox, wake, become, probes, listens, advance } = anInbox();
    await advance(5000);
    become("another");
    inbox.changeIncarnation();
    await advance(5000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([2, 2, true]);
    wake(partition);
    await advance(10_000);
    expect([probes(), listens(), inbox.isChannelAlive]).toEqual([2, 2, true]);
  });
});

describe("a poll", () => {
  it("asks each shard once, for all of its inboxes (X6)", async () => {
    const { polls, advance } = anInbox(2);
    await advance(500);
    expect(polls).toEqual([partitions.length / 2, partitions.length / 2]);
  });

  it("reads on where there is more than a page", async () => {
    const { stream, seen, reads, advance } = anInbox();
    for (let n = 1; n <= 300; n++) stream.push(entry(String(n)));
    await advance(500);
    expect(seen).toHaveLength(300);
    expect(reads).toEqual(["0", "256"]);
  });

  it("reads once more what was woken while it ran (X2)", async () => {
    const { stream, seen, wake, readsTake, advance } = anInbox();
    readsTake(20);
    await advance(510);
    stream.push(entry("1"));
    wake(partition);
    expect(seen).toEqual([]);
    await advance(40);
    expect(seen).toEqual(["m1"]);
  });

  it("that outlasts the next is not followed by reads one by one", async () => {
    const { reads, polls, readsTake, advance } = anInbox();
    readsTake(700);
    await advance(1_400);
    expect(polls).toEqual([partitions.length]);
    expect(reads).toEqual(["0"]);
    await advance(100);
    expect(polls).toEqual([partitions.length, partitions.length]);
  });

  it("goes on after a receiver that threw", async () => {
    const { stream, seen, receiverThrows, advance } = anInbox();
    receiverThrows(true);
    stream.push(entry("1"));
    await advance(500);
    receiverThrows(false);
    stream.push(entry("2"));
    await advance(500);
    expect(seen).toEqual(["m2"]);
  });

  it("takes what one shard has while another is away, and the rest when it is back", async () => {
    const { stream, seen, awayFor, advance } = anInbox(2);
    stream.push(entry("1"));
    awayFor(new Set([(partition + 1) as Partition]));
    await advance(500);
    expect(seen).toEqual(["m1"]);
    awayFor(new Set([partition]));
    stream.push(entry("2"));
    await advance(500);
    expect(seen).toEqual(["m1"]);
    awayFor(undefined);
    await advance(500);
    expect(seen).toEqual(["m1", "m2"]);
  });

  it("asks again for the one inbox that could not be read", async () => {
    const { stream, seen, unreadable, advance } = anInbox();
    stream.push(entry("1"));
    unreadable.add(partition);
    await advance(500);
    expect(seen).toEqual([]);
    unreadable.clear();
    await advance(500);
    expect(seen).toEqual(["m1"]);
  });
});

describe("after a change of master", () => {
  it("the inbox is read from its beginning (X2)", async () => {
    const { inbox, stream, seen, reads, wake } = anInbox();
    stream.push(entry("5"));
    wake(partition);
    await settle();
    inbox.changeMaster(partition);
    stream.push(entry("6"));
    wake(partition);
    await settle();
    expect(reads).toEqual(["0", "0"]);
    expect(seen).toEqual(["m5", "m5", "m6"]); // receivers know what they have seen (X2)
  });

  it("a read of the old one that ends later is taken, and leaves out nothing of the new one's (X2)", async () => {
    const { inbox, stream, seen, reads, trims, wake, readsTake, advance } = anInbox();
    readsTake(20);
    stream.push(entry("9")); // by a clock ahead of the new one's
    wake(partition);
    inbox.changeMaster(partition);
    stream.splice(0, 1, entry("6"));
    await advance(20);
    wake(partition);
    await advance(20);
    expect(reads).toEqual(["0", "0"]);
    expect(seen).toEqual(["m9", "m6"]);
    await advance(500);
    expect(trims).toEqual(["6-1"]);
  });

  it("nothing is taken before the new one's clock is known: an old command would look fresh (X8, R11)", async () => {
    const { inbox, stream, seen, ages, wake, forgetClock, clockWasAsked, advance } = anInbox();
    stream.push(entry(String(shardUs / 1000 - 60_000)));
    forgetClock(false);
    inbox.changeMaster(partition);
    wake(partition);
    await settle();
    await advance(1000);
    expect(seen).toEqual([]);
    expect(clockWasAsked()).toBeGreaterThan(0);
    forgetClock(true);
    await advance(1000);
    expect(seen).toHaveLength(1);
    expect(ages).toEqual([60_000]);
  });

  it("a clock that is not known is asked for only where there is something to read", async () => {
    const { inbox, forgetClock, clockWasAsked, advance } = anInbox();
    forgetClock(false);
    inbox.changeMaster(partition);
    await advance(2000);
    expect(clockWasAsked()).toBe(0);
  });

  it("its channel is probed at once, not after half a minute of silence (X3)", async () => {
    const { inbox, wake, probes, advance } = anInbox();
    await advance(5000);
    wake(partition); // answers the probe of the start
    await advance(10_000);
    expect(probes()).toBe(1);
    inbox.changeMaster(partition);
    await advance(5000);
    expect(probes()).toBe(2);
  });
});

describe("trimming", () => {
  it("is done once for many entries, at the next poll, with the last one that was taken: nothing read comes again", async () => {
    const { stream, trims, wake, advance } = anInbox();
    for (let n = 1; n <= 10; n++) {
      stream.push(entry(`${n}-9`));
      wake(partition);
      await settle();
    }
    expect(trims).toEqual([]);
    await advance(500);
    expect(trims).toEqual(["10-10"]); // before this id: 10-9 goes too
    await advance(1000);
    expect(trims).toEqual(["10-10"]);
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
