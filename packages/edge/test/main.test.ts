import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readRoutes } from "../src/routes-file.ts";
import { connect } from "./support/charge-point.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
let folder: string;
const children: ReturnType<typeof spawn>[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-main-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

interface Run {
  readonly child: ReturnType<typeof spawn>;
  readonly output: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

function start(...words: string[]): Run {
  return startWith({}, ...words);
}

function startWith(env: Readonly<Record<string, string>>, ...words: string[]): Run {
  const child = spawn(process.execPath, [main, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const output = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.err += chunk.toString()));
  const exit = once(child, "close").then(() => child.exitCode);
  return { child, output, exit };
}

async function ports(
  changes: Readonly<Record<string, string>> = {},
): Promise<{ readonly listen: number; readonly words: string[] }> {
  const listen = await freePort();
  const settings = {
    "registry-kind": "memory",
    "auth-mode": "none",
    "edge-environment": "development",
    "listen-host": "127.0.0.1",
    "listen-port": String(listen),
    "management-port": String(await freePort()),
    "metrics-port": String(await freePort()),
    ...changes,
  };
  return { listen, words: Object.entries(settings).map(([name, value]) => `--${name}=${value}`) };
}

test("help is an answer, and exit code 0", async () => {
  const { exit, output } = start("--help");
  expect(await exit).toBe(0);
  expect(output.out).toContain("--listen-port");
}, 20_000);

describe("what a person has to mend is one line each on standard error, and exit code 2", () => {
  test("settings", async () => {
    const { exit, output } = start("--listen-prot", "1", "--auth-mode", "nobody");
    expect(await exit).toBe(2);
    expect(output.err).toContain("did you mean --listen-port?");
    expect(output.out).toBe("");
  }, 20_000);

  test("an older Node", () => {
    const older =
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });';
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(older)}`, main, "--version"],
      { encoding: "utf8" },
    );
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^The edge needs Node 22; this is .*\n$/)]);
  }, 20_000);

  test("the routes file", async () => {
    const file = join(folder, "routes.json");
    await writeFile(file, '{"routes":{"Hartbeat":"x","Reset":"y"}}');
    const { exit, output } = start(...(await ports()).words, "--routes-file", file);
    expect(await exit).toBe(2);
    expect(output.err.trim().split("\n")).toHaveLength(4);
  }, 20_000);

  test("a routes file whose requests could not be sent", async () => {
    const file = join(folder, "routes.json");
    const backend = { type: "http", url: "http://127.0.0.1:1/", headers: { Expect: "100-continue" } };
    const other = { type: "http", url: "http://127.0.0.1:1/€" };
    await writeFile(file, JSON.stringify({ integrations: { backend, other } }));
    const { exit, output } = start(...(await ports()).words, "--routes-file", file);
    await eventually(() => expect(output.err + output.out).not.toBe(""), { timeoutMs: 15_000 });
    expect(output.out).toBe("");
    expect(await exit).toBe(2);
    expect(output.err.split("\n")).toEqual([
      `${file}: integrations.backend.headers.Expect: cannot be set here`,
      expect.stringContaining(`${file}: integrations.other.url: must be `),
      "",
    ]);
  }, 20_000);

  test("a route to a stream where no Redis is named, and none is asked", async () => {
    const file = join(folder, "routes.json");
    const meter = { type: "stream", partitions: 1 };
    await writeFile(file, JSON.stringify({ integrations: { meter }, routes: { MeterValues: "meter" } }));
    const { exit, output } = start(...(await ports()).words, "--routes-file", file);
    await eventually(() => expect(output.err + output.out).not.toBe(""), { timeoutMs: 15_000 });
    expect(output.out).toBe("");
    expect(await exit).toBe(2);
    expect(output.err.split("\n")).toEqual([expect.stringContaining("name the cluster in redis.nodes"), ""]);
  }, 20_000);

  test("routes, credentials and TLS files at once, before anything is opened or logged", async () => {
    const file = join(folder, "both.json");
    await writeFile(file, '{"rotes":{}}');
    const { words } = await ports({ "auth-mode": "file" });
    const gone = join(folder, "gone.json");
    const tls = ["--redis-tls-enabled", "--redis-tls-cert-file", file, "--redis-tls-key-file", gone];
    const { exit, output } = start(...words, "--routes-file", file, "--auth-file", gone, ...tls);
    expect(await exit).toBe(2);
    expect(output.err).toContain(`redis.tls.certFile: cannot use ${file} as certificates in PEM`);
    expect(output.err).toContain(`redis.tls.keyFile: cannot read ${gone}`);
    expect(output.err).toContain("rotes");
    expect(output.err).toContain(`auth.file: cannot read ${gone}`);
    expect(output.out).toBe("");
  }, 20_000);

  test.each(["listen-port", "management-port", "metrics-port"])(
    "%s in use",
    async (setting) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      const { port }: { port: number } = Object(taken.address());
      const { exit, output } = start(...(await ports({ [setting]: String(port) })).words);
      expect(await exit).toBe(2);
      expect(output.err.trim().split("\n")).toHaveLength(1);
      expect(output.err).toContain(String(port));
      expect(output.err).toContain(`choose another ${setting.replace("-", ".")}`);
      taken.close();
    },
    20_000,
  );
});

test("--check looks at the settings and the files they name, and starts nothing", async () => {
  const { listen, words } = await ports({ "listen-max-connections": "100" }); // no host has too few descriptors for that
  const taken = createServer(); // what a start would fail on
  await new Promise<void>((resolve) => taken.listen(listen, "127.0.0.1", resolve));
  const right = start(...words, "--check");
  expect(await right.exit).toBe(0);
  expect(right.output).toEqual({ out: "the settings and the files they name are right\n", err: "" });
  const file = join(folder, "routes.json");
  await writeFile(file, '{"rotes":{}}');
  const wrong = start(...words, "--check", "--routes-file", file);
  expect(await wrong.exit).toBe(2);
  expect(wrong.output).toEqual({ out: "", err: `${file}: the file.rotes: unknown; did you mean routes?\n` });
  taken.close();
}, 30_000);

test("--check tells of wrong settings and of the files that the right ones name in one run", async () => {
  const { words } = await ports({ "auth-mode": "file" });
  const file = join(folder, "routes.json");
  const integrations = { meters: { type: "stream" } };
  await writeFile(file, JSON.stringify({ integrations, routes: { MeterValues: "meters", Heartbeat: "x" } }));
  const gone = join(folder, "gone.json");
  const wrong = ["--listen-port", "0x1", "--redis-noodes", "a:1", "--redis-tls-cert-file", gone];
  const named = ["--routes-file", file, "--auth-file", gone, "--redis-tls-enabled"];
  const { exit, output } = start(...words, "--check", ...wrong, ...named);
  expect(await exit).toBe(2);
  expect(output.out).toBe("");
  expect(output.err.trim().split("\n")).toEqual([
    expect.stringContaining("listen-port"),
    expect.stringContaining("did you mean --redis-nodes?"),
    expect.stringContaining("redis.tls.certFile, redis.tls.keyFile: a client certificate and its key"),
    `${file}: routes.Heartbeat: no integration is called x; there is meters`,
    expect.stringContaining(`auth.file: cannot read ${gone}`),
    expect.stringContaining(`redis.tls.certFile: cannot read ${gone}`),
  ]);
}, 20_000);

test("authorities that Node would do without are told by --check, beside wrong settings, and at the start", async () => {
  const { words } = await ports();
  const file = join(folder, "authorities.pem");
  await writeFile(file, "");
  const env = { NODE_EXTRA_CA_CERTS: file };
  for (const more of [["--check"], ["--check", "--redis-noodes=a:1"], []]) {
    const { exit, output } = startWith(env, ...words, ...more);
    await eventually(() => expect(output.err + output.out).not.toBe(""), { timeoutMs: 15_000 });
    expect(output.out).toBe("");
    expect(await exit).toBe(2);
    expect(output.err.trim().split("\n").at(-1)).toContain(`NODE_EXTRA_CA_CERTS: cannot use ${file}`);
  }
}, 60_000);

test("SIGHUP cuts nobody off: it is told what it does not do", async () => {
  const { listen, words } = await ports();
  const { child, output } = start(...words);
  await eventually(() => expect(output.out).toContain("charge points are served"), { timeoutMs: 15_000 });
  const station = await connect(`ws://127.0.0.1:${String(listen)}/ocpp/CP1`);
  await eventually(() => expect(output.out).toContain('"msg":"settings"'));
  child.kill("SIGHUP");
  await eventually(() => expect(output.out).toContain("SIGHUP: auth.file is followed"));
  expect((await station.call("a", "Heartbeat")).type).toBe(3);
}, 30_000);

test("SIGTERM leaves in order: sockets get 1012, exit code 0, nothing is logged above a warning", async () => {
  const { listen, words } = await ports();
  const { child, exit, output } = start(...words);
  await eventually(() => expect(output.out).toContain("charge points are served"), { timeoutMs: 15_000 });
  const station = await connect(`ws://127.0.0.1:${String(listen)}/ocpp/CP1`);
  expect((await station.call("a", "Heartbeat")).type).toBe(3);
  child.kill("SIGTERM");
  expect((await station.ended()).code).toBe(1012);
  expect(await exit).toBe(0);
  expect(output.err).toBe("");
  expect(output.out).toContain("AUTHENTICATION IS OFF");
  expect(output.out).not.toMatch(/"level":"(error|fatal)"/);
}, 30_000);

test("a second signal ends a drain at once, with exit code 1", async () => {
  const { listen, words } = await ports();
  const backend = createServer(() => undefined); // accepts and is silent: the CALL stays in flight
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const asked = once(backend, "connection");
  const { port }: { port: number } = Object(backend.address());
  const file = join(folder, "routes.json");
  const integrations = { silent: { type: "http", url: `http://127.0.0.1:${String(port)}/` } };
  await writeFile(file, JSON.stringify({ integrations, routes: { Authorize: "silent" } }));
  const { child, exit, output } = start(...words, "--routes-file", file);
  await eventually(() => expect(output.out).toContain("charge points are served"), { timeoutMs: 15_000 });
  const station = await connect(`ws://127.0.0.1:${String(listen)}/ocpp/CP1`);
  station.send([2, "a", "Authorize", {}]);
  await asked;
  child.kill("SIGTERM");
  await eventually(() => expect(output.out).toContain('"msg":"draining"'));
  expect(station.closed).toBeUndefined();
  child.kill("SIGTERM");
  expect((await station.ended()).code).toBe(1012);
  expect(await exit).toBe(1);
  backend.close();
}, 30_000);

test("the example of ROUTES.md is a routes file without a mistake", async () => {
  const text = await readFile(new URL("../ROUTES.md", import.meta.url), "utf8");
  const example = /```json\n(.*?)```/s.exec(text)?.[1] ?? "";
  expect(readRoutes(example)).toMatchObject({ kind: "plan" });
});
