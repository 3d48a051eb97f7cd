// Wake-ups over a real network that loses them: one edge, which nobody wakes but itself.

import { eventually, startNamedProxies, uniquePrefix, type NamedLink, type NamedProxies } from "@cpg/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClusterRegistry, type Ownership } from "../src/index.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

const subscriber = "ioredis-cluster(ssubscriber):cpg-wake";

let proxies: NamedProxies;
let ownership: Ownership;

beforeAll(async () => {
  proxies = await startNamedProxies();
  ({ ownership } = createClusterRegistry({
    ownership: ownershipSettings("edge-a"),
    redis: redisSettings(proxies.nodes, uniquePrefix()),
    retention,
  }));
  const nothing = (): void => undefined;
  await ownership.start({ granted: nothing, superseded: nothing, message: nothing });
}, 60_000);
afterAll(async () => {
  await ownership?.stop(2000);
  await proxies?.stop();
});

const isAlive = (): boolean => ownership.health().isChannelAlive;

it("an idle edge notices that one of its subscribers went silent, listens anew, and is well again (X3, X7)", async () => {
  const deaf = new Set<NamedLink>();
  let before: readonly NamedLink[] = [];
  const loseOne = (): void => {
    if (!isAlive()) return;
    before = proxies.links(subscriber);
    const [first] = before;
    if (before.length < 3 || first === undefined || deaf.has(first)) return;
    first.swallow();
    deaf.add(first);
  };
  // Again and again: while the edge starts, its subscribers may be replaced. On a busy machine the first probe is answered before the loss; the
  // next one is sent after 30 s of silence.
  const notice = (): void => {
    loseOne();
    expect(isAlive()).toBe(false);
  };
  await eventually(notice, { timeoutMs: 90_000 });
  expect([...deaf].some(({ swallowed }) => swallowed > 0)).toBe(true);
  await eventually(() => expect(isAlive()).toBe(true), { timeoutMs: 20_000 });
  const after = proxies.links(subscriber);
  expect(after).toHaveLength(3);
  for (const link of after) expect(before).not.toContain(link);
}, 120_000);
