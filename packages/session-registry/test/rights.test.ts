// Redis users with some rights and not others: what an edge can do all the same, and what it says.

import { asIdentity, identityKey } from "@cpg/ocpp";
import { eventually, uniquePrefix } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, inject, it } from "vitest";
import { createClusterRegistry, systemTime, type ConnectionId, type Ownership } from "../src/index.ts";
import { Keyspace } from "../src/keyspace.ts";
import { partitionOf } from "../src/partition.ts";
import { NodeWatch } from "../src/redis/node-watch.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

const addresses = inject("redisNodes");
const [prefix, password] = [uniquePrefix(), "opensesame"];
/** What the documentation of redis.username asks for. */
const wholeRights = [`~${prefix}*`, `&${prefix}*`, "+@all", "-@dangerous", "+info"];
let serial = 0;
let nodes: readonly Redis[];
const users: string[] = [];
const edges: Ownership[] = [];

beforeAll(() => {
  nodes = addresses.map(({ host, port }) => new Redis(port, host));
});
afterEach(() => Promise.all(edges.splice(0).map((edge) => edge.stop(500))));
afterAll(async () => {
  for (const user of users) await onAllNodes("DELUSER", user);
  for (const node of nodes) node.disconnect();
});

const onAllNodes = (...rule: readonly string[]) =>
  Promise.all(nodes.map((node) => node.call("ACL", ...rule)));

/** A new user, and what gives it other rights. */
async function aUser(...rights: readonly string[]) {
  const username = `user-${++serial}-${prefix.replace(/\W/g, "")}`;
  users.push(username);
  const grant = (...more: readonly string[]) => onAllNodes("SETUSER", username, ...more);
  await grant("on", `>${password}`, ...rights);
  return { username, grant };
}

/** An edge that speaks to Redis as that user, and what it was told. */
async function anEdge(username: string) {
  const name = `edge-${++serial}`;
  const told: string[] = [];
  const { ownership } = createClusterRegistry({
    ownership: ownershipSettings(name),
    redis: redisSettings(
      addresses.map(({ host, port }) => `${host}:${port}`),
      prefix,
      { username, password },
    ),
    retention,
  });
  edges.push(ownership);
  await ownership.start({
    granted: ({ connection }) => void told.push(`granted ${connection}`),
    superseded: ({ connection }, by) => void told.push(`superseded ${connection} by ${by.edge}`),
    message: ({ id }) => void told.push(`message ${id}`),
  });
  return { ownership, name, told };
}

async function anEdgeWithLease(username: string) {
  const edge = await anEdge(username);
  await eventually(() => expect(edge.ownership.isLeaseValid()).toBe(true));
  return edge;
}

function aSession() {
  const named = asIdentity(`CP-${++serial}`);
  if (!named.ok) throw new Error("no identity");
  return (connection: string) => ({
    identity: named.identity,
    key: identityKey(named.identity, "1.6"),
    version: "1.6" as const,
    remote: "",
    connection: `${connection}-${prefix}` as ConnectionId,
    authenticatedAtMs: systemTime.monotonicMs(),
  });
}

const probedMs = 20_000; // a probe is sent after 5 s, and judged 5 s later

it("a user without a right to channels: the newer socket owns, the older is told, each event is there once, and health says what is missing (R1, R7)", async () => {
  const { username, grant } = await aUser(...wholeRights, "resetchannels");
  const [old, newer] = [await anEdgeWithLease(username), await anEdgeWithLease(username)];
  const session = aSession();
  const [first, second] = [session("first"), session("second")];
  old.ownership.claim(first);
  await eventually(() => expect(old.told).toEqual([`granted ${first.connection}`]));
  newer.ownership.claim({ ...second, authenticatedAtMs: systemTime.monotonicMs() });
  await eventually(() => expect(newer.told).toEqual([`granted ${second.connection}`]));
  await eventually(() => expect(old.told[1]).toBe(`superseded ${first.connection} by ${newer.name}`));
  expect(await eventsOf(first.key)).toEqual([
    `connected ${old.name} `,
    `disconnected ${old.name} superseded`,
    `connected ${newer.name} `,
  ]);

  await old.ownership.handOver([first.key], { kind: "command", id: "id-1", body: "{}" }, 5000);
  await eventually(() => expect(newer.told[1]).toBe("message id-1")); // stored: nobody can listen
  const reply = {
    kind: "reply" as const,
    id: "id-2",
    key: first.key,
    connection: first.connection,
    epoch: 1,
  };
  const asker = newer.ownership.edges().find(({ edge }) => edge === old.name)?.incarnation ?? "";
  expect(await newer.ownership.tell(asker, { ...reply, body: "{}" }, 5000)).toBe(true);
  await eventually(() => expect(old.told).toContain("message id-2")); // nor may anybody be told

  await eventually(() => expect(newer.ownership.health().isChannelAlive).toBe(false), {
    timeoutMs: probedMs,
  });
  expect(newer.ownership.health().problems.join()).toMatch(/wake-up channel.*NOPERM.*&<redis\.keyPrefix>\*/);
  await grant(`&${prefix}*`);
  await eventually(() => expect(newer.ownership.health().problems).toEqual([]), { timeoutMs: probedMs });
}, 90_000);

it("a user that may publish and not subscribe: health says so", async () => {
  const { username } = await aUser(...wholeRights, "-ssubscribe");
  const { ownership } = await anEdgeWithLease(username);
  await eventually(() => expect(ownership.health().isChannelAlive).toBe(false), { timeoutMs: probedMs });
  expect(ownership.health().problems.join()).toMatch(/wake-up channel.*NOPERM.*ssubscribe/i);
}, 60_000);

it("a user without a right to the keys: health says that Redis refuses them, and never that no node answers", async () => {
  const { username, grant } = await aUser("~elsewhere:*", "&*", "+@all");
  const { ownership } = await anEdge(username);
  const problems = (): string => ownership.health().problems.join();
  await eventually(() => expect(problems()).toMatch(/no lease yet; renew: .*NOPERM.*~<redis\.keyPrefix>\*/));
  expect(problems()).not.toContain("answered");
  await grant(`~${prefix}*`);
  await eventually(() => expect(ownership.health().problems).toEqual([]));
  await grant("resetkeys");
  await eventually(() => expect(problems()).toMatch(/lease lapsed.*; renew: .*NOPERM/));
  expect(problems()).not.toContain("answered");
}, 60_000);

it("a user with the rights that redis.username asks for, and no others, can do all: also what the watch of the nodes asks", async () => {
  const { username } = await aUser(...wholeRights);
  const [owner, asker] = [await anEdgeWithLease(username), await anEdgeWithLease(username)];
  const session = aSession()("only");
  owner.ownership.claim(session);
  await eventually(() => expect(owner.told).toHaveLength(1));
  await asker.ownership.handOver([session.key], { kind: "command", id: "id-2", body: "{}" }, 5000);
  await eventually(() => expect(owner.told[1]).toBe("message id-2"));
  owner.ownership.release(session, "closed");
  await eventually(async () => expect(await eventsOf(session.key)).toHaveLength(2));
  expect(owner.ownership.health().problems).toEqual([]);

  const [one] = addresses.map(({ host, port }) => `${host}:${port}`);
  const settings = { ...redisSettings([one ?? ""], prefix, { username, password }), everyMs: 86_400_000 };
  const nothing = (): void => undefined;
  const ports = { time: systemTime, isWatcher: () => true, polled: nothing, changed: nothing };
  const watch = new NodeWatch(settings, ports);
  await watch.round();
  expect(watch.readings.map(({ outcome }) => outcome)).toEqual(addresses.map(() => "ok"));
  watch.close();
});

async function eventsOf(key: ReturnType<ReturnType<typeof aSession>>["key"]): Promise<string[]> {
  const stream = new Keyspace(prefix).events(partitionOf(key));
  const lists = await Promise.all(
    nodes.map((node) => node.xrange(stream, "-", "+").catch(() => [])), // MOVED, but where it is
  );
  return lists
    .flat()
    .map(([, fields]) => Object.fromEntries(fields.flatMap((f, i) => (i % 2 ? [] : [[f, fields[i + 1]]]))))
    .filter(({ id }) => id?.startsWith(`${key}:`))
    .map(({ kind, edge, cause }) => `${kind} ${edge} ${cause}`);
}
