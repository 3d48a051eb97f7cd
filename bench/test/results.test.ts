// The built bench as a process, against real edges: what happens when something is lost, when there is nothing to measure, when it is ended.
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually, startProcess, type TestProcess } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

let folder = "";
/** The bench's own temporary folder, to see what it leaves there. */
let temporary = "";
let bench: TestProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-bench-test-"));
  temporary = join(folder, "tmp");
  await mkdir(temporary);
});

afterEach(async () => {
  await bench?.kill("SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

async function start(
  args: readonly string[],
  {
    before = [process.execPath],
    env = {},
  }: { readonly before?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<TestProcess> {
  const [command = "", ...words] = before;
  bench = await startProcess({
    command,
    args: [...words, main, ...args, "--out", join(folder, "out")],
    env: { TMPDIR: temporary, ...env },
  });
  return bench;
}

/** Node that starts each edge with one argument more: the bench gives edges nothing from its environment. */
function nodeWithEdges(argument: string): string[] {
  const patch = `
    import childProcess from "node:child_process";
    import { syncBuiltinESMExports } from "node:module";
    const { spawn } = childProcess;
    const isEdge = (args) => args.some((each) => each.endsWith("packages/edge/dist/main.js"));
    childProcess.spawn = (command, args, options) =>
      spawn(command, isEdge(args) ? [...args, ${JSON.stringify(argument)}] : args, options);
    syncBuiltinESMExports();`;
  return [process.execPath, "--import", `data:text/javascript,${encodeURIComponent(patch)}`];
}

/** The first edge that a bench has started. */
function firstEdge(running: TestProcess): Promise<{ readonly pid: number }> {
  return eventually(
    () => {
      const [found] = edgesOf(running);
      if (found === undefined) throw new Error("no edge yet");
      return found;
    },
    { timeoutMs: 30_000 },
  );
}

/** The edges that a bench has started, as the kernel sees them. */
function edgesOf(running: TestProcess): { readonly pid: number; readonly args: readonly string[] }[] {
  return childrenOf(running, "packages/edge/dist/main.js");
}

/** The children of a bench that run this program. */
function childrenOf(
  { pid }: TestProcess,
  program: string,
): { readonly pid: number; readonly args: readonly string[] }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .flatMap((name) => {
      const args = textOf(`/proc/${name}/cmdline`).split("\0");
      const stat = textOf(`/proc/${name}/stat`);
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const isIt = args.some((each) => each.endsWith(program));
      return isIt && parent === pid ? [{ pid: Number(name), args }] : [];
    });
}

/** Closes a charge point's connection through the API of each of these edges; which of them had one. */
function close(station: string, edges: ReturnType<typeof edgesOf>): Promise<boolean[]> {
  const one = async ({ args }: { readonly args: readonly string[] }): Promise<boolean> => {
    const port = args.find((each) => each.startsWith("--management-port="))?.split("=")[1];
    const url = `http://127.0.0.1:${port}/v1/charge-points/${station}/connection`;
    return (await fetch(url, { method: "DELETE" })).ok;
  };
  return Promise.all(edges.map(one));
}

function wrongOf(running: TestProcess): string[] {
  return running.lines().filter((line) => line.startsWith("WRONG: "));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

describe("a wrong result", () => {
  it("fails the run: one lost station of sixty is exit code 1 and a line that says so", async () => {
    const running = await start(["staged", "--stations", "60", "--hold", "1", "--limit", "3"]);
    // Said when a stage is over: three are still to come. A station that is lost in one is missing in those behind it too.
    await eventually(() => expect(running.stderr()).toContain("unthrottled: 4 of 4 connected"), {
      timeoutMs: 60_000,
    });
    expect(await close("CP3", edgesOf(running))).toEqual([true]);
    const { code } = await running.exited;
    expect(wrongOf(running)).toContainEqual(
      expect.stringMatching(/unthrottled, \d+ stations: 1 lost or unanswered/u),
    );
    expect(code).toBe(1);
  }, 120_000);
});

describe("a station that is lost while messages are measured fails the run", () => {
  it("messages: in a warm-up, in another's turn, of each edge", async () => {
    const sizes = ["--stations", "20", "--rounds", "1", "--warm-up", "1", "--seconds", "0.5", "--turns", "1"];
    const rates = ["--rate", "200", "--backend-rate", "100", "--clients", "1"];
    const running = await start(["messages", ...sizes, ...rates]);
    await eventually(() => expect(running.stderr()).toContain("round 0: Heartbeat, edge, local"), {
      timeoutMs: 60_000,
    });
    expect(await close("CP3", edgesOf(running))).toEqual([true, true, true]);
    const { code } = await running.exited;
    expect(wrongOf(running).sort()).toEqual([
      expect.stringMatching(/edge, http, MeterValues: stations lost: 1 × close \d+$/u),
      expect.stringMatching(/edge, local, MeterValues: stations lost: 1 × close \d+$/u),
      expect.stringMatching(/edge, stream, MeterValues: stations lost: 1 × close \d+$/u),
    ]);
    expect(code).toBe(1);
  }, 120_000);

  it("telemetry: behind the last stretch, and one that only fills the edge", async () => {
    const sizes = ["--stations", "20", "--scraped-stations", "40", "--rounds", "1", "--seconds", "0.5"];
    const running = await start([
      "telemetry",
      ...sizes,
      "--interval",
      "0.3",
      "--scrapes",
      "5", // a second each
      "--clients",
      "1",
    ]);
    // Who is lost before is missing where the full edge is looked at, too.
    await eventually(() => expect(running.stderr()).toContain("40 stations on edge as shipped"), {
      timeoutMs: 60_000,
    });
    for (const station of ["MORE3", "CP3"]) expect(await close(station, edgesOf(running))).toEqual([true]);
    const { code } = await running.exited;
    expect(wrongOf(running).sort()).toEqual([
      expect.stringMatching(/edge as shipped: stations lost: 1 × close \d+$/u),
      expect.stringMatching(/edge as shipped: stations lost: 1 × close \d+$/u),
    ]);
    expect(code).toBe(1);
  }, 120_000);
});

describe("a station that was lost fails the run although it came back", () => {
  it.each([
    [
      "storm",
      ["--stations", "300"],
      /(?:cold: stations lost: \d+ × close \d+|lost with their edge, which had \d+)$/u,
    ],
    ["faults", ["--stations", "300"], /no fault(?:, before it)?: stations lost: \d+ × close \d+$/u],
    [
      "density",
      ["--stations", "30", "--hold", "1", "--clients", "1"],
      /10 stations: stations lost: \d+ × close \d+$/u,
    ],
  ])(
    "%s",
    async (name, args, line) => {
      const running = await start([name, ...args]);
      const closed = async (): Promise<boolean> => (await close("CP3", edgesOf(running))).includes(true);
      await eventually(async () => expect(await closed()).toBe(true), { timeoutMs: 60_000 });
      const { code } = await running.exited;
      expect(wrongOf(running)).toContainEqual(expect.stringMatching(line));
      expect(code).toBe(1);
    },
    120_000,
  );
});

describe("a storm that fails", () => {
  it("is reported like any other: what was wrong, the files, exit code 1", async () => {
    // Both storms are over before the generators have given up connecting.
    const running = await start(["storm", "--stations", "300", "--limit", "5"], {
      before: nodeWithEdges("--listen-max-connections=100"),
    });
    const { code } = await running.exited;
    expect(wrongOf(running)).toContainEqual(expect.stringMatching(/cold: \d+ stations not connected$/u));
    expect(readdirSync(join(folder, "out"))).toHaveLength(2);
    expect(running.stderr()).not.toContain("    at ");
    expect(readdirSync(temporary)).toEqual([]);
    expect(code).toBe(1);
  }, 120_000);
});

describe("a profile", () => {
  it("of pool's edge is written too", async () => {
    const profile = join(folder, "profile");
    const sizes = ["--stations", "20", "--most-delay", "0", "--clients", "1"];
    const running = await start(["pool", ...sizes, "--profile", profile]);
    const { code } = await running.exited;
    expect(readdirSync(profile)).toEqual([expect.stringMatching(/\.cpuprofile$/u)]);
    expect(code).toBe(0);
  }, 60_000);
});

describe("the caller's environment", () => {
  it("changes no setting of what is measured, and what is kept from it is named", async () => {
    const env = { CPG_LISTEN_MAX_CONNECTIONS: "1", NODE_OPTIONS: "--max-old-space-size=3000" };
    const running = await start(["staged", "--stations", "60", "--hold", "1"], { env });
    await eventually(() => expect(childrenOf(running, "load/generator.js")).toHaveLength(2), {
      timeoutMs: 30_000,
    });
    for (const { pid } of [...edgesOf(running), ...childrenOf(running, "load/generator.js")]) {
      const variables = textOf(`/proc/${pid}/environ`).split("\0");
      expect(variables).toContain(`TMPDIR=${temporary}`);
      expect(variables.filter((each) => /^(?:CPG_|NODE_OPTIONS=)/u.test(each))).toEqual([]);
    }
    expect(edgesOf(running)).toHaveLength(1);
    expect(running.lines()[0]).toMatch(/: CPG_LISTEN_MAX_CONNECTIONS, NODE_OPTIONS$/u);
  }, 60_000);
});

describe("what cannot be measured ends with exit code 2 and one line", () => {
  it("a gateway that dies while it starts", async () => {
    const running = await start(["staged", "--stations", "60"]);
    process.kill((await firstEdge(running)).pid, "SIGKILL");
    const { code } = await running.exited;
    expect(running.lines().at(-1)).toMatch(/^the gateway is dead: edge-0 ended: /u);
    expect(running.stderr()).not.toContain("    at ");
    expect(code).toBe(2);
  }, 60_000);

  it("a load generator that is killed, as the kernel does when memory runs out", async () => {
    const running = await start(["staged", "--stations", "60", "--hold", "1"]);
    await eventually(() => expect(running.stderr()).toContain("4 of 4 connected"), { timeoutMs: 60_000 });
    const [generator] = childrenOf(running, "load/generator.js");
    if (generator === undefined) throw new Error("no generator");
    process.kill(generator.pid, "SIGKILL");
    const { code } = await running.exited;
    expect(running.lines().at(-1)).toMatch(/^the bench's own process generator was ended by SIGKILL: /u);
    expect(running.stderr()).not.toContain("    at ");
    expect(readdirSync(temporary)).toEqual([]);
    expect(code).toBe(2);
  }, 90_000);

  it.each([
    [["storm", "--stations", "0"], "--stations must be a whole number from 1"],
    [["density", "--stations", "999999"], "999999 stations need more than"],
    [["storms"], "no scenario is called"],
  ])("%j", async (args, line) => {
    const running = await start(args);
    const { code } = await running.exited;
    expect(running.lines()).toEqual([expect.stringContaining(line)]);
    expect(code).toBe(2);
  });
});

describe("a disk that is full by the end", () => {
  it("costs the files and no figure: all that was found is printed, then one line and exit code 2", async () => {
    const small = ["sh", "-c", 'ulimit -f 1; exec "$0" "$@"', process.execPath];
    const running = await start(["doctor"], { before: small });
    const { code } = await running.exited;
    expect(running.stdout()).toContain("net.core.somaxconn");
    expect(running.lines().at(-1)).toMatch(/^the results could not be written: EFBIG/u);
    expect(running.stderr()).not.toContain("    at ");
    expect(readdirSync(join(folder, "out"))).toEqual([]);
    expect(code).toBe(2);
  });
});

describe("a run that is ended from outside", () => {
  it.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "%s leaves no folder and no edge",
    async (signal, expected) => {
      const running = await start(["storm", "--stations", "10"]);
      const { pid } = await firstEdge(running);
      expect(readdirSync(temporary)).toHaveLength(1);
      const { code } = await running.kill(signal);
      expect(readdirSync(temporary)).toEqual([]);
      await eventually(() => expect(textOf(`/proc/${pid}/cmdline`)).toBe(""));
      expect(code).toBe(expected);
    },
    60_000,
  );
});
