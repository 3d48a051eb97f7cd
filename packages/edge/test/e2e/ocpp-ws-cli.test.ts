// The conformance checks of ocpp-ws-cli against the shipped edge. Its exit code is 0 whatever failed, so its report is read.
// The checks that fail stand in packages/ocpp/README.md with the paragraph that contradicts them; any other failure fails here.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startProcess, uniquePrefix } from "@cpg/testkit";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startStack, type Stack } from "./support/stack.ts";

const cli = join(
  dirname(createRequire(import.meta.url).resolve("ocpp-ws-cli/package.json")),
  "dist",
  "index.js",
);

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    edges: 1,
    redisNodes: inject("redisNodes"),
    keyPrefix: uniquePrefix(),
    routes: { integrations: { demo: { type: "local", handler: "demo" } }, routes: { $default: "demo" } },
  });
}, 60_000);
afterAll(() => stack?.stop());

it.each([
  ["ocpp1.6", ["Server enforces MessageId is a string", "Server rejects non-object payload in CALL"]],
  ["ocpp2.0.1", ["Server enforces MessageId is a string"]],
])(
  "passes ocpp-ws-cli's checks under %s, but for those that contradict the specification",
  async (protocol, contradicting) => {
    const folder = await mkdtemp(join(tmpdir(), "cpg-cli-"));
    const endpoint = stack.edges[0]?.endpoint ?? "";
    const run = await startProcess({
      command: process.execPath,
      args: [
        cli,
        "test",
        `--endpoint=${endpoint}`,
        "--identity=CP001",
        `--protocol=${protocol}`,
        "--suite=all",
        "--report=json",
        `--report-dir=${folder}`,
      ],
    });
    await run.exited;
    const checks = await readReport(folder);
    expect(checks.length, run.stdout()).toBe(21);
    const failed = checks.filter((check) => !check.passed).map((check) => check.name);
    expect(new Set(failed)).toEqual(new Set(contradicting));
    expect(stack.edges[0]?.process.lines().filter((line) => line.includes("unhandled"))).toEqual([]);
  },
  120_000,
);

interface Check {
  readonly name: string;
  readonly passed: boolean;
}

/** Reads the one report in a folder, and removes both. */
async function readReport(folder: string): Promise<readonly Check[]> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  if (!file) throw new Error("ocpp-ws-cli wrote no report");
  const report = JSON.parse(await readFile(join(folder, file), "utf8")) as { testResults: Check[] };
  await rm(folder, { recursive: true });
  return report.testResults;
}
