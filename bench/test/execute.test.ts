import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { execute } from "../src/execute.ts";
import { BenchError, type Scenario } from "../src/scenario.ts";

let folder = "";
let runs = 0;
let nodeArguments: readonly string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-bench-test-"));
  runs = 0;
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const scenario: Scenario = {
  name: "example",
  title: "An example",
  parameters: [],
  run(surroundings) {
    runs += 1;
    nodeArguments = surroundings.nodeArguments;
    return Promise.resolve({ figures: [], tables: [], plots: [], wrong: [], warnings: [] });
  },
};

async function run(options: {
  readonly out?: string;
  readonly profile?: string;
}): Promise<{ readonly files: readonly string[] }> {
  const { out = join(folder, "out"), profile } = options;
  const { keep } = await execute(scenario, {}, { out, profile }, () => undefined);
  return { files: keep() };
}

describe("what is kept", () => {
  it("is never overwritten: six runs within a second are twelve files", async () => {
    const files: string[] = [];
    for (let n = 0; n < 6; n++) files.push(...(await run({})).files);
    expect(new Set(files).size).toBe(12);
    expect(readdirSync(join(folder, "out")).sort()).toEqual(files.map((file) => basename(file)).sort());
    for (const file of files)
      expect(file.replace(/(?:json|html)$/u, "")).toMatch(/example-[\d-]+T\d{6}(?:-\d)?\.$/u);
  });

  it("is told from what was run: a folder that cannot be written to any more is one line, and costs no figure", async () => {
    const out = join(folder, "out");
    const { run: found, keep } = await execute(scenario, {}, { out, profile: undefined }, () => undefined);
    await rm(out, { recursive: true });
    expect(found.scenario).toBe("example");
    expect(keep).toThrow(BenchError);
    expect(keep).toThrow(/^the results could not be written: ENOENT[^\n]*$/u);
  });
});

describe("the folders of a run", () => {
  it("are made, with what is missing above them", async () => {
    const { files } = await run({ out: join(folder, "a/b"), profile: join(folder, "c/d") });
    expect(files.map((file) => readFileSync(file, "utf8").includes("An example"))).toEqual([true, true]);
    expect(readdirSync(join(folder, "a/b"))).toHaveLength(2);
    expect(readdirSync(join(folder, "c/d"))).toEqual([]);
    expect(nodeArguments).toEqual(["--cpu-prof", `--cpu-prof-dir=${join(folder, "c/d")}`]);
  });

  // `/proc/nope`: mkdir with `recursive` would go round for ever there.
  it.each(["/dev/null/x", "/proc/nope", "/proc/nope/deeper", "/proc"])(
    "%s is refused in one line before anything is measured",
    async (path) => {
      for (const option of ["out", "profile"] as const) {
        const error: unknown = await run({ [option]: path }).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(BenchError);
        expect((error as Error).message).toMatch(
          new RegExp(`^--${option} must be a folder to write into, not "${path}": .+$`, "u"),
        );
      }
      expect(runs).toBe(0);
    },
  );

  it("of a profile is named in what is kept", async () => {
    const profile = join(folder, "profile");
    const { files } = await run({ profile });
    for (const file of files) expect(readFileSync(file, "utf8")).toContain(`--profile ${profile}`);
  });

  it("a file is none", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(run({ out: join(folder, "file") })).rejects.toThrow(BenchError);
    expect(runs).toBe(0);
  });
});
