import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

import { connectionsTo, startRedis } from "../src/system/redis.ts";
import { Registered } from "../src/system/registered.ts";

test("connections are counted without those by which the bench itself asks", async () => {
  const cluster = await startRedis();
  onTestFinished(() => cluster.stop());
  const before = await connectionsTo(cluster.addresses);
  const registered = new Registered(cluster.addresses, "test:");
  onTestFinished(() => registered.close());
  expect(await registered.indexed(["nobody"])).toBe(0);
  expect(await registered.rows(["nobody"])).toBe(0);
  expect(await connectionsTo(cluster.addresses)).toBe(before);
  const another = new Redis(cluster.addresses[0] ?? {});
  onTestFinished(() => another.disconnect());
  await another.ping();
  expect(await connectionsTo(cluster.addresses)).toBe(before + 1);
}, 60_000);
