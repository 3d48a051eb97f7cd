// Real faults under a real Prometheus, rules at 1/60 of their windows: a backend that fails, one that never answers and one that is slow, a
// Redis that hangs, an edge that stands still, one that has too much to do, one that dies. Every alert fires, and the counters that only a fault
// begins have data.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { promisify } from "node:util";
import { Fleet, heartbeat } from "@cpg/bench/load";
import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPrometheus, type RunningPrometheus } from "./support/prometheus.ts";
import { alerts } from "./support/shipped.ts";
import {
  startKeyedEdge,
  startStack,
  startUnansweredEdge,
  type EdgeProcess,
  type KeyedEdge,
  type Stack,
  type UnansweredEdge,
} from "./support/stack.ts";
import {
  connected,
  endpointOf,
  startEverydayFaults,
  startLoad,
  type EverydayFaults,
  type Load,
} from "./support/traffic.ts";

/** Everything that waits, so short that a fault shows within seconds; few permits, so that a pool overflows and a circuit opens early. */
const impatient = [
  "--registry-lease-ms=4000",
  "--registry-lease-renew-ms=500",
  "--registry-lease-poll-ms=250",
  "--redis-operation-deadline-ms=3000",
  "--redis-connect-timeout-ms=500",
  "--redis-command-timeout-ms=1000",
  "--redis-acquire-timeout-ms=5",
  "--redis-permits-per-shard=1",
  "--redis-breaker-minimum-calls=1",
  "--listen-max-connections=24",
  "--routes-stream-max-length=5", // nobody consumes here
];

let redis: RedisCluster;
let stack: Stack;
let unanswered: UnansweredEdge;
let keyed: KeyedEdge;
let patientStations: Fleet;
let hastyStations: Fleet;
let load: Load;
let faults: EverydayFaults;
let server: RunningPrometheus;

beforeAll(async () => {
  redis = await startTestRedisCluster();
  const shared = { redisNodes: redis.addresses, keyPrefix: uniquePrefix() };
  [stack, unanswered, keyed, patientStations, hastyStations] = await Promise.all([
    startStack({ ...shared, arguments: impatient, deadlineMs: 1000 }),
    startUnansweredEdge(shared),
    startKeyedEdge(shared),
    Fleet.start(1),
    Fleet.start(1),
  ]);
  server = await startPrometheus(
    [...stack.edges, unanswered.edge, keyed.edge].map(({ metricsPort }) => metricsPort),
  );
  load = await startLoad(stack, { stations: 8, rate: 32 });
  faults = startEverydayFaults(stack, load, { newcomers: true });
}, 150_000);

afterAll(async () => {
  for (const node of redis?.nodes ?? []) node.resume();
  await load?.stop();
  await faults?.stop();
  await Promise.all([patientStations?.stop(), hastyStations?.stop()]);
  await server?.stop();
  await Promise.all([unanswered?.stop(), keyed?.stop()]);
  await stack?.stop();
  await redis?.stop();
});

/** Names of the alerts that have fired until now; with an edge: about that one. */
async function fired(edge?: EdgeProcess): Promise<string[]> {
  const about = edge === undefined ? "" : `, instance="${edge.name}"`;
  const samples = await server.query(
    `count by (alertname) (last_over_time(ALERTS{alertstate="firing"${about}}[10m]))`,
  );
  return samples.map(({ metric }) => metric["alertname"] ?? "?").sort();
}

/** Whether it fires now: for an alert that may have fired in passing before. */
async function isFiring(alert: string): Promise<boolean> {
  return (await server.query(`ALERTS{alertname="${alert}", alertstate="firing"}`)).length > 0;
}

/**
 * Stops a process until it has kept somebody waiting for 1.3 s. Repeat it: a scrape that gives up meanwhile (after 1 s here) takes
 * the measured delay with it, because each reading begins a new one.
 */
async function standStill(edge: EdgeProcess): Promise<void> {
  edge.process.signal("SIGSTOP");
  await expect(fetch(`${edge.api}/healthz`, { signal: AbortSignal.timeout(1_300) })).rejects.toThrow();
  edge.process.signal("SIGCONT");
}

const patient = { timeoutMs: 60_000, intervalMs: 250 };

test("more lookups at once than a pool of one permit takes: the alert on the pool fires", async () => {
  await eventually(async () => {
    await load.command(stack.edges[0], "NOBODY-", 300);
    expect(await fired()).toContain("RegistryPoolTimeouts");
  }, patient);
}, 90_000);

/** What goes on until its stations are stopped at the end; that it is then given up is meant. */
function goOn(traffic: Promise<unknown>): void {
  traffic.catch(() => undefined);
}

test("a backend that takes every CALL and answers none: sockets are fine, and the alerts fire", async () => {
  const { edge } = unanswered;
  await patientStations.connect({ prefix: "PATIENT-", count: 200, endpoints: [endpointOf(edge)] });
  goOn(patientStations.traffic({ tail: heartbeat, rate: 10, seconds: 60, warmUpSeconds: 0 }, []));
  const stuck = await connected(edge, "STUCK");
  stuck.send('[2,"b1","BootNotification",{}]');
  await eventually(
    async () =>
      expect(await fired(edge)).toEqual(
        expect.arrayContaining(["CallsWaitTooLong", "IntegrationCircuitOpen", "MessagesUnanswered"]),
      ),
    patient,
  );
  stuck.close();
  expect(await patientStations.state()).toMatchObject({ open: 200, losses: {} });
}, 90_000);

/** Sends CALLs of one action, each next one as soon as the last is answered. */
async function busy(edge: EdgeProcess, identity: string, action: string): Promise<WebSocket> {
  const socket = await connected(edge, identity);
  let n = 0;
  const call = (): void => socket.send(`[2,"${(n += 1)}","${action}",{}]`);
  socket.addEventListener("message", call);
  call();
  return socket;
}

test("a backend that answers two seconds late, and three times as many stations as it may be asked at once: the alert fires, and no CALL has failed", async () => {
  const { edge } = unanswered;
  const stations = await Promise.all(
    Array.from({ length: 12 }, (_, n) => busy(edge, `BUSY-${n}`, "StatusNotification")),
  );
  await eventually(async () => expect(await fired(edge)).toContain("IntegrationAtItsBound"), patient);
  const ended = 'integration_requests_total{instance="edge-3", integration="slow"} > 0';
  expect((await server.query(ended)).map(({ metric }) => metric["outcome"])).toEqual(["ok"]);
  for (const station of stations) station.close();
}, 90_000);

test("a roll-out brings a credentials file that nobody can read, then one of few charge points, and one of none: the alerts fire", async () => {
  await keyed.breakFile();
  await eventually(async () => expect(await fired(keyed.edge)).toContain("CredentialsFileUnusable"), patient);
  await keyed.keys(4); // of ten
  await eventually(async () => expect(await fired(keyed.edge)).toContain("CredentialsLost"), patient);
  await keyed.keys(0);
  await eventually(async () => expect(await fired(keyed.edge)).toContain("CredentialsEmpty"), patient);
}, 90_000);

test("two charge points with one identity throw each other out: the alert fires", async () => {
  const { edge } = unanswered;
  await eventually(async () => {
    await connected(edge, "COPIED"); // takes the session of the one before
    expect(await fired(edge)).toContain("IdentitiesContested");
  }, patient);
}, 90_000);

const run = promisify(execFile);

/** How many descriptors a running process may open (its soft limit); with `limit` it is set. */
async function descriptorLimit(pid: number, limit?: number): Promise<number> {
  if (limit !== undefined) await run("prlimit", [`--pid=${pid}`, `--nofile=${limit}:`]);
  const shown = await run("prlimit", [`--pid=${pid}`, "--nofile", "--output=SOFT", "--noheadings"]);
  return Number(shown.stdout);
}

test("charge points take nearly all descriptors that an edge may open: the alert fires", async () => {
  const { edge } = unanswered;
  const { pid } = edge.process;
  const [hasty, spare] = [100, 8];
  const usual = await descriptorLimit(pid);
  const limit = (await readdir(`/proc/${pid}/fd`)).length + hasty + spare;
  expect(await descriptorLimit(pid, limit)).toBe(limit);
  await hastyStations.connect({ prefix: "HASTY-", count: hasty, endpoints: [endpointOf(edge)] });
  await eventually(async () => expect(await fired(edge)).toContain("DescriptorsNearLimit"), patient);
  await descriptorLimit(pid, usual);
}, 90_000);

/** The MeterValues of a charge point that saved them up: 40 KB, dear to parse and cheap to send. */
const savedUp = JSON.stringify({
  connectorId: 1,
  meterValue: Array.from({ length: 200 }, () => ({
    timestamp: "2026-11-23T00:00:00.000Z",
    sampledValue: [
      { value: "11040.5", context: "Sample.Periodic", measurand: "Power.Active.Import", unit: "W" },
    ],
  })),
});

test("charge points begin to send large CALLs, each next one as soon as the last is answered", async () => {
  const tail = `,"MeterValues",${savedUp}]`;
  goOn(hastyStations.traffic({ tail, rate: 0, seconds: 60, warmUpSeconds: 0 }, []));
  const answered = 'rate(ocpp_calls_total{instance="edge-3", action="MeterValues"}[5s])';
  await eventually(async () => (await server.query(`${answered} > 100`)).length === 1, patient);
}, 90_000);

test("a backend that fails and a Redis that hangs: the alerts fire", async () => {
  stack.backend.fail();
  for (const node of redis.nodes) node.pause();
  let newcomers = 0;
  await eventually(async () => {
    await connected(unanswered.edge, `OWED-${(newcomers += 1)}`); // stays, and cannot be registered
    expect(await fired()).toEqual(
      expect.arrayContaining([
        "ClaimsOwedGrowing",
        "CommandFailuresFast",
        "CommandFailuresSlow",
        "ConnectRefusalsFast",
        "ConnectRefusalsSlow",
        "EdgeNotReady",
        "IntegrationCircuitOpen",
        "IntegrationFailing",
        "LeaseLapsed",
        "MessageFailuresFast",
        "MessageFailuresSlow",
        "RedisNodeDown",
        "RegistryCircuitOpen",
        "RegistryPermitsUsedUp",
      ]),
    );
  }, patient);
}, 90_000);

test("meanwhile the large CALLs have filled that edge's loop: the alert fires", async () => {
  const { edge } = unanswered;
  await eventually(async () => expect(await fired(edge)).toContain("EventLoopBusy"), patient);
  await hastyStations.stop();
}, 90_000);

test("what only a fault begins has data now", async () => {
  for (const selector of [
    'registry_calls_total{outcome!~"ok"}',
    'integration_requests_total{outcome=~"refused|badAnswer|httpError|timeout|overload|circuitOpen|unreachable"}',
    'ocpp_calls_total{outcome=~"fault|unanswered"}',
  ])
    expect(await server.query(selector), selector).not.toEqual([]);
});

test("an edge that dies while Redis is well, another that stands still: the alerts fire", async () => {
  for (const node of redis.nodes) node.resume();
  await eventually(async () => (await server.query("registry_lease_valid == 1")).length === 4, patient);
  const [survivor, dying] = stack.edges;
  await dying.process.kill("SIGKILL");
  await eventually(async () => {
    await standStill(survivor);
    expect(await fired(dying)).toContain("EdgeDown");
    expect(await fired(survivor)).toContain("EventLoopBlocked");
    expect(await fired()).toContain("EdgesDeclaredDead");
  }, patient);
}, 150_000);

/** Opens plain TCP connections and leaves them alone; what refuses them is what the test is about. */
function crowd(port: number, size: number): { disperse: () => void } {
  const sockets = Array.from({ length: size }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    return socket;
  });
  return { disperse: () => sockets.forEach((socket) => socket.destroy()) };
}

/** Connections of this machine that found a queue full, until now. */
async function overflows(): Promise<number> {
  const text = await readFile("/proc/self/net/netstat", "utf8");
  const [names, values] = text.split("\n").map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("ListenOverflows") ?? -1]);
}

/** Says one line after the other to a Redis node, over a connection that was there before the crowd. */
function admin(node: { readonly port: number }): { say: (line: string) => Promise<void>; close: () => void } {
  const socket = connect(node.port, "127.0.0.1");
  const say = async (line: string): Promise<void> => {
    const answer = new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
    socket.write(`${line}\r\n`);
    expect(await answer, line).toBe("+OK\r\n");
  };
  return { say, close: () => socket.destroy() };
}

test("an edge that does not accept: the alert on its queue fires", async () => {
  const [survivor] = stack.edges;
  const { port } = new URL(survivor.endpoint);
  const before = await overflows();
  survivor.process.signal("SIGSTOP");
  const waiting = crowd(Number(port), 9_000); // its sixteen queues have 8,192 places
  try {
    await eventually(async () => expect(await overflows()).toBeGreaterThan(before + 20), patient);
  } finally {
    survivor.process.signal("SIGCONT");
    waiting.disperse();
  }
  await eventually(async () => expect(await fired()).toContain("AcceptQueueOverflows"), patient);
}, 90_000);

test("a Redis node without room, for connections and for keys: the alerts fire", async () => {
  const [, , node] = redis.nodes;
  if (node === undefined) throw new Error("a cluster has three masters");
  const redisAdmin = admin(node);
  await redisAdmin.say("CONFIG SET maxclients 40");
  const clients = crowd(node.port, 60);
  await eventually(
    async () =>
      expect(await fired()).toEqual(
        expect.arrayContaining(["RedisClientsNearLimit", "RedisRejectsConnections"]),
      ),
    patient,
  );
  clients.disperse();
  await redisAdmin.say("CONFIG SET maxclients 10000");
  await redisAdmin.say("CONFIG SET maxmemory-policy allkeys-random");
  await redisAdmin.say("CONFIG SET maxmemory 1mb");
  await eventually(
    async () =>
      expect(await fired()).toEqual(expect.arrayContaining(["RedisMemoryNearLimit", "RedisEvictsKeys"])),
    patient,
  );
  redisAdmin.close();
}, 150_000);

test("a master dies with its replica: the cluster goes on without their slots, and the alert fires", async () => {
  expect(await isFiring("RedisSlotsUnserved")).toBe(false);
  const shard = redis.nodes.filter(({ index }) => index % 3 === 0);
  await Promise.all(shard.map((node) => node.kill()));
  await eventually(() => isFiring("RedisSlotsUnserved"), patient);
  expect(await isFiring("RedisClusterNotOk")).toBe(false);
}, 90_000);

test("a second of three masters dies, so that nobody can be elected: the alerts fire", async () => {
  const slots = 16_384;
  const master = await redis.masterOfSlot(slots / 2);
  await master.kill();
  await eventually(
    async () =>
      expect(await fired()).toEqual(expect.arrayContaining(["RedisClusterNotOk", "RedisReplicaDetached"])),
    patient,
  );
}, 90_000);

test("discovery forgets every edge: that nobody is scraped any more is an alert, too", async () => {
  expect(await isFiring("NoEdgeScraped")).toBe(false);
  await server.forgetEdges();
  await eventually(() => isFiring("NoEdgeScraped"), patient);
}, 90_000);

test("every alert has fired", async () => {
  const names = alerts.map(({ alert }) => alert).sort();
  expect(await fired()).toEqual(names);
});
