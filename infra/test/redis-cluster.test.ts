// Local clusters: complete when started, gone when stopped, and never a stranger's process ended.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { once } from "node:events";

import { describe, expect, onTestFinished, test, vi } from "vitest";

import { removeLeftovers } from "../src/leftovers.ts";
import { findFreePorts, isPortFree } from "../src/ports.ts";
import { type RedisClusterOptions, type RedisCluster, startRedisCluster } from "../src/redis-cluster.ts";
import { withConnection } from "../src/redis-node.ts";
import { processesNaming, redisServer, temporaryFolder } from "./support/machine.ts";

async function start(options: Omit<RedisClusterOptions, "server">): Promise<RedisCluster> {
  const cluster = await startRedisCluster({ server: await redisServer(), ...options });
  onTestFinished(() => cluster.stop());
  return cluster;
}

describe("startRedisCluster", () => {
  test("when it settles, every node serves, and after stop nothing of it is left", async () => {
    const runsDir = temporaryFolder();
    const begun = performance.now();
    const cluster = await start({ runsDir });
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(cluster.nodes.map((node) => node.role)).toEqual([
      "master",
      "master",
      "master",
      "replica",
      "replica",
      "replica",
    ]);
    for (const node of cluster.nodes) {
      const info = await withConnection(node, async (redis) => String(await redis.call("CLUSTER", "INFO")));
      expect(info).toContain("cluster_state:ok");
      expect(info).toContain("cluster_known_nodes:6");
    }
    expect(processesNaming(runsDir)).toHaveLength(6);
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(processesNaming(runsDir)).toEqual([]);
    expect(readdirSync(runsDir)).toEqual([]);
    expect(await isPortFree(cluster.nodes[0]?.port ?? 0)).toBe(true);
  });

  test("a port in use is told by its number, and the nodes that did start are ended", async () => {
    const runsDir = temporaryFolder();
    const [first = 0, taken = 0] = await findFreePorts(2);
    const stranger = createServer().listen(taken, "127.0.0.1");
    await once(stranger, "listening");
    onTestFinished(() => void stranger.close());
    const attempt = start({ runsDir, ports: [first, taken], masters: 1, replicas: 1 });
    await expect(attempt).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: expect.stringContaining(String(taken)) as string,
    });
    expect(processesNaming(runsDir)).toEqual([]);
    expect(readdirSync(runsDir)).toEqual([]);
  });

  test("a setting Redis does not know fails with Redis' own words", async () => {
    const runsDir = temporaryFolder();
    const attempt = start({ runsDir, masters: 1, replicas: 0, config: { "no-such-setting": "1" } });
    await expect(attempt).rejects.toThrow(/no-such-setting/u);
    expect(readdirSync(runsDir)).toEqual([]);
  });

  test("settings can be given to all nodes and to one, as a proxy before a node needs", async () => {
    const cluster = await start({
      masters: 3,
      replicas: 0,
      config: { "slowlog-max-len": "7" },
      configFor: (node) => (node.index === 1 ? { "cluster-announce-port": String(node.port) } : {}),
    });
    const [first, second] = cluster.nodes;
    if (first === undefined || second === undefined) throw new Error("no nodes");
    const read = (node: typeof first, name: string): Promise<unknown> =>
      withConnection(node, (redis) => redis.config("GET", name));
    expect(await read(second, "slowlog-max-len")).toEqual(["slowlog-max-len", "7"]);
    expect(await read(second, "cluster-announce-port")).toEqual([
      "cluster-announce-port",
      String(second.port),
    ]);
    expect(await read(first, "cluster-announce-port")).toEqual(["cluster-announce-port", "0"]);
  });

  test("the end of a node that nobody asked for is told, a kill() is not", async () => {
    const cluster = await start({ masters: 3, replicas: 0 });
    const told: number[] = [];
    cluster.onUnexpectedExit((node) => told.push(node.index));
    await cluster.nodes[0]?.kill();
    process.kill(cluster.nodes[1]?.pid() ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(told).toEqual([1]));
  });

  test("two clusters at once do not meet", async () => {
    const [one, other] = await Promise.all([start({}), start({})]);
    for (const cluster of [one, other]) await cluster.untilHealthy();
    const ports = [...one.addresses, ...other.addresses].map((address) => address.port);
    expect(new Set(ports).size).toBe(12);
  });
});

describe("what a killed run leaves", () => {
  test("its nodes die with it, and the next start removes its folder", async () => {
    const runsDir = temporaryFolder();
    const code = `Promise.all([import(${url("redis-cluster")}), import(${url("redis-server")})]).then(async ([c, s]) => {
      const { server } = await s.findRedisServer();
      await c.startRedisCluster({ server, masters: 3, replicas: 0, runsDir: process.argv[1] });
      console.log("up");
    }); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ["-e", code, runsDir], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void parent.kill("SIGKILL"));
    await once(parent.stdout, "data");
    expect(nodesIn(runsDir)).toHaveLength(3);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await vi.waitFor(() => expect(nodesIn(runsDir)).toEqual([]));
    expect(readdirSync(runsDir)).toHaveLength(1);
    await removeLeftovers(runsDir);
    expect(readdirSync(runsDir)).toEqual([]);
  });

  test("a process that got the node's id afterwards is left alone", async () => {
    const runsDir = temporaryFolder();
    const stranger = spawn("sleep", ["60"]);
    onTestFinished(() => void stranger.kill("SIGKILL"));
    leaveBehind(runsDir, { pid: 999_999_999, started: "1" }, stranger.pid ?? 0);
    await removeLeftovers(runsDir);
    expect(readdirSync(runsDir)).toEqual([]);
    expect(stranger.exitCode).toBeNull();
    expect(processesNaming("sleep 60")).not.toEqual([]);
  });

  test("a node that outlived its run is ended: its command line still names its folder", async () => {
    const runsDir = temporaryFolder();
    const conf = join(runsDir, "run", "7000", "redis.conf");
    const node = spawn("sh", ["-c", "while :; do sleep 60; done", conf]);
    onTestFinished(() => void node.kill("SIGKILL"));
    leaveBehind(runsDir, { pid: 999_999_999, started: "1" }, node.pid ?? 0);
    await removeLeftovers(runsDir);
    await vi.waitFor(() => expect(node.signalCode).toBe("SIGKILL"));
  });

  test("a run that still runs is not touched, neither is a folder that is not ours", async () => {
    const runsDir = temporaryFolder();
    const cluster = await start({ masters: 3, replicas: 0, runsDir });
    mkdirSync(join(runsDir, "somebody"));
    await removeLeftovers(runsDir);
    expect(existsSync(join(runsDir, "somebody"))).toBe(true);
    await cluster.untilHealthy();
  });
});

function url(name: string): string {
  return JSON.stringify(new URL(`../dist/${name}.js`, import.meta.url).href);
}

function nodesIn(runsDir: string): string[] {
  return processesNaming(runsDir).filter((line) => line.includes("redis.conf"));
}

function leaveBehind(runsDir: string, owner: { pid: number; started: string }, nodePid: number): void {
  const node = join(runsDir, "run", "7000");
  mkdirSync(node, { recursive: true });
  writeFileSync(join(runsDir, "run", "owner.json"), JSON.stringify(owner));
  writeFileSync(join(node, "redis.pid"), `${nodePid}\n`);
}
