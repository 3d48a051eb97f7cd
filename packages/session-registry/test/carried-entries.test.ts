// Which entries travel in a wake-up, in a real cluster, and what they say of the one before them.

import { eventually, uniquePrefix } from "@cpg/testkit";
import { afterAll, beforeEach, describe, expect, inject, it } from "vitest";
import { noMeter } from "../src/meter.ts";
import type { Incarnation } from "../src/model.ts";
import type { Partition } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import type { CarriedEntry } from "../src/store-port.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { redisSettings, retention } from "./settings.ts";

const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
const ports = { time: systemTime, random: systemRandom, meter: noMeter };
const store = new RedisStore(redisSettings(nodes, uniquePrefix()), retention, ports);
const partition = 11 as Partition;
const deadlineMs = 5000;
let serial = 0;
let to: Incarnation;
let woken: (CarriedEntry | undefined)[] = [];

const post = (body: string): Promise<string> =>
  store.post(partition, to, { kind: "command", id: "m", body }, deadlineMs);

const after = (count: number): Promise<void> => eventually(() => expect(woken).toHaveLength(count));

beforeEach(async () => {
  to = `edge~${++serial}` as Incarnation;
  woken = [];
  store.listen(to, (_partition, carried) => void woken.push(carried));
  await eventually(async () => {
    await store.probe(partition, to, deadlineMs);
    expect(woken.length).toBeGreaterThan(0);
  });
  await new Promise((resolve) => setTimeout(resolve, 50)); // what the probes still bring
  woken = [];
});

afterAll(() => store.close());

describe("a message in a wake-up", () => {
  it("is the entry as the inbox has it, behind the one before it", async () => {
    for (const body of ["a", 'quotes " and \\ and ü €', "c"]) await post(body);
    await after(3);
    const entries = await store.readInbox(partition, to, "0", deadlineMs);
    expect(woken).toEqual([
      { after: "0", entry: entries[0] },
      { after: entries[0]?.id, entry: entries[1] },
      { after: entries[1]?.id, entry: entries[2] },
    ]);
  });

  it("names the one before it also when that was trimmed to", async () => {
    await post("a");
    await after(1);
    await store.trimInbox(partition, to, woken[0]?.entry.id ?? "", deadlineMs);
    await post("b");
    await after(2);
    expect(woken[1]?.after).toBe(woken[0]?.entry.id);
  });

  it("does not travel when it is large, and the next one says that it lies between", async () => {
    await post("a");
    await post("x".repeat(5000));
    await post("c");
    await after(3);
    expect(woken.map((carried) => carried?.entry.fields["body"])).toEqual(["a", undefined, "c"]);
    expect(woken[2]?.after).not.toBe(woken[0]?.entry.id);
    const entries = await store.readInbox(partition, to, "0", deadlineMs);
    expect(entries.map(({ fields }) => fields["body"]?.length)).toEqual([1, 5000, 1]);
  });
});
