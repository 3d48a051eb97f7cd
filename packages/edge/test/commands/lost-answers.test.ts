// Redis carries out a hand-over, and its answer is lost: a charge point that is at another edge by then gets nothing of it. A cluster of its own,
// and proxies.

import { randomUUID } from "node:crypto";
import { eventually, startNamedProxies, uniquePrefix, type NamedLink, type NamedProxies } from "@cpg/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { startRealEdge, withoutCircuits, type RealEdge } from "./real-edge.ts";
import { identityOf, type FakeSession } from "./world.ts";

let proxies: NamedProxies;
/** It asks; the charge point is at b, and then at c. */
let a: RealEdge;
let b: RealEdge;
let c: RealEdge;
let ofOthers: ReadonlySet<NamedLink>;
let id: string;

beforeAll(async () => {
  proxies = await startNamedProxies();
  const place = { nodes: proxies.nodes, keyPrefix: uniquePrefix() };
  // An open circuit would keep a from trying again as well.
  const start = (name: string) => startRealEdge(name, place, withoutCircuits);
  [b, c] = await Promise.all([start("edge-b"), start("edge-c")]);
  await eventually(() => expect(proxies.links("cpg-data")).toHaveLength(6));
  ofOthers = new Set(proxies.links("cpg-data"));
  a = await start("edge-a");
  await eventually(() => [a, b, c].every(({ ownership }) => ownership.isLeaseValid()));
}, 60_000);
beforeEach(async () => {
  id = `CP-${randomUUID()}`;
  await eventually(() => expect(linksOfA()).toHaveLength(3));
  expect(await a.command(id)).toEqual({ kind: "offline" }); // its node knows the script: the answer that is lost is no NOSCRIPT
  a.handOvers.length = 0;
});
afterAll(async () => {
  await Promise.all([a, b, c].map((edge) => edge?.ownership.stop(2000)));
  await proxies?.stop();
});

const linksOfA = () => proxies.links("cpg-data").filter((link) => !ofOthers.has(link));

async function connected(edge: RealEdge, name: string): Promise<FakeSession> {
  const session = edge.connect(name);
  await eventually(() => session.epoch !== undefined);
  return session;
}

/** Until what is returned is called, a hears no answers; then its connections end, and no attempt of what it asked is left. */
function losingAnswers(): () => Promise<void> {
  const links = linksOfA();
  for (const link of links) link.swallow();
  return async () => {
    const lost = links.filter(({ swallowed }) => swallowed > 0);
    expect(lost).not.toEqual([]);
    for (const link of links) link.reset();
    await eventually(() => expect(a.handOvers).not.toEqual([]));
  };
}

it("a command is not brought to a second edge (R11)", async () => {
  const old = await connected(b, id);
  const end = losingAnswers();
  expect(await a.command(id)).toMatchObject({ kind: "answered", edge: "edge-b" }); // the reply came by another connection
  const newer = await connected(c, id);
  await end();
  expect(a.handOvers).not.toContain("ok");
  expect([old.calls.length, newer.calls.length]).toEqual([1, 0]);
});

it("a command of which it was said that nothing was sent comes to nobody afterwards (H1)", async () => {
  const old = await connected(b, id);
  b.drop(old.connection); // its release is on the way
  const end = losingAnswers();
  expect(await a.command(id)).toEqual({ kind: "offline" }); // "not mine", twice
  const newer = await connected(c, id);
  await end();
  await eventually(() => expect(a.handOvers).toHaveLength(2));
  expect(a.handOvers).not.toContain("ok");
  expect(newer.calls).toEqual([]);
});

it("a close does not end the connection that comes after the one it ended", async () => {
  const old = await connected(b, id);
  const end = losingAnswers();
  expect(await a.router.close(identityOf(id))).toEqual({ kind: "closed" });
  b.drop(old.connection);
  b.ownership.release(old, "closed");
  const newer = await connected(c, id);
  await end();
  expect(a.handOvers).not.toContain("ok");
  expect([old.closes, newer.closes]).toEqual([["operator"], []]);
});
