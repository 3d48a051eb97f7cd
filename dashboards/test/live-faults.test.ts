// Real faults under a real Prometheus, rules at 1/60 of their windows: a backend that fails, a Redis that hangs, an edge that
// stands still and one that dies. The alerts fire, and the counters that only a fault begins have data.
import { eventually, startTestRedisCluster, uniquePrefix, type RedisCluster } from "@cpg/testkit";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPrometheus, type RunningPrometheus } from "./support/prometheus.ts";
import { alerts } from "./support/shipped.ts";
import { startStack, type EdgeProcess, type Stack } from "./support/stack.ts";
import { command, startTraffic, type Traffic } from "./support/traffic.ts";

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

/** Alerts that this test cannot make fire, and why; promtool.test.ts does. */
const notHere: Readonly<Record<string, string>> = {
  MessagesUnanswered: "Heartbeat is answered at the edge here, so something always goes out",
  CallsWaitTooLong:
    "it would take a minute and a line of CALLs: the minute is a charge point's patience, no window to scale",
  EventLoopBusy: "it would take a load that fills the core on which the tests run",
  DescriptorsNearLimit: "it would take 19,000 sockets",
};

let redis: RedisCluster;
let stack: Stack;
let traffic: Traffic;
let server: RunningPrometheus;

beforeAll(async () => {
  redis = await startTestRedisCluster();
  stack = await startStack({
    redisNodes: redis.addresses,
    keyPrefix: uniquePrefix(),
    arguments: impatient,
    deadlineMs: 1000,
  });
  server = await startPrometheus(stack.edges.map(({ metricsPort }) => metricsPort));
  traffic = await startTraffic(stack, { newcomers: true });
}, 150_000);

afterAll(async () => {
  for (const node of redis?.nodes ?? []) node.resume();
  await traffic?.stop();
  await server?.stop();
  await stack?.stop();
  await redis?.stop();
});

/** Names of the alerts that have fired until now. */
async function fired(): Promise<string[]> {
  const samples = await server.query(
    'count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[10m]))',
  );
  return samples.map(({ metric }) => metric["alertname"] ?? "?").sort();
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
  const nobodies = Array.from({ length: 300 }, (_, at) => `NOBODY-${at}`);
  await eventually(async () => {
    await Promise.all(nobodies.map((identity) => command(stack.edges[0], identity)));
    expect(await fired()).toContain("RegistryPoolTimeouts");
  }, patient);
}, 90_000);

test("a backend that fails and a Redis that hangs: the alerts fire", async () => {
  stack.backend.fail();
  for (const node of redis.nodes) node.pause();
  await eventually(async () => {
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

test("what only a fault begins has data now", async () => {
  for (const selector of [
    'registry_calls_total{outcome!~"ok"}',
    'integration_requests_total{outcome=~"badAnswer|httpError|timeout|overload|circuitOpen|unreachable"}',
    'ocpp_calls_total{outcome=~"fault|unanswered"}',
  ])
    expect(await server.query(selector), selector).not.toEqual([]);
});

test("an edge that dies while Redis is well, another that stands still: the alerts fire", async () => {
  for (const node of redis.nodes) node.resume();
  await eventually(async () => (await server.query("registry_lease_valid == 1")).length === 2, patient);
  const [survivor, dying] = stack.edges;
  await dying.process.kill("SIGKILL");
  await eventually(async () => {
    await standStill(survivor);
    expect(await fired()).toEqual(
      expect.arrayContaining(["EdgeDown", "EdgesDeclaredDead", "EventLoopBlocked"]),
    );
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

test("two of three masters die, so that nobody can be elected: the alerts fire", async () => {
  await Promise.all(redis.nodes.slice(0, 2).map((node) => node.kill()));
  await eventually(
    async () =>
      expect(await fired()).toEqual(expect.arrayContaining(["RedisClusterNotOk", "RedisReplicaDetached"])),
    patient,
  );
}, 90_000);

test("every alert has fired, but those that cannot here", async () => {
  const missing = alerts.map(({ alert }) => alert).filter((alert) => !(alert in notHere));
  expect(await fired()).toEqual(expect.arrayContaining(missing));
  expect(Object.keys(notHere).filter((alert) => !alerts.some((each) => each.alert === alert))).toEqual([]);
});
