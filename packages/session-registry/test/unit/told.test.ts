// What is told by the store in Redis, where nobody can be told.

import { expect, it } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { Keyspace } from "../../src/keyspace.ts";
import type { Incarnation } from "../../src/model.ts";
import { partitionOf } from "../../src/partition.ts";
import { RedisInboxes, type InboxParts } from "../../src/redis/inboxes.ts";

/** Whether it is told: `clockUs` of the shard, and what the lane makes of the publish. */
async function isTold(clockUs: number | undefined, call: () => Promise<unknown>): Promise<boolean> {
  const parts = {
    keys: new Keyspace("test"),
    data: { call },
    nowMs: () => 5,
    toShardUs: () => clockUs,
  } as unknown as InboxParts;
  return new RedisInboxes(parts).tell(partitionOf("CP1"), "a.1" as Incarnation, "m", 1000);
}

it("is told where somebody listens", async () => {
  expect(await isTold(1, () => Promise.resolve(1))).toBe(true);
  expect(await isTold(1, () => Promise.resolve(0))).toBe(false);
});

it("is not told without the shard's clock: it could not say how old it is", async () => {
  expect(await isTold(undefined, () => Promise.reject(new Error("asked")))).toBe(false);
});

it("is not told where Redis refuses that; any other failure is the caller's, who does not know whether it was heard", async () => {
  const ended = (code: "REFUSED" | "TIMEOUT") =>
    isTold(1, () => Promise.reject(new RegistryError(code, "no", { retryable: false })));
  expect(await ended("REFUSED")).toBe(false);
  await expect(ended("TIMEOUT")).rejects.toMatchObject({ code: "TIMEOUT" });
});
