// What client.ts adds to ioredis: one write a turn, and redirections that are told.

import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import type { Cluster } from "ioredis";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { describe, expect, inject, it } from "vitest";
import { partitionSlots, partitionTags } from "../../src/partition.ts";
import { openClient } from "../../src/redis/client.ts";
import { writeOnceATurn } from "../../src/redis/one-write-a-turn.ts";
import { systemSoon } from "../../src/time.ts";
import { redisSettings } from "../settings.ts";

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
