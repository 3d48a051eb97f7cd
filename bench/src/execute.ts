// Runs one scenario and keeps what it found: a JSON file, a page, and a text for the terminal. I/O: files.
//
// K1. Where it is kept is known to be writable before anything is measured: a run of minutes is not lost for a folder.

import { writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { RunOptions } from "./cli.ts";
import { runHtml } from "./report/html.ts";
import type { Run } from "./report/model.ts";
import { valueOf, type Scenario, type Values } from "./scenario.ts";
import { nowMs } from "./time.ts";
import { makeWritableFolder } from "./writable-folder.ts";

/** Where results go unless told otherwise. Not under version control. */
const defaultOut = fileURLToPath(new URL("../.cache/results", import.meta.url));

/** Runs and writes; gives the run and where it was written. Errors: BenchError for a folder (K1), the scenario's. */
export async function execute(
  scenario: Scenario,
  values: Values,
  options: RunOptions,
  say: (line: string) => void,
): Promise<{ readonly run: Run; readonly files: readonly string[] }> {
  const out = makeWritableFolder("--out", options.out ?? defaultOut); // K1
  const nodeArguments =
    options.profile === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${makeWritableFolder("--profile", options.profile)}`];
  const [date, startedMs] = [new Date(), nowMs()];
  const report = await scenario.run({ values, say, nodeArguments });
  const run: Run = {
    scenario: scenario.name,
    title: scenario.title,
    command: commandOf(scenario, values, options),
    date: date.toISOString(),
    seconds: (nowMs() - startedMs) / 1000,
    values,
    machine: machine(),
    report,
  };
  return { run, files: write(run, out) };
}

/** The command line that makes the same run: what differs from the defaults, and `--profile`, which costs the edges CPU. */
export function commandOf(
  { name, parameters }: Pick<Scenario, "name" | "parameters">,
  values: Values,
  { profile }: Pick<RunOptions, "profile">,
): string {
  const given = parameters
    .filter((parameter) => valueOf(values, parameter.name) !== parameter.default)
    .map((parameter) => ` --${parameter.name} ${valueOf(values, parameter.name)}`);
  const profiled = profile === undefined ? "" : ` --profile ${wordOf(profile)}`;
  return `pnpm bench ${name}${given.join("")}${profiled}`;
}

/** As a shell reads it. */
function wordOf(text: string): string {
  return /^[\w./-]+$/u.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function write(run: Run, folder: string): string[] {
  const base = join(folder, `${run.scenario}-${run.date.slice(0, 19).replaceAll(":", "")}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(run, undefined, 2)}\n`);
  writeFileSync(`${base}.html`, runHtml(run));
  return [`${base}.json`, `${base}.html`];
}

function machine(): Record<string, string> {
  const processors = cpus();
  return {
    cores: String(processors.length),
    processor: processors[0]?.model ?? "unknown",
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `${process.platform} ${release()} ${arch()}`,
    node: process.version,
  };
}
