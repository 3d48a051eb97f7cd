// A reply that is lost with its connection, or does not come in time: what the caller is told of what became of the command, and what becomes
// of it. A cluster of its own, and proxies.

import type { Identity, IdentityKey } from "@cpg/ocpp";
import { eventually, startNamedProxies, uniquePrefix, type NamedLink, type NamedProxies } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Keyspace } from "../src/keyspace.ts";
import { noMeter } from "../src/meter.ts";
import type { ConnectionId, Incarnation } from "../src/model.ts";
import { partitionOf, partitionSlots } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { untilReady } from "./conformance/store.ts";
import { redisSettings, retention } from "./settings.ts";

const deadlineMs = 8000;
const [owner, asker] = ["inc-owner", "inc-asker"] as [Incarnation, Incarnation];
const prefix = uniquePrefix();
const keys = new Keyspace(prefix);
let serial = 0;
let key: IdentityKey;

let proxies: NamedProxies;
let store: RedisStore;
/** The node that serves `key`, and not through its proxy. */
let node: Redis;

beforeAll(async () => {
  proxies = await startNamedProxies();
  // No attempt ends by itself before its connection does.
  const settings = redisSettings(proxies.nodes, prefix, { commandTimeoutMs: 6000, socketTimeoutMs: 7000 });
  store = new RedisStore(settings, retention, { time: systemTime, random: systemRandom, meter: noMeter });
  await untilReady(store);
}, 60_000);
beforeEach(async () => {
  key = `CP-${++serial}` as IdentityKey;
  const { host, port } = await proxies.cluster.masterOfSlot(partitionSlots[partitionOf(key)] ?? 0);
  node?.disconnect();
  node = new Redis(port, host);
  // A lane that sends nothing may be without a lost connection until it does (slot-maps.ts M6): what lost it in the test before sends no more.
  await eventually(async () => {
    await handOver();
    return dataLink().isOpen;
  });
  for (const script of [handOver, claim, post]) await script(); // the node knows them: the reply that is lost is no NOSCRIPT
  await node.del(row(), keys.inbox(partitionOf(key), owner));
});
afterAll(async () => {
  node?.disconnect();
  await store?.close();
  await proxies?.stop();
});

const claim = () => {
  const details = { identity: key as string as Identity, version: "1.6", remote: "" } as const;
  const claimed = { key, connection: `conn-${key}` as ConnectionId, stampUs: 1, ...details };
  const claimant = { incarnation: owner, edge: "edge-a", epochFloor: 0 };
  return store.claim(partitionOf(key), claimant, [claimed], deadlineMs);
};
const handOver = () => store.handOver([key], asker, "content", deadlineMs);
const post = (patienceMs = deadlineMs) => store.post(partitionOf(key), owner, "m", patienceMs);
const row = () => keys.row(partitionOf(key), key);
const delivered = () => node.xlen(keys.inbox(partitionOf(key), owner));

/** The data lane's connection to the node that serves `key`. */
function dataLink(): NamedLink {
  const links = proxies.links("cpg-data").filter((link) => link.address === store.shardOf(partitionOf(key)));
  expect(links).toHaveLength(1);
  return links[0] as NamedLink;
}

/** `work`, whose first reply is lost with its connection; `meanwhile` begins once `isCarriedOut`. */
async function losingReply<T>(
  work: () => Promise<T>,
  isCarriedOut: () => Promise<boolean>,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<T | Error> {
  const link = dataLink();
  link.swallow();
  const end = work().catch((error: Error) => error);
  await eventually(isCarriedOut);
  await eventually(() => link.swallowed > 0);
  await meanwhile();
  link.reset();
  return end;
}

it("what comes while the connection is opened anew never left before: it is answered, and the circuit stays closed", async () => {
  expect(store.lastFailure()).toBeUndefined();
  dataLink().reset();
  await eventually(() => expect(store.lastFailure()).toMatch(/ECONNRESET/));
  const ends = await Promise.all(Array.from({ length: 40 }, () => handOver()));
  for (const end of ends) expect(end).toEqual({ kind: "absent" });
  expect(store.openCircuits()).toEqual([]);
});

it("nobody is told that a message was not delivered, if it was, and its receiver left before it was asked again (R11)", async () => {
  await claim();
  const before = await delivered();
  const end = await losingReply(
    handOver,
    async () => (await delivered()) > before,
    () => node.del(row()),
  );
  expect(end).toMatchObject({ code: "UNAVAILABLE", isOutcomeUnknown: true });
  expect(await delivered()).toBe(before + 1);
});

it("nobody is told that he owns the charge point himself, if another edge had the message before (R11)", async () => {
  await claim();
  const before = await delivered();
  const end = await losingReply(
    handOver,
    async () => (await delivered()) > before,
    () => node.hset(row(), "inc", asker),
  );
  expect(end).toMatchObject({ code: "UNAVAILABLE", isOutcomeUnknown: true });
  expect(await delivered()).toBe(before + 1);
});

it("a message that one edge has is brought to no other, though the charge point is there by now (R11)", async () => {
  await claim();
  const before = await delivered();
  const other = "inc-other" as Incarnation;
  const end = await losingReply(
    handOver,
    async () => (await delivered()) > before,
    () => node.hset(row(), "inc", other, "conn", "conn-other"),
  );
  expect(end).toMatchObject({ code: "UNAVAILABLE", isOutcomeUnknown: true });
  expect(await delivered()).toBe(before + 1);
  expect(await node.exists(keys.inbox(partitionOf(key), other))).toBe(0);
});

it("a message that a Redis which hung finds when it goes on is delivered no more: its sender has given up", async () => {
  const partition = partitionOf(key);
  const scriptsRun = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await node.info("commandstats"))?.[1]);
  await claim();
  const [before, ranBefore] = [await delivered(), await scriptsRun()];
  const master = await proxies.cluster.masterOfSlot(partitionSlots[partition] ?? 0);
  master.pause();
  try {
    const late = [store.handOver([key], asker, "content", 200), post(200)];
    for (const end of await Promise.allSettled(late))
      expect(end).toMatchObject({ reason: { code: "DEADLINE" } });
    const endedAtMs = systemTime.monotonicMs();
    await eventually(() => systemTime.monotonicMs() > endedAtMs + 300); // later than any error of the clock's estimate
  } finally {
    master.resume();
  }
  expect(await handOver()).toMatchObject({ kind: "delivered" }); // over the same connection, so behind the others
  expect((await scriptsRun()) - ranBefore).toBe(3);
  expect(await delivered()).toBe(before + 1);
});

it("a grant whose first reply was lost says so: its undo leaves a tombstone (R4)", async () => {
  const end = await losingReply(claim, async () => (await node.exists(row())) === 1);
  expect(end).toMatchObject({ kind: "answered", outcomes: [{ kind: "granted" }], hasStray: true });
});

// The last one: its node does not come back.
it("what finds no connection is known not to have been carried out, however often it was tried (R4, R11)", async () => {
  node.disconnect();
  await (await proxies.cluster.masterOfSlot(partitionSlots[partitionOf(key)] ?? 0)).kill();
  await store.handOver([key], asker, "content", 300).catch(() => undefined); // may meet the connection that has just died
  const ends = await Promise.allSettled(Array.from({ length: 40 }, () => handOver()));
  for (const end of ends)
    expect(end).toMatchObject({ reason: { code: "CIRCUIT_OPEN", isOutcomeUnknown: false } });
});
