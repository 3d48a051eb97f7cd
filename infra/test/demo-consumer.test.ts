// The demo consumer as people run it, against a real cluster: what it prints is taken from the stream, and nothing else is.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { findFreePorts } from "../src/ports.ts";
import { type RedisCluster, startRedisCluster } from "../src/redis-cluster.ts";
import { withConnection } from "../src/redis-node.ts";
import { redisServer } from "./support/machine.ts";

const consumer = fileURLToPath(new URL("../src/demo-consumer.ts", import.meta.url));

function run(...words: readonly string[]) {
  return spawnSync(process.execPath, [consumer, ...words], { encoding: "utf8", timeout: 20_000 });
}

describe("what a person may type", () => {
  test.each([
    [[], "missing required argument 'integration'"],
    [["a", "b"], "too many arguments"],
    [["me*ters"], "It must be a name in `integrations`"],
    [["meters", "--partitions", "65"], "whole number from 1 to 64"],
    [["meters", "--nodes", "7000"], "It must be host:port"],
    [["meters", "--group"], "argument missing"],
  ])("%j ends with 2 and one line that says what is right", (words, text) => {
    const { status, stderr } = run(...words);
    expect(stderr).toMatch(/^error: [^\n]+\n$/u);
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });

  test("--help explains each option", () => {
    const { status, stdout } = run("--help");
    expect(status).toBe(0);
    for (const name of ["--group", "--name", "--partitions", "--nodes", "--key-prefix", "--take-over-after"])
      expect(stdout).toContain(name);
  });

  test("where no Redis listens it is one line, and no stack trace", async () => {
    const [port = 0] = await findFreePorts(1);
    const { status, stderr } = run("meters", "--nodes", `127.0.0.1:${port}`);
    expect(stderr).toBe(`no Redis Cluster to be had at 127.0.0.1:${port}: does it run there (npm start)?\n`);
    expect(status).toBe(1);
  });

  test("where something else answers it is one line too", async () => {
    const stranger = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    stranger.listen(0, "127.0.0.1");
    await once(stranger, "listening");
    onTestFinished(() => void stranger.close());
    const { port } = stranger.address() as { port: number };
    const child = start("meters", "--nodes", `127.0.0.1:${port}`);
    expect(await child.ended).toBe(1);
    expect(child.told()).toMatch(/^no Redis Cluster to be had at [^\n]+\n$/u);
  });
});

type Running = {
  readonly process: ChildProcess;
  /** The lines on standard output. */
  readonly lines: () => readonly string[];
  readonly told: () => string;
  readonly ended: Promise<number | null>;
};

function start(...words: readonly string[]): Running {
  const child = spawn(process.execPath, [consumer, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let told = "";
  child.stdout.on("data", (bytes) => (printed += String(bytes)));
  child.stderr.on("data", (bytes) => (told += String(bytes)));
  const ended = once(child, "close").then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return { process: child, lines: () => printed.split("\n").slice(0, -1), told: () => told, ended };
}

describe("a consumer", () => {
  let cluster: RedisCluster;
  let redis: Cluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ server: await redisServer() });
    redis = new Cluster([...cluster.addresses], { slotsRefreshInterval: 1_000 });
    redis.on("error", () => undefined);
  });
  afterAll(async () => {
    redis.disconnect();
    await cluster.stop();
  });

  const streamOf = (integration: string, partition: number): string =>
    `cpg:{s${String(partition).padStart(2, "0")}}:calls:${integration}`;

  /** As an edge writes it. */
  function append(stream: string, id: string, payload = "{}"): Promise<string | null> {
    const fields = { id, type: "ocpp1.6.MeterValues", identity: "CP1", action: "MeterValues", payload };
    return redis.xadd(stream, "*", ...Object.entries(fields).flat());
  }

  const startFor = (integration: string, ...words: readonly string[]): Running =>
    start(integration, "--nodes", `127.0.0.1:${cluster.addresses[0]?.port}`, ...words);

  const pendingOf = async (stream: string): Promise<unknown> =>
    ((await redis.xpending(stream, "demo").catch(() => [])) as unknown[])[0];

  const prints = (running: Running, lines: readonly string[]): Promise<void> =>
    vi.waitFor(() => expect(running.lines()).toEqual(lines), { timeout: 20_000, interval: 50 });

  test("prints each message once, whichever partition it is in, and leaves neither entry nor pending", async () => {
    const streams = Array.from({ length: 16 }, (_, partition) => streamOf("all", partition));
    const [first = ""] = streams;
    await append(first, "a", '{"n":1}');
    await append(first, "b", '{\n  "n": 2\n}');
    const running = startFor("all");
    await prints(running, ['CP1 MeterValues {"n":1}', 'CP1 MeterValues {   "n": 2 }']);
    await append(first, "a", '{"n":1}'); // as an edge repeats what it is not sure of
    for (const [at, stream] of streams.slice(1).entries()) await append(stream, `c${at}`);
    await vi.waitFor(() => expect(running.lines()).toHaveLength(17), { timeout: 10_000 });
    await vi.waitFor(async () => {
      for (const stream of streams) expect(await redis.xlen(stream)).toBe(0);
    });
    for (const stream of streams) expect(await pendingOf(stream)).toBe(0);
    running.process.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect(running.lines()).toHaveLength(17);
    expect(running.told().split("\n")).toHaveLength(2); // who reads what, and no failure
  });

  test("that was killed with a message in hand leaves it to the next, after the time that was given to it", async () => {
    const stream = streamOf("killed", 3);
    // More than the pipe between us holds, and nobody reads: it stands at this line.
    const big = JSON.stringify({ text: "x".repeat(4_000_000) });
    await append(stream, "big", big);
    await append(stream, "small");
    const first = startFor("killed", "--name", "a");
    first.process.stdout?.pause();
    await vi.waitFor(async () => expect(await pendingOf(stream)).toBe(2), { timeout: 10_000 });
    first.process.kill("SIGKILL");
    await append(stream, "new", '{"n":3}');
    const next = startFor("killed", "--name", "b", "--take-over-after", "2");
    await prints(next, ['CP1 MeterValues {"n":3}', `CP1 MeterValues ${big}`, "CP1 MeterValues {}"]);
    await vi.waitFor(async () => expect(await redis.xlen(stream)).toBe(0));
    next.process.kill("SIGTERM");
    expect(await next.ended).toBe(0);
  });

  test("that comes back under its name begins with what it had in hand", async () => {
    const stream = streamOf("again", 0);
    await append(stream, "a", '{"n":1}');
    await append(stream, "b", '{"n":2}');
    await redis.xgroup("CREATE", stream, "demo", "0");
    await redis.xreadgroup("GROUP", "demo", "me", "COUNT", 1, "STREAMS", stream, ">");
    const running = startFor("again", "--name", "me", "--take-over-after", "60");
    await prints(running, ['CP1 MeterValues {"n":1}', 'CP1 MeterValues {"n":2}']);
  });

  test("acknowledges what was deleted while it was pending, and goes on", async () => {
    const stream = streamOf("gone", 0);
    const entryId = (await append(stream, "a")) ?? "";
    await redis.xgroup("CREATE", stream, "demo", "0");
    await redis.xreadgroup("GROUP", "demo", "me", "STREAMS", stream, ">");
    await redis.xdel(stream, entryId);
    await append(stream, "b", '{"n":2}');
    const running = startFor("gone", "--name", "me");
    await prints(running, ['CP1 MeterValues {"n":2}']);
    await vi.waitFor(async () => expect(await pendingOf(stream)).toBe(0));
  });

  test("outlives the master of its stream", async () => {
    const stream = streamOf("failover", 0);
    const running = startFor("failover");
    await append(stream, "a", '{"n":1}');
    await prints(running, ['CP1 MeterValues {"n":1}']);
    const slot = await withConnection(cluster.addresses[0]!, (one) => one.cluster("KEYSLOT", stream));
    await (await cluster.masterOfSlot(slot)).kill();
    await vi.waitFor(() => append(stream, "b", '{"n":2}'), { timeout: 20_000, interval: 200 });
    await prints(running, ['CP1 MeterValues {"n":1}', 'CP1 MeterValues {"n":2}']);
    expect(running.told()).toContain(`${stream}: Connection is closed.; trying again\n`);
    running.process.kill("SIGINT");
    expect(await running.ended).toBe(0);
  });

  test("waits while no Redis is there, and ends when it is told to", async () => {
    const running = startFor("away");
    await vi.waitFor(() => expect(running.told()).toContain("Ctrl-C ends it"), { timeout: 10_000 });
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await vi.waitFor(() => expect(running.told()).toContain("trying again"), { timeout: 20_000 });
    running.process.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect(running.told()).not.toContain("    at ");
  });
});
