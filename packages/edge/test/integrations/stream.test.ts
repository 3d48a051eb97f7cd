import { openLoneClient, systemRandom, systemTime } from "@cpg/session-registry";
import { eventually, startTestRedisCluster, uniquePrefix, type RedisNode } from "@cpg/testkit";
import calculateSlot from "cluster-key-slot";
import { Cluster, Redis } from "ioredis";
import { afterEach, describe, expect, inject, test } from "vitest";
import { allStreams, buildRoutes, type BuiltRoutes } from "../../src/build-routes.ts";
import { systemIds } from "../../src/ids.ts";
import { openStreamLog } from "../../src/integrations/open-stream-log.ts";
import { partitionOf, streamKey } from "../../src/integrations/stream.ts";
import { RedisStreamLog } from "../../src/integrations/stream-log.ts";
import { redisSettings } from "../../src/redis-settings.ts";
import { readRoutes } from "../../src/routes-file.ts";
import { connect } from "../support/charge-point.ts";
import { TestExpiry } from "../support/test-expiry.ts";
import {
  Counts,
  defaultConfig,
  Problems,
  settingsWith,
  startTestEdge,
  type TestEdge,
} from "../support/test-edge.ts";

let running: TestEdge | undefined;
let built: BuiltRoutes | undefined;
let redis: Cluster | undefined;
afterEach(async () => {
  await running?.edge.stop();
  await built?.close();
  redis?.disconnect();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
  built = undefined;
  redis = undefined;
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Node {
  readonly host: string;
  readonly port: number;
}

async function start(
  changes: {
    partitions?: number;
    maxLength?: number;
    deadlineMs?: number;
    nodes?: readonly Node[];
    waitTimeoutMs?: number;
    gatherMs?: number;
  } = {},
) {
  const {
    partitions = 4,
    maxLength = 1_000,
    deadlineMs = 5_000,
    nodes = inject("redisNodes"),
    waitTimeoutMs = 200,
    gatherMs = 5,
  } = changes;
  const keyPrefix = uniquePrefix();
  const counts = new Counts();
  const problems = new Problems();
  const plan = readRoutes(
    JSON.stringify({
      integrations: { log: { type: "stream", partitions, maxLength, deadlineMs } },
      routes: {
        StopTransaction: "log",
        StatusNotification: "log",
        DataTransfer: { to: "log", answer: { status: "Accepted", data: "$now", $now: '"$now"' } },
      },
    }),
  );
  if (plan.kind === "invalid") throw new Error(plan.problems.join("\n"));
  const defaults = defaultConfig();
  const addresses = nodes.map(({ host, port }) => `${host}:${String(port)}`);
  const { routes } = defaults;
  const config = {
    ...defaults,
    redis: { ...defaults.redis, nodes: addresses, keyPrefix },
    routes: { ...routes, stream: { ...routes.stream, waitTimeoutMs } },
  };
  built = buildRoutes(plan.routes, config, {
    time: systemTime,
    random: systemRandom,
    ids: systemIds,
    instruments: counts,
    problems,
    openStreamLog: () =>
      openStreamLog(config, {
        time: systemTime,
        random: systemRandom,
        onProblem: (error) => problems.failed(allStreams, error),
      }),
  });
  const settings = settingsWith({ routes: { gatherMs } });
  running = await startTestEdge({}, { router: built.router, instruments: counts, settings });
  redis = new Cluster(nodes.map(({ host, port }) => ({ host, port })));
  redis.on("error", () => undefined);
  const reader = redis;
  const entriesOf = async (identity: string): Promise<Record<string, string>[]> => {
    const partition = partitionOf(identity, partitions);
    const entries = await reader.xrange(streamKey({ keyPrefix, stream: "log" }, partition), "-", "+");
    return entries
      .map(([, fields]) => Object.fromEntries(pairs(fields)))
      .filter((entry) => entry["identity"] === identity);
  };
  return { ...running, counts, problems, entriesOf, keyPrefix, reader };
}

function pairs(fields: readonly string[]): [string, string][] {
  return fields.flatMap((field, at): [string, string][] =>
    at % 2 === 0 ? [[field, fields[at + 1] ?? ""]] : [],
  );
}

test("a transaction message is in the stream, on a replica, when the station is answered; and it tells everything", async () => {
  const { url, entriesOf, ownership } = await start();
  const station = await connect(url("CP1"));
  station.send('[2,"m1","StopTransaction",{"meterStop":1.50}]');
  expect((await station.answerTo("m1")).payload).toEqual({});
  const [entry] = await entriesOf("CP1");
  expect(entry).toMatchObject({
    id: `${String(ownership.claims[0]?.connection)}:1`,
    type: "ocpp1.6.StopTransaction",
    identity: "CP1",
    subprotocol: "ocpp1.6",
    action: "StopTransaction",
    messageId: "m1",
    payload: '{"meterStop":1.50}',
    connection: ownership.claims[0]?.connection,
    epoch: "1001",
  });
});

test("an answer of the file is given, with the time put in where it is a value, and nowhere else", async () => {
  const { url } = await start();
  const { payload } = await (await connect(url("CP1"))).call("a", "DataTransfer");
  expect(payload["status"]).toBe("Accepted");
  expect(Date.parse(String(payload["data"]))).toBeGreaterThan(Date.now() - 10_000);
  expect(payload["$now"]).toBe('"$now"');
});

test("a charge point's messages lie in one partition, in their order; many stations at once lose none", async () => {
  const { url, entriesOf } = await start();
  const names = Array.from({ length: 40 }, (_, n) => `CP${String(n)}`);
  const stations = await Promise.all(names.map((name) => connect(url(name))));
  await Promise.all(
    stations.map(async (station) => {
      for (const id of ["1", "2", "3"])
        await station.call(id, "StopTransaction", { transactionId: Number(id) });
    }),
  );
  for (const name of names)
    expect((await entriesOf(name)).map(({ messageId }) => messageId)).toEqual(["1", "2", "3"]);
});

test("in a crowd an entry waits for the next departure, and is written then", async () => {
  const { url, entriesOf } = await start({ gatherMs: 1_000 });
  const station = await connect(url("CP1"));
  const before = performance.now();
  for (const id of ["1", "2", "3", "4"]) await station.call(id, "StatusNotification"); // three others make the crowd
  expect(performance.now() - before).toBeGreaterThan(900);
  expect((await entriesOf("CP1")).map(({ messageId }) => messageId)).toEqual(["1", "2", "3", "4"]);
});

test("a node that has forgotten the script is sent it again: nothing is lost, nothing written twice", async () => {
  const { url, entriesOf, reader } = await start();
  const names = Array.from({ length: 20 }, (_, n) => `CP${String(n)}`);
  const stations = await Promise.all(names.map((name) => connect(url(name))));
  const ids = ["1", "2", "3"];
  for (const id of ids) {
    await Promise.all(reader.nodes("master").map((node) => node.script("FLUSH")));
    for (const answer of await Promise.all(stations.map((station) => station.call(id, "StopTransaction"))))
      expect(answer.type).toBe(3);
  }
  for (const name of names) expect((await entriesOf(name)).map(({ messageId }) => messageId)).toEqual(ids);
});

test("a full stream holds its messages and trims nothing; when a consumer made room, they go on", async () => {
  const { url, entriesOf, counts, keyPrefix } = await start({ maxLength: 1, deadlineMs: 10_000 });
  const station = await connect(url("CP1"));
  await station.call("1", "StopTransaction", { n: 1 });
  const held = station.call("2", "StopTransaction", { n: 2 });
  await eventually(() => expect(counts.of("attempt log overload")).toBeGreaterThan(1));
  expect(station.frames).toHaveLength(1);
  expect((await entriesOf("CP1")).map(({ messageId }) => messageId)).toEqual(["1"]);
  await redis?.xtrim(streamKey({ keyPrefix, stream: "log" }, partitionOf("CP1", 4)), "MAXLEN", 0);
  expect((await held).type).toBe(3);
});

test("a stream that stays full is InternalError at the deadline, and the socket stays", async () => {
  const { url, edge, problems } = await start({ maxLength: 1, deadlineMs: 300 });
  const station = await connect(url("CP1"));
  await station.call("1", "StopTransaction", { n: 1 });
  expect([...problems.answers]).toEqual(["log", "streams"]);
  problems.told.clear(); // its connection was not there at once
  const { code, description } = await station.call("2", "StopTransaction", { n: 2 });
  expect(code).toBe("InternalError");
  expect(description).toBe("the message could not be stored in time (the stream is full)");
  expect([...problems.told]).toEqual(["log: a partition has as many entries as it may: maxLength"]);
  expect(problems.by).toContain("log StopTransaction");
  expect(edge.sessions.size).toBe(1);
});

test("what Redis refuses is told in its own words: the metric knows no more than that it was not written", async () => {
  const { url, problems, keyPrefix, reader } = await start({ partitions: 1, deadlineMs: 300 });
  await reader.set(streamKey({ keyPrefix, stream: "log" }, 0), "not a stream");
  const station = await connect(url("CP1"));
  await station.call("1", "StopTransaction");
  problems.told.clear(); // its connection was not there at once
  const { code, description } = await station.call("2", "StopTransaction");
  expect(code).toBe("InternalError");
  expect(description).toBe("the message could not be stored in time (Redis did not take it)");
  expect([...problems.told]).toEqual([expect.stringMatching(/^streams: WRONGTYPE/)]);
});

test("Redis away: held to the deadline, then InternalError, and the socket stays", async () => {
  const { url, counts, edge } = await start({ nodes: [{ host: "127.0.0.1", port: 1 }], deadlineMs: 400 });
  const station = await connect(url("CP1"));
  expect((await station.call("1", "StopTransaction")).code).toBe("InternalError");
  expect(counts.of("attempt log unreachable")).toBeGreaterThan(1);
  expect(edge.sessions.size).toBe(1);
});

/** With time for whatever a test does to a node: what is on its way stays there. */
async function openClient(nodes: readonly Node[]): Promise<Cluster> {
  const { redis: defaults } = defaultConfig();
  const settings = {
    ...defaults,
    nodes: nodes.map(({ host, port }) => `${host}:${String(port)}`),
    commandTimeoutMs: 60_000,
    socketTimeoutMs: 60_000,
  };
  const ports = { time: systemTime, random: systemRandom };
  const client = openLoneClient(redisSettings({ redis: settings }), "streams", ports);
  await eventually(() => expect(client.status).toBe("ready"));
  return client;
}

test("a pipeline that is redirected asks for the map of slots, and the next attempt arrives", async () => {
  const keyPrefix = uniquePrefix();
  const cluster = await openClient(inject("redisNodes"));
  await new Promise<void>((resolve) => cluster.refreshSlotsCache(() => resolve())); // what connecting asked for is done with
  const log = new RedisStreamLog({ plain: cluster, confirmed: cluster }, 200, () => undefined);
  const stream = streamKey({ keyPrefix, stream: "log" }, 0);
  const slot = calculateSlot(stream);
  const right = cluster.slots[slot];
  cluster.slots[slot] = cluster.slots.find((served) => served[0] !== right?.[0]) ?? [];
  const entry = { stream, maxLength: 10, fields: ["a", "b"], replicas: 1, knownId: "" };
  const append = () => log.append(entry, new TestExpiry());
  expect((await append()).kind).toBe("unreachable");
  await eventually(async () => expect((await append()).kind).not.toBe("unreachable"));
  expect(cluster.slots[slot]?.[0]).toBe(right?.[0]);
  await log.close();
});

describe("a cluster of its own, because its nodes are stopped", () => {
  test("without a replica a transaction message waits, written once; with one back it is answered", async () => {
    const cluster = await startTestRedisCluster();
    try {
      const { url, counts, entriesOf } = await start({ nodes: cluster.nodes, deadlineMs: 30_000 });
      const station = await connect(url("CP1"));
      expect((await station.call("0", "StopTransaction")).type).toBe(3); // its connection is there
      const replicas = cluster.nodes.filter(({ role }) => role === "replica");
      expect(replicas.length).toBeGreaterThan(0);
      for (const { pid } of replicas) process.kill(pid(), "SIGSTOP"); // by the ids of processes of this test
      expect((await station.call("s", "StatusNotification")).type).toBe(3); // no transaction message: the master is enough
      const answer = station.answerTo("1");
      station.send([2, "1", "StopTransaction", {}]);
      await eventually(() => expect(counts.of("attempt log timeout")).toBeGreaterThan(2));
      expect(station.parsed.map(({ id }) => id)).toEqual(["0", "s"]);
      for (const { pid } of replicas) process.kill(pid(), "SIGCONT");
      expect((await answer).type).toBe(3);
      expect((await entriesOf("CP1")).map(({ messageId }) => messageId)).toEqual(["0", "s", "1"]);
    } finally {
      await cluster.stop();
    }
  }, 60_000);

  test("a transaction message that no replica confirms is refused in true words, and told to the log", async () => {
    const cluster = await startTestRedisCluster();
    try {
      const { url, problems } = await start({ nodes: cluster.nodes, deadlineMs: 2_000 });
      const station = await connect(url("CP1"));
      expect((await station.call("0", "StopTransaction")).type).toBe(3); // its connection is there
      problems.told.clear();
      for (const { pid, role } of cluster.nodes) if (role === "replica") process.kill(pid(), "SIGSTOP"); // of this test
      const { code, description } = await station.call("1", "StopTransaction");
      expect(code).toBe("InternalError");
      expect(description).toBe("the message could not be stored in time (too few replicas have it)");
      expect([...problems.told]).toEqual([
        "log: fewer than routes.stream.waitReplicas replicas had an entry within routes.stream.waitTimeoutMs",
      ]);
      problems.answers.clear();
      expect((await station.call("2", "StatusNotification")).type).toBe(3); // needs no replica, and is no sign of one
      expect([...problems.answers]).toEqual([]);
      for (const { pid, role } of cluster.nodes) if (role === "replica") process.kill(pid(), "SIGCONT");
      let n = 3;
      await eventually(async () => expect((await station.call(String(n++), "StopTransaction")).type).toBe(3));
      expect([...problems.answers]).toEqual(["log", "streams"]);
    } finally {
      await cluster.stop();
    }
  }, 60_000);

  test("without a replica, who needs none passes the transaction messages that wait, but not its own charge point's", async () => {
    const cluster = await startTestRedisCluster();
    try {
      const patient = { partitions: 1, waitTimeoutMs: 40_000, deadlineMs: 50_000 }; // one lane, whose WAIT outlasts the test
      const { url, counts, entriesOf } = await start({ nodes: cluster.nodes, ...patient });
      const free = await connect(url("free"));
      expect((await free.call("0", "StopTransaction")).type).toBe(3); // both connections are there
      expect((await free.call("1", "StatusNotification")).type).toBe(3);
      const names = Array.from({ length: 150 }, (_, n) => `CP${String(n)}`); // more than one batch
      const waiting = await Promise.all(names.map((name) => connect(url(name))));
      const replicas = cluster.nodes.filter(({ role }) => role === "replica");
      for (const { pid } of replicas) process.kill(pid(), "SIGSTOP"); // by the ids of processes of this test
      for (const station of waiting) station.send([2, "1", "StopTransaction", {}]);
      waiting[0]?.send([2, "2", "StatusNotification", {}]);
      const storedOfFirst = async () => (await entriesOf("CP0")).map(({ messageId }) => messageId);
      await eventually(async () => expect(await storedOfFirst()).toEqual(["1"])); // written, and WAIT stands behind it
      for (const id of ["2", "3", "4"]) expect((await free.call(id, "StatusNotification")).type).toBe(3);
      expect(waiting.flatMap(({ frames }) => frames)).toEqual([]);
      expect(counts.of("attempt log timeout")).toBe(0);
      for (const { pid } of replicas) process.kill(pid(), "SIGCONT");
      const areAnswered = (): void => {
        for (const station of waiting) expect(station.parsed[0]).toMatchObject({ type: 3, id: "1" });
        expect(waiting[0]?.parsed[1]).toMatchObject({ type: 3, id: "2" });
      };
      await eventually(areAnswered, { timeoutMs: 20_000 });
      expect(await storedOfFirst()).toEqual(["1", "2"]);
    } finally {
      await cluster.stop();
    }
  }, 60_000);

  test("what is given up leaves its lane at once and is never written: of a hung master's, only one batch for each connection is", async () => {
    const cluster = await startTestRedisCluster();
    const [plain, confirmed] = await Promise.all([openClient(cluster.nodes), openClient(cluster.nodes)]);
    const log = new RedisStreamLog({ plain, confirmed }, 200, () => undefined);
    try {
      const stream = streamKey({ keyPrefix: uniquePrefix(), stream: "log" }, 0);
      const append = (replicas: number, expiry: TestExpiry) =>
        log.append({ stream, maxLength: 10_000, fields: ["a", "b"], replicas, knownId: "" }, expiry);
      const oneEach = () => Promise.all([append(0, new TestExpiry()), append(1, new TestExpiry())]);
      expect((await oneEach()).map(({ kind }) => kind)).toEqual(["ok", "ok"]);
      const { pid } = await cluster.masterOfSlot(calculateSlot(stream));
      process.kill(pid(), "SIGSTOP"); // by the id of a process of this test
      const waiting: number[] = [];
      for (let round = 0; round < 5; round++) {
        const callers = Array.from({ length: 400 }, () => new TestExpiry());
        const appended = callers.map((caller, at) => append(at % 2, caller)); // 200 for each connection
        await settled();
        waiting.push(log.waiting);
        for (const caller of callers) caller.end();
        expect(new Set((await Promise.all(appended)).map(({ kind }) => kind))).toEqual(new Set(["givenUp"]));
        waiting.push(log.waiting);
      }
      expect(waiting).toEqual([400 - 2 * 128, 0, 400, 0, 400, 0, 400, 0, 400, 0]);
      const last = oneEach();
      process.kill(pid(), "SIGCONT");
      expect((await last).map(({ kind }) => kind)).toEqual(["ok", "ok"]);
      expect(await log.length(stream)).toBe(2 + 2 * 128 + 2);
    } finally {
      await log.close();
      await cluster.stop();
    }
  }, 60_000);

  test.each<[string, (master: RedisNode, replica: RedisNode) => Promise<unknown>]>([
    [
      "a master that is back before anybody took over",
      async (master) => {
        await master.kill();
        await master.restart();
      },
    ],
    [
      "a master that a replica took over from as planned",
      async (_, { port, host }) => {
        const replica = new Redis(port, host);
        await replica.call("CLUSTER", "FAILOVER");
        replica.disconnect();
      },
    ],
  ])(
    "after %s transaction messages go on: nothing but pipelines is sent here",
    async (_, change) => {
      const cluster = await startTestRedisCluster();
      try {
        const { url, entriesOf, keyPrefix } = await start({ nodes: cluster.nodes, deadlineMs: 20_000 });
        const station = await connect(url("CP1"));
        expect((await station.call("1", "StopTransaction")).type).toBe(3);
        const slot = calculateSlot(streamKey({ keyPrefix, stream: "log" }, partitionOf("CP1", 4)));
        const master = await cluster.masterOfSlot(slot);
        const replica = await eventually(async () => {
          const [, , , [, port] = []] =
            (await redis!.cluster("SLOTS")).find(([first, last]) => first <= slot && slot <= last) ?? [];
          const found = cluster.nodes.find((node) => node.port === port);
          if (found === undefined) throw new Error("no replica is known yet");
          return found;
        });
        await change(master, replica);
        station.send([2, "2", "StopTransaction", {}]);
        const isAnswered = (): void =>
          expect(station.parsed).toContainEqual(expect.objectContaining({ type: 3, id: "2" }));
        await eventually(isAnswered, { timeoutMs: 20_000 });
        expect(new Set((await entriesOf("CP1")).map(({ messageId }) => messageId))).toEqual(
          new Set(["1", "2"]),
        );
      } finally {
        await cluster.stop();
      }
    },
    60_000,
  );
});
