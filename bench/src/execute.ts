// Runs one scenario and keeps what it found: a JSON file, a page, and a text for the terminal. I/O: files.
//
// K1. Where it is kept is known to be writable before anything is measured: a run of minutes is not lost for a folder.
// K2. Keeping is a step of its own, so that a run is shown before: a disk that is full by then costs the files and no figure.
// K3. No file is ever overwritten, and none is left that is only half there.

import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { RunOptions } from "./cli.ts";
import { runHtml } from "./report/html.ts";
import type { Run } from "./report/model.ts";
import { BenchError, valueOf, type Scenario, type Values } from "./scenario.ts";
import { keptFromChildren } from "./system/environment.ts";
import { nowMs } from "./time.ts";
import { makeWritableFolder } from "./writable-folder.ts";

/** Where results go unless told otherwise. Not under version control. */
const defaultOut = fileURLToPath(new URL("../.cache/results", import.meta.url));

/** What was run. */
export interface Executed {
  readonly run: Run;
  /** Writes it, and gives where (K2). Errors: BenchError if that fails. */
  readonly keep: () => readonly string[];
}

/** Runs. Errors: BenchError for a folder (K1), the scenario's. */
export async function execute(
  scenario: Scenario,
  values: Values,
  options: RunOptions,
  say: (line: string) => void,
): Promise<Executed> {
  const out = makeWritableFolder("--out", options.out ?? defaultOut); // K1
  const nodeArguments =
    options.profile === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${makeWritableFolder("--profile", options.profile)}`];
  const keptVariables = keptFromChildren(process.env);
  if (keptVariables.length > 0)
    say(`kept from the edges and all else that is started: ${keptVariables.join(", ")}`);
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
  return { run, keep: () => write(run, out) };
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
  const texts = { json: `${JSON.stringify(run, undefined, 2)}\n`, html: runHtml(run) };
  for (let n = 1; ; n++) {
    const files = Object.entries(texts).map(([ending, text]) => {
      return { path: `${base}${n === 1 ? "" : `-${n}`}.${ending}`, text };
    });
    if (writeNew(files)) return files.map(({ path }) => path);
  }
}

/** False if one of them is there already: another run's, within the same second (K3). */
function writeNew(files: readonly { readonly path: string; readonly text: string }[]): boolean {
  const begun: string[] = [];
  try {
    for (const { path, text } of files) {
      closeSync(openSync(path, "wx"));
      begun.push(path);
      writeFileSync(path, text);
    }
    return true;
  } catch (error) {
    for (const path of begun) rmSync(path, { force: true }); // K3
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    throw new BenchError(`the results could not be written: ${message}`, { cause: error });
  }
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
