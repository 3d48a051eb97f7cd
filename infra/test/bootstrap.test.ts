// The scripts that run before anything is installed: what they tell a person, and how `npm test` counts.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

import { describe, expect, test, vi } from "vitest";

import { temporaryFolder } from "./support/machine.ts";

type Sum = { passed: number; failed: number; skipped: number; failures: string[] };
type Scripts = {
  benchSum: (code: number) => Sum;
  installationAdvice: (output: string) => string;
  packageFolders: () => string[];
  requireSockets: (node: string) => Promise<void>;
  sumOf: (folder: string, text: string | undefined, root: string) => Sum;
  total: (sums: readonly Sum[]) => { line: string; good: boolean };
};

const scriptAt = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const load = async (name: string): Promise<Partial<Scripts>> =>
  (await import(scriptAt(name))) as Partial<Scripts>;
const { benchSum, installationAdvice, packageFolders, requireSockets, sumOf, total } = {
  ...(await load("workspace.mjs")),
  ...(await load("test-sum.mjs")),
} as Scripts;

function bootstrap(args: readonly string[], env = process.env): Promise<{ code: unknown; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [scriptAt("bootstrap.mjs"), ...args], { env }, (error, _, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    );
  });
}

/**
 * The command of a Node that is left behind: says so when it is told to end, and until then every second that it still runs
 * (with nobody left to hear that, it fails and is gone: no failed test leaves it).
 */
function leftNode(): string {
  return nodeWith(`
    import { endWithNpm } from ${JSON.stringify(scriptAt("workspace.mjs"))};
    endWithNpm();
    process.on("SIGTERM", () => { console.log("told to end"); process.exit(); });
    setInterval(() => console.log("still"), 1000);
    console.log("runs");`);
}

/** The command of an npm that runs a line as the script `start`: says its process id, and does not end before the line does. */
function npmNode(line: string): string {
  return nodeWith(`
    import { spawn } from "node:child_process";
    console.log("npm " + process.pid);
    const env = { ...process.env, npm_lifecycle_event: "start" };
    spawn("sh", ["-c", ${JSON.stringify(line)}], { env, stdio: "inherit" });`);
}

function nodeWith(script: string): string {
  const file = join(temporaryFolder(), "script.mjs");
  writeFileSync(file, script);
  return `${process.execPath} ${file}`;
}

function textOf(stream: Readable): () => string {
  let text = "";
  stream.on("data", (bytes) => (text += String(bytes)));
  return () => text;
}

describe("bootstrap.mjs", () => {
  test.each([[[]], [["stop"]]])("%j is refused with what can be said", async (args) => {
    const { code, stderr } = await bootstrap(args);
    expect(code).toBe(2);
    expect(stderr).toBe(
      "usage: node infra/bootstrap.mjs start|verify|bench|ship [arguments] (that is: npm start, npm test, npm run bench, npm run ship)\n",
    );
  });

  test.each([
    [" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install", "pnpm-lock.yaml does not fit"],
    ["npm error code ENOTFOUND", "registry could not be reached"],
    [" ERR_PNPM_META_FETCH_FAIL  GET https://…", "registry could not be reached"],
    ["request failed, reason: connect ECONNREFUSED 127.0.0.1:9", "registry could not be reached"],
    ["ENOSPC: no space left on device", "disk is full"],
    ["EACCES: permission denied, mkdir", "No permission to write"],
    ["something new", "The installation failed."],
  ])("an installation that ended with %j says in one line what to do", (output, advice) => {
    expect(installationAdvice(output)).toContain(advice);
    expect(installationAdvice(output)).not.toContain("\n");
  });

  test("a Node for which there is no uWebSockets.js is told of at the installation, and what to do", async () => {
    await expect(requireSockets(process.execPath)).resolves.toBeUndefined();
    const other = join(temporaryFolder(), "node");
    writeFileSync(other, "#!/bin/sh\necho Cannot find module @uwsjs/other-22 >&2; exit 1\n", { mode: 0o755 });
    await expect(requireSockets(other)).rejects.toThrow(
      /^uWebSockets\.js does not load here \(\w+ on \w+\)\. .* see README\.md, Swapping uWebSockets\.js\.\n[^]*Cannot find module/u,
    );
  });

  test("the lockfile has the tools for every machine: pnpm leaves out without a word what the registry had not", () => {
    const lockfile = readFileSync(scriptAt("../pnpm-lock.yaml"), "utf8");
    const tools = ["oxlint", "oxlint-tsgolint", "turbo", "typescript"].flatMap((name) => {
      const manifest = readFileSync(scriptAt(`../node_modules/${name}/package.json`), "utf8");
      return Object.entries((JSON.parse(manifest) as { optionalDependencies: object }).optionalDependencies);
    });
    expect(tools.length).toBeGreaterThan(20);
    expect(tools.filter(([name, version]) => !lockfile.includes(`'${name}@${String(version)}'`))).toEqual([]);
  });

  test("the machines for which the lockfile has uWebSockets.js are those that README.md and the installation name", () => {
    const lockfile = readFileSync(scriptAt("../pnpm-lock.yaml"), "utf8");
    const machines = [...lockfile.matchAll(/^ {2}'@uwsjs\/(\w+-\w+)-22@/gmu)].map(([, machine]) => machine);
    expect(new Set(machines)).toEqual(new Set(["linux-x64"]));
  });

  const onLinux = test.runIf(process.platform === "linux");
  const between: [string, (node: string) => string][] = [
    ["npm's shell", (node) => `${node}; true`],
    ["npm's shell and pnpm's shim of node", (node) => `sh -c '${node}; true'; true`],
  ];

  onLinux.each(between)("what %s left behind ends by itself", async (_, line) => {
    const shell = spawn("sh", ["-c", line(leftNode())], {
      env: { ...process.env, npm_lifecycle_event: "start" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = textOf(shell.stdout);
    await vi.waitFor(() => expect(said()).toContain("runs\n"), { timeout: 10_000 });
    shell.kill("SIGTERM");
    await once(shell.stdout, "close"); // the last of them has ended
    expect(said()).toMatch(/\ntold to end\n$/u);
  });

  onLinux.each([...between, ["no shell", (node: string) => `exec ${node}`] as const])(
    "what a killed npm left behind %s ends by itself, and not with the one who started npm",
    async (_, line) => {
      const terminal = spawn("sh", ["-c", `${npmNode(line(leftNode()))}; true`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const said = textOf(terminal.stdout);
      await vi.waitFor(() => expect(said()).toContain("runs\n"), { timeout: 10_000 });
      terminal.kill("SIGKILL");
      await once(terminal, "exit");
      const atItsEnd = said();
      await vi.waitFor(() => expect(said()).toContain(`${atItsEnd}still\nstill\n`), { timeout: 10_000 });
      process.kill(Number(/^npm (\d+)$/mu.exec(said())?.[1]), "SIGKILL");
      await once(terminal.stdout, "close"); // the last of them has ended
      expect(said()).toMatch(/\ntold to end\n$/u);
    },
  );

  test("every package of the workspace is known, so none is left out of the sum", () => {
    expect(packageFolders()).toEqual(expect.arrayContaining(["infra", "packages/edge", "packages/testkit"]));
  });
});

/** A vitest report of one file with these test states. */
function reportOf(states: readonly string[], file: object = { status: "passed" }, success = true): string {
  const assertionResults = states.map((status, index) => ({ status, fullName: `test ${index}` }));
  return JSON.stringify({ success, testResults: [{ name: "/root/p/a.test.ts", assertionResults, ...file }] });
}

describe("the sum of all tests", () => {
  const sum = (text: string | undefined): Sum => sumOf("p", text, "/root");

  test("all passed is good", () => {
    const sums = [sum(reportOf(["passed", "passed"])), sum(reportOf(["passed"]))];
    expect(total(sums)).toMatchObject({ line: "3 passed, 0 failed", good: true });
  });

  test.each([
    ["a failed test", reportOf(["passed", "failed"]), "1 passed, 1 failed", "failed: p/a.test.ts > test 1"],
    [
      "a skipped test",
      reportOf(["passed", "pending"]),
      "1 passed, 0 failed, 1 skipped",
      "pending: p/a.test.ts > test 1",
    ],
    ["a todo", reportOf(["passed", "todo"]), "1 passed, 0 failed, 1 skipped", "todo: p/a.test.ts > test 1"],
    [
      "a file that does not load",
      reportOf([], { status: "failed", message: "no x\nat" }),
      "0 passed, 1 failed",
      "failed: p/a.test.ts: no x",
    ],
    [
      "an error outside of tests",
      reportOf(["passed"], {}, false),
      "1 passed, 1 failed",
      "failed outside of any test",
    ],
    ["a package without a report", undefined, "0 passed, 1 failed", "its tests did not run"],
    ["a report cut off", '{"success":tr', "0 passed, 1 failed", "its tests did not run"],
  ])("%s is not good, and is named", (_, text, line, failure) => {
    const one = sum(text);
    expect(total([one])).toMatchObject({ line, good: false });
    expect(one.failures).toEqual([expect.stringContaining(failure)]);
  });

  test.each([
    [1, "a wrong result"],
    [2, "it could not run"],
    [134, "it could not run"],
  ])("a bench that ended with %i is one failure, and says of which kind", (code, why) => {
    const one = benchSum(code);
    expect(total([sum(reportOf(["passed"])), one])).toMatchObject({
      line: "1 passed, 1 failed",
      good: false,
    });
    expect(one.failures).toEqual([expect.stringContaining(why)]);
  });

  test("a bench that found everything right counts as one", () => {
    expect(total([benchSum(0)])).toMatchObject({ line: "1 passed, 0 failed", good: true });
  });

  test("no test at all is not good", () => {
    expect(total([sum(reportOf([]))])).toMatchObject({ line: "0 passed, 0 failed", good: false });
    expect(total([])).toMatchObject({ good: false });
  });
});
