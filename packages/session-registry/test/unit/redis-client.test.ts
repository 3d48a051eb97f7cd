// What client.ts adds to ioredis: one write a turn, and slot maps that are read when something changes.

import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import type { Cluster } from "ioredis";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { describe, expect, inject, it } from "vitest";
import { partitionSlots, partitionTags } from "../../src/partition.ts";
import { openClient } from "../../src/redis/client.ts";
import { writeOnceATurn } from "../../src/redis/one-write-a-turn.ts";
import { SlotMaps } from "../../src/redis/slot-maps.ts";
import { systemSoon } from "../../src/time.ts";
import { redisSettings } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("one write a turn", () => {
  /** A connection that keeps what reached the kernel, write by write. */
  function aConnection() {
    const writes: string[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        writes.push(chunk);
        done();
      },
      writev(chunks, done) {
        writes.push(chunks.map(({ chunk }) => String(chunk)).join(""));
        done();
      },
    });
    const client = new EventEmitter();
    const node = Object.assign(new EventEmitter(), { stream });
    writeOnceATurn(client as unknown as Cluster, systemSoon);
    client.emit("+node", node);
    node.emit("connect");
    return { stream, writes };
  }

  it("sends what one turn writes together, in order, and the next turn's after it", async () => {
    const { stream, writes } = aConnection();
    stream.write("a");
    stream.write("b");
    expect(writes).toEqual([]);
    await settle();
    stream.write("c");
    await settle();
    expect(writes).toEqual(["ab", "c"]);
  });

  it("does not hold what is written when the connection is lost in the same turn", async () => {
    const { stream, writes } = aConnection();
    stream.on("error", () => undefined);
    stream.write("a");
    stream.destroy();
    await settle();
    expect(writes).toEqual([]);
  });
});

describe("a redirection", () => {
  it("is told, though the client follows it and the caller sees an answer", async () => {
    const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
    const told: string[] = [];
    const client = openClient(redisSettings(nodes, uniquePrefix()), "test", {
      redirected: (kind) => void told.push(kind),
    });
    await eventually(() => expect(client.status).toBe("ready"));
    const slot = partitionSlots[5] ?? 0;
    const elsewhere = client.slots.find((served) => served[0] !== client.slots[slot]?.[0]);
    client.slots[slot] = [...(elsewhere ?? [])];
    expect(await client.get(`{${partitionTags[5] ?? ""}}nothing`)).toBeNull();
    expect(told).toEqual(["moved"]);
    client.disconnect();
  });
});

describe("slot maps", () => {
  function someMaps(isUneasy: () => boolean) {
    const clock = new VirtualClock();
    const maps = new SlotMaps(1000, new ProcessTime(clock, 0), isUneasy);
    const aClient = () => {
      const client = {
        reads: 0,
        status: "ready",
        refreshSlotsCache: (_done?: () => void): void => undefined,
      };
      client.refreshSlotsCache = (done) => {
        client.reads++;
        done?.();
      };
      maps.add(client as unknown as Cluster);
      return client;
    };
    return { maps, a: aClient(), b: aClient(), advance: (ms: number) => clock.advance(ms, settle) };
  }

  it("are not read while all is well, but for once in a long while", async () => {
    const { a, advance } = someMaps(() => false);
    await advance(299_000);
    expect(a.reads).toBe(0);
    await advance(1000);
    expect(a.reads).toBe(1);
  });

  it("are read at every interval while something fails", async () => {
    const { a, b, advance } = someMaps(() => true);
    await advance(10_000);
    expect([a.reads, b.reads]).toEqual([10, 10]);
  });

  it("are read by all clients when one of them met a change", async () => {
    const { a, b, advance } = someMaps(() => false);
    a.refreshSlotsCache();
    await advance(300);
    expect([a.reads, b.reads]).toEqual([1, 1]);
  });

  it("are read four times a second at most, and everybody who asked is told", async () => {
    const { a, advance } = someMaps(() => false);
    let told = 0;
    for (let n = 0; n < 20; n++) {
      a.refreshSlotsCache(() => void told++);
      await advance(50);
    }
    await advance(250);
    expect(a.reads).toBeLessThanOrEqual(5);
    expect(told).toBe(20);
  });

  it("leave a client alone that still connects, and one that is gone", async () => {
    const { maps, a, b, advance } = someMaps(() => true);
    a.status = "connecting";
    maps.remove(b as unknown as Cluster);
    await advance(5000);
    expect([a.reads, b.reads]).toEqual([0, 0]);
    maps.close();
  });
});
