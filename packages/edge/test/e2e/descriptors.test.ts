// Edges with few descriptors: one that is full, and one whose whole fleet comes back on new sockets while the old ones are half-open.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { eventually, freePort } from "@cpg/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { connectRaw, type RawStation } from "./support/raw-station.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

let child: ChildProcess | undefined;
let output: { out: string; err: string };
const open: RawStation[] = [];
afterEach(() => {
  child?.kill("SIGKILL");
  for (const station of open.splice(0)) station.destroy();
});

/** Runs an edge that may open so many; without a number as many as we. */
function run(descriptors: number | undefined, words: readonly string[]): ChildProcess {
  const limited = `${descriptors === undefined ? "" : `ulimit -n ${descriptors}; `}exec "$0" "$@"`;
  const all = ["--registry-kind=memory", "--auth-mode=none", "--edge-environment=development", ...words];
  child = spawn("sh", ["-c", limited, process.execPath, main, ...all], { env: {} });
  const texts = (output = { out: "", err: "" });
  child.stdout?.on("data", (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (texts.err += chunk.toString()));
  return child;
}

interface Ports {
  readonly listen: number;
  readonly management: number;
  readonly metrics: number;
}

async function freePorts(): Promise<Ports & { readonly words: readonly string[] }> {
  const ports = { listen: await freePort(), management: await freePort(), metrics: await freePort() };
  const words = Object.entries(ports).map(([name, port]) => `--${name}-port=${String(port)}`);
  return { ...ports, words: ["--listen-host=127.0.0.1", ...words] };
}

/** Asks over a new connection, as a probe does. */
async function ask(port: number, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const patience = { signal: AbortSignal.timeout(5_000), headers: { Connection: "close" } };
  const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, patience);
  return { status: response.status, text: await response.text() };
}

async function untilReady({ management }: Ports): Promise<void> {
  const status = async () => (await ask(management, "/readyz")).status;
  await eventually(async () => expect(await status()).toBe(200), { timeoutMs: 20_000 });
}

async function come(port: number, name: string, staysHalfOpen = false): Promise<number> {
  const coming = connectRaw({ port, path: `/ocpp/${name}`, protocol: "ocpp1.6", staysHalfOpen });
  const station = await Promise.race([coming, rejection(AbortSignal.timeout(5_000))]);
  open.push(station);
  return station.status;
}

describe.skipIf(process.platform !== "linux")("an edge with too few for listen.maxConnections", () => {
  const descriptors = 800;
  const fitting = 100; // 700 stay
  const says = expect.stringMatching(
    /^listen\.maxConnections is 18000, but this process may open 800 descriptors, .* lets in 100 .* Let it open 20000 \(LimitNOFILE/,
  ) as string;

  test("is full with as many as fit: the next ones get 503, and probes and scrapes are answered", async () => {
    const ports = await freePorts();
    run(descriptors, ports.words);
    await untilReady(ports);
    const lines = output.out.split("\n").map((line) => JSON.parse(line || "{}") as Record<string, unknown>);
    expect(lines.filter(({ descriptors: named }) => named !== undefined)).toEqual([
      expect.objectContaining({ level: "warn", descriptors, maxConnections: fitting, msg: says }),
    ]);
    for (let n = 0; n < fitting; n += 1) expect(await come(ports.listen, `CP${String(n)}`)).toBe(101);
    const newcomers = Array.from({ length: 200 }, (_, n) => come(ports.listen, `LATE${String(n)}`));
    expect(new Set(await Promise.all(newcomers))).toEqual(new Set([503]));
    expect((await ask(ports.management, "/healthz")).status).toBe(200);
    const ready = await ask(ports.management, "/readyz");
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      503,
      expect.objectContaining({ sessions: fitting, maxSessions: fitting }),
    ]);
    const { text } = await ask(ports.metrics, "/metrics");
    expect(text).toMatch(/^websocket_connections_limit(\{.*\})? 100$/m);
  }, 60_000);

  test("says so to --check, which finds no mistake in the settings", async () => {
    const checking = run(descriptors, ["--check"]);
    await once(checking, "close");
    expect(checking.exitCode).toBe(0);
    expect(output.out).toBe("the settings and the files they name are right\n");
    expect(output.err.split("\n")).toEqual([expect.stringMatching(/^warning: /), ""]);
    expect(output.err.replace("warning: ", "")).toEqual(says);
  }, 20_000);
});

test("a fleet that comes back while its old sockets are half-open is served, and the edge answers for itself", async () => {
  const stations = 80;
  const ports = await freePorts();
  const max = `--listen-max-connections=${String(stations + 10)}`;
  const edge = run(undefined, [...ports.words, "--no-metrics-enabled", max]);
  await untilReady(ports);
  // Enough for the process (39), its stations (80) and the sixteen ended ones of a small edge (lingering.ts, E1), and for a few newcomers; not
  // for each station twice. At the start an edge would see it and let in fewer.
  execFileSync("prlimit", [`--pid=${String(edge.pid)}`, "--nofile=150:"]);

  const comeAll = async (): Promise<void> => {
    for (let n = 0; n < stations; n += 1) expect(await come(ports.listen, `CP${String(n)}`, true)).toBe(101);
  };
  await comeAll();
  await comeAll();
  await comeAll();
  expect((await ask(ports.management, "/readyz")).status).toBe(200);
}, 60_000);

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("no answer"))));
}
