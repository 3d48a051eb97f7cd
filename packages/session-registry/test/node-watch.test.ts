// Watching the nodes of a real cluster: what each says of itself, and what becomes of one that dies, hangs or refuses.
import { eventually, startTestRedisCluster, type RedisCluster } from "@cpg/testkit";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { NodeWatch, type NodePollOutcome, type NodeWatchSettings } from "../src/redis/node-watch.ts";
import { systemTime } from "../src/time.ts";

let cluster: RedisCluster;
const watches: NodeWatch[] = [];

beforeAll(async () => {
  cluster = await startTestRedisCluster();
}, 60_000);
afterEach(() => watches.splice(0).forEach((watch) => watch.close()));
afterAll(() => cluster?.stop());

const never = 86_400_000;

function watchOf(settings: Partial<NodeWatchSettings> = {}, isWatcher: () => boolean = () => true) {
  const polls: NodePollOutcome[] = [];
  const changes: (readonly [string, NodePollOutcome, string | undefined])[] = [];
  const [first] = cluster.addresses;
  const watch = new NodeWatch(
    {
      nodes: [`${first?.host ?? ""}:${String(first?.port)}`],
      connectTimeoutMs: 1_000,
      commandTimeoutMs: 1_000,
      everyMs: never,
      ...settings,
    },
    {
      time: systemTime,
      isWatcher,
      polled: (outcome) => polls.push(outcome),
      changed: (...change) => changes.push(change),
    },
  );
  watches.push(watch);
  const outcomes = () => watch.readings.map(({ outcome }) => outcome).sort();
  return { watch, polls, changes, outcomes };
}

const watchers = async (): Promise<number> => {
  const admin = new Redis(cluster.nodes[0]?.port ?? 0, "127.0.0.1");
  const list = String(await admin.client("LIST"));
  admin.disconnect();
  return list.split("\n").filter((line) => line.includes("name=cpg-watch")).length;
};

test("from one address every node is found, and each says how it is", async () => {
  const { watch, polls, changes } = watchOf();
  await watch.round();
  expect(watch.readings.map(({ node }) => node).sort()).toEqual(
    cluster.addresses.map(({ host, port }) => `${host}:${String(port)}`).sort(),
  );
  const roles = watch.readings.map(({ info }) => info?.role ?? "").sort();
  expect(roles).toEqual(["master", "master", "master", "slave", "slave", "slave"]);
  for (const { info } of watch.readings) {
    expect(info?.number("connected_clients")).toBeGreaterThan(0);
    expect(info?.number("cluster_slots_assigned")).toBe(16_384);
    expect(info?.clusterState).toBe("ok");
    expect(info?.calls.get("info")).toBeGreaterThan(0);
  }
  expect(watch.readings.flatMap(({ info }) => info?.replicas ?? [])).toHaveLength(3);
  expect(polls).toEqual(Array.from({ length: 6 }, () => "ok"));
  expect(changes).toEqual([]);
});

test("one connection per node, kept; none while another edge watches", async () => {
  let isWatcher = true;
  const { watch } = watchOf({}, () => isWatcher);
  await watch.round();
  await watch.round();
  expect(await watchers()).toBe(1);
  isWatcher = false;
  await watch.round();
  expect(watch.readings).toEqual([]);
  await eventually(async () => expect(await watchers()).toBe(0));
});

test("a node that hangs is down within its time-outs, is told of once, and is up again when it answers", async () => {
  const { watch, changes, outcomes } = watchOf({ commandTimeoutMs: 200, connectTimeoutMs: 200 });
  await watch.round();
  const [, , , hung] = cluster.nodes;
  hung?.pause();
  try {
    await watch.round();
    await watch.round();
    expect(outcomes()).toEqual(["ok", "ok", "ok", "ok", "ok", "timeout"]);
  } finally {
    hung?.resume();
  }
  await eventually(async () => {
    await watch.round();
    expect(outcomes()).not.toContain("timeout");
  });
  expect(changes.map(([node, outcome]) => [node, outcome])).toEqual([
    [`127.0.0.1:${String(hung?.port)}`, "timeout"],
    [`127.0.0.1:${String(hung?.port)}`, "ok"],
  ]);
});

test("a user without the right to INFO: refused, with what to do about it, and no reading", async () => {
  const nodes = cluster.addresses.map(({ host, port }) => new Redis(port, host));
  for (const node of nodes)
    await node.call("ACL", "SETUSER", "blind", "on", ">secret", "~*", "+@all", "-info");
  const { watch, changes, outcomes } = watchOf({ username: "blind", password: "secret" });
  await watch.round();
  expect(new Set(outcomes())).toEqual(new Set(["refused"]));
  expect(changes[0]?.[2]).toMatch(/NOPERM.*user's rights/);
  expect(watch.readings[0]?.info).toBeUndefined();
  for (const node of nodes) {
    await node.call("ACL", "DELUSER", "blind");
    node.disconnect();
  }
});

test("a wrong password is refused", async () => {
  const { watch, outcomes } = watchOf({ username: "nobody", password: "wrong" });
  await watch.round();
  expect(outcomes()).toEqual(["refused"]);
});

test("nobody there: the configured address is unreachable, once told", async () => {
  const { watch, changes, polls } = watchOf({ nodes: ["127.0.0.1:1"] });
  await watch.round();
  await watch.round();
  expect(watch.readings).toMatchObject([{ node: "127.0.0.1:1", outcome: "unreachable" }]);
  expect(changes).toHaveLength(1);
  expect(polls).toEqual(["unreachable", "unreachable"]);
});

test("a node that dies stays listed, and is unreachable", async () => {
  const { watch, outcomes } = watchOf();
  await watch.round();
  await cluster.nodes[5]?.kill();
  await watch.round();
  expect(outcomes()).toEqual(["ok", "ok", "ok", "ok", "ok", "unreachable"]);
});

test("closed in the middle of a round it leaves no reading and no connection", async () => {
  const { watch } = watchOf();
  const round = watch.round();
  watch.close();
  await round;
  expect(watch.readings).toEqual([]);
  await eventually(async () => expect(await watchers()).toBe(0));
});
