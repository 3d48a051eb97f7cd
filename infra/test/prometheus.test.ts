// Where a Prometheus comes from. The unpacking itself is proven with Redis; here: both programs must answer.
import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { findPrometheus } from "../src/prometheus.ts";
import { temporaryFolder } from "./support/machine.ts";

const run = promisify(execFile);

function programs(scripts: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const says = (name: string, version: string): string => `echo "${name}, version ${version} (branch: x)"`;

describe("findPrometheus", () => {
  test("takes prometheus and promtool from PATH if both run", async () => {
    const path = programs({
      prometheus: says("prometheus", "3.1.0"),
      promtool: says("promtool", "3.1.0"),
    });
    expect(await findPrometheus({ path })).toEqual({
      kind: "found",
      prometheus: {
        origin: "path",
        command: join(path, "prometheus"),
        promtool: join(path, "promtool"),
        env: {},
        version: "3.1.0",
      },
    });
  });

  test.each([
    ["there is no promtool beside it", { prometheus: says("prometheus", "2.42.0") }],
    ["promtool does not run", { prometheus: says("prometheus", "2.42.0"), promtool: "exit 127" }],
    ["it is older than 2", { prometheus: says("prometheus", "1.8.2"), promtool: says("promtool", "1.8.2") }],
  ])("passes over the one on PATH where %s: rules would be checked by something else", async (_, scripts) => {
    const path = programs(scripts);
    expect(await findPrometheus({ path })).not.toMatchObject({ prometheus: { origin: "path" } });
  });

  test("what it finds on this machine runs, promtool too", async () => {
    const search = await findPrometheus();
    if (search.kind === "missing") throw new Error(`${search.advice} (${search.reason})`);
    const { command, promtool, version } = search.prometheus;
    const env = { ...process.env, ...search.prometheus.env };
    for (const program of [command, promtool]) {
      const { stdout } = await run(program, ["--version"], { env });
      expect(stdout).toContain(`version ${version}`);
    }
  });
});
