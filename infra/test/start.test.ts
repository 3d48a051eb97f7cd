// `npm start` as real processes: a real Redis Cluster, the real backend, and a stand-in for the edge (whose own tests are
// elsewhere). What matters here: order, ends, and that nothing is left.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test, vi } from "vitest";

import { findFreePorts, isPortFree } from "../src/ports.ts";
import { neededPorts, planLocal } from "../src/local/plan.ts";
import { pidNaming, processesNaming, temporaryFolder } from "./support/machine.ts";

const script = fileURLToPath(new URL("support/run-start.mjs", import.meta.url));

type Run = {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly runsDir: string;
  readonly offset: number;
  readonly ended: Promise<number | null>;
  readonly said: (text: string) => Promise<void>;
};

/** An offset with which every port of two edges is free. */
async function freeOffset(): Promise<number> {
  for (;;) {
    const [port = 0] = await findFreePorts(1);
    const offset = port - 9_000; // 1,000 to 13,000: the highest port, Redis' bus on 17005, stays below outgoing connections
    const ports = neededPorts(planLocal("cluster", { edges: 2, portOffset: offset })).map(
      (each) => each.port,
    );
    if ((await Promise.all(ports.map((each) => isPortFree(each)))).every(Boolean)) return offset;
  }
}

async function start(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; offset?: number } = {},
): Promise<Run> {
  const runsDir = temporaryFolder();
  const offset = options.offset ?? (await freeOffset());
  const args = [script, runsDir, "--port-offset", String(offset), ...argv];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (text += String(bytes)));
  const ended = once(child, "close").then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const said = (wanted: string): Promise<void> =>
    vi.waitFor(() => expect(text).toContain(wanted), { timeout: 15_000, interval: 20 });
  return { process: child, output: () => text, runsDir, offset, ended, said };
}

async function nothingIsLeft(run: Run): Promise<void> {
  expect(processesNaming(run.runsDir)).toEqual([]);
  expect(processesNaming(`--listen-port ${9000 + run.offset}`)).toEqual([]);
  expect(readdirSync(run.runsDir)).toEqual([]);
  // Of a run in memory Redis' ports are free for other tests.
  const registry = run.output().includes("kept in the edge's memory") ? "memory" : "cluster";
  const plan = planLocal(registry, { edges: undefined, portOffset: run.offset });
  for (const { port, purpose } of neededPorts(plan)) {
    expect(await isPortFree(port), `port ${port} (${purpose}) is free`).toBe(true);
  }
}

describe("npm start", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "%s ends edges, backend and Redis, and leaves nothing",
    async (signal) => {
      const run = await start([]);
      await run.said("Ctrl-C ends everything");
      expect(processesNaming(run.runsDir).filter((line) => line.includes("redis.conf"))).toHaveLength(6);
      expect(run.output()).toContain("AUTHENTICATION IS OFF");
      run.process.kill(signal);
      run.process.kill(signal); // npm hands on what the terminal has sent already
      expect(await run.ended).toBe(0);
      expect(run.output()).toMatch(
        /Ending: [\s\S]*edge-\d info {2}draining[\s\S]*Ended; nothing is left running/u,
      );
      expect(run.output()).not.toContain("has left");
      await nothingIsLeft(run);
    },
  );

  test("a second start works at once, on the same ports", async () => {
    const first = await start([]);
    await first.said("Ctrl-C ends everything");
    first.process.kill("SIGINT");
    await first.ended;
    const second = await start([], { offset: first.offset });
    await second.said("Ctrl-C ends everything");
    second.process.kill("SIGINT");
    expect(await second.ended).toBe(0);
  });

  test("edges get the backend's address of this run, and a moved run leaves no copy of the routes", async () => {
    const run = await start(["--registry", "memory"]);
    await run.said("Ctrl-C ends everything");
    const response = await fetch(`http://127.0.0.1:${8080 + run.offset}/`);
    const edge = (await response.json()) as Record<string, string>;
    expect(edge).toMatchObject({ "registry-kind": "memory", "auth-mode": "none", "edge-name": "edge-1" });
    const { readFile } = await import("node:fs/promises");
    expect(await readFile(edge["routes-file"] ?? "", "utf8")).toContain(
      `http://127.0.0.1:${8000 + run.offset}/`,
    );
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(0);
    await nothingIsLeft(run);
  });

  test("edges get the routes file that was asked for, found from where npm was called", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "mine.json"), "{}");
    const run = await start(["--registry", "memory", "--routes-file", "mine.json"], {
      env: { INIT_CWD: folder },
    });
    await run.said("Ctrl-C ends everything");
    const response = await fetch(`http://127.0.0.1:${8080 + run.offset}/`);
    expect(await response.json()).toMatchObject({ "routes-file": join(folder, "mine.json") });
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(0);
  });

  test("a routes file that is not there is one line, and nothing was started", async () => {
    const run = await start(["--routes-file", "/nowhere/mine.json"]);
    expect(await run.ended).toBe(1);
    const reason = "ENOENT: no such file or directory";
    expect(run.output()).toBe(`The routes file /nowhere/mine.json cannot be read: ${reason}\n`);
  });

  test("Ctrl-C while it starts ends what has started", async () => {
    const run = await start([]);
    await vi.waitFor(() => expect(processesNaming(run.runsDir).length).toBeGreaterThan(2), {
      timeout: 10_000,
    });
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(0);
    await nothingIsLeft(run);
  });

  test("a port in use is one line that names the port, its purpose and its owner; nothing was started", async () => {
    const offset = await freeOffset();
    const stranger = createServer().listen(9001 + offset, "127.0.0.1");
    await once(stranger, "listening");
    onTestFinished(() => void stranger.close());
    const run = await start([], { offset });
    expect(await run.ended).toBe(1);
    const wanted = `Port ${9001 + offset} (charge points of edge-2) is in use by `;
    const line = run
      .output()
      .split("\n")
      .filter((each) => each.startsWith("Port"));
    expect(line).toEqual([expect.stringContaining(wanted)]);
    expect(line[0]).toContain(`(process ${process.pid}): stop it`);
    expect(line[0]).toContain(`--port-offset ${offset + 100}.`);
    expect(run.output()).not.toContain("listening");
  });

  test("a backend on the demo backend's port is told to take another", async () => {
    const offset = await freeOffset();
    const theirs = createServer().listen(8000 + offset, "127.0.0.1");
    await once(theirs, "listening");
    onTestFinished(() => void theirs.close());
    const run = await start(["--routes-file", fileURLToPath(import.meta.url)], { offset });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(`Port ${8000 + offset} (demo backend) is in use by `);
    expect(run.output()).toContain(": stop it, or give your backend another port, or move this gateway");
  });

  test("an edge that was told to leave is one line, and the rest goes on, up to the last edge", async () => {
    const run = await start([]);
    await run.said("Ctrl-C ends everything");
    const leave = (n: number): void =>
      void process.kill(
        pidNaming(
          `--edge-name edge-${n} --edge-environment development --listen-host 127.0.0.1 --listen-port ${8999 + n + run.offset}`,
        ),
        "SIGTERM",
      );
    leave(2);
    await run.said("has left");
    expect(run.output()).toMatch(
      /^edge-2 \(process \d+\) has left in order \(exit code 0\); without it: edge-1$/mu,
    );
    expect((await fetch(`http://127.0.0.1:${8080 + run.offset}/`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${8000 + run.offset}/`)).status).toBe(200);
    expect(run.output()).not.toMatch(/unexpectedly|Ending/u);
    leave(1);
    expect(await run.ended).toBe(1);
    expect(run.output()).toMatch(/edge-1 \(process \d+\) ended unexpectedly \(exit code 0\)/u);
    await nothingIsLeft(run);
  });

  test("an edge that dies is reported, and everything ends with an error", async () => {
    const run = await start([]);
    await run.said("Ctrl-C ends everything");
    process.kill(
      pidNaming(
        `--edge-name edge-2 --edge-environment development --listen-host 127.0.0.1 --listen-port ${9001 + run.offset}`,
      ),
      "SIGKILL",
    );
    expect(await run.ended).toBe(1);
    expect(run.output()).toMatch(/edge-2 \(process \d+\) ended unexpectedly \(signal SIGKILL\)/u);
    await nothingIsLeft(run);
  });

  test("an edge that cannot start is reported with its own words, and everything ends with an error", async () => {
    const run = await start(["--registry", "memory"], { env: { FAKE_EDGE_FAILS: "edge-1" } });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain("edge-1 FATAL the settings are wrong  setting=listen.port");
    expect(run.output()).toContain("edge-1 ended while starting (exit code 3)");
    await nothingIsLeft(run);
  });

  test("what keeps the first of several edges from starting is told once, and of no other edge is anything said", async () => {
    const run = await start([], { env: { FAKE_EDGE_FAILS: "edge-1" } });
    expect(await run.ended).toBe(1);
    expect(run.output().match(/edge-\d.*$/gmu)).toEqual([
      "edge-1 FATAL the settings are wrong  setting=listen.port",
      "edge-1 ended while starting (exit code 3)",
    ]);
    await nothingIsLeft(run);
  });

  test("a second Ctrl-C does not wait for an edge that hangs in its drain", async () => {
    const run = await start(["--registry", "memory"], { env: { FAKE_EDGE_HANGS: "edge-1" } });
    await run.said("Ctrl-C ends everything");
    run.process.kill("SIGINT");
    await run.said("draining");
    const hurry = setInterval(() => run.process.kill("SIGINT"), 200);
    onTestFinished(() => clearInterval(hurry));
    expect(await run.ended).toBe(0);
    expect(run.output()).toContain("edge-1 did not end well: signal SIGKILL");
    await nothingIsLeft(run);
  });

  test("killed without a chance to end anything, it takes its edges and its Redis along", async () => {
    const run = await start([]);
    await run.said("Ctrl-C ends everything");
    run.process.kill("SIGKILL");
    await run.ended;
    await vi.waitFor(() => {
      expect(processesNaming(run.runsDir)).toEqual([]);
      expect(processesNaming(`--listen-port ${9000 + run.offset}`)).toEqual([]);
    });
  });
});

describe("where no Redis can be had", () => {
  const noRedis = (): NodeJS.ProcessEnv => ({
    TEST_PATH: "/nowhere",
    TEST_CACHE_DIR: temporaryFolder(),
    PATH: "/nowhere",
  });

  test("it runs one edge in memory and says so", async () => {
    const run = await start([], { env: noRedis() });
    await run.said("kept in the edge's memory: one edge");
    expect(run.output()).toContain("Install Redis 7 or newer");
    expect(processesNaming(`--listen-port ${9001 + run.offset}`)).toEqual([]);
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(0);
    await nothingIsLeft(run);
  });

  test.each([
    [["--registry", "cluster"], "--registry cluster needs a Redis. Install"],
    [["--edges", "2"], "--edges 2 needs a Redis. Install"],
  ])("%j is refused with what to install", async (argv, text) => {
    const run = await start(argv, { env: noRedis() });
    expect(await run.ended).toBe(1);
    expect(run.output()).toContain(text);
  });
});
