import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { expect, onTestFinished, test } from "vitest";

import { coresOf, findOwnCore } from "../src/system/own-core.ts";

test.each([
  ["0-1", [0, 1]],
  ["0", [0]],
  ["2,4-6,9", [2, 4, 5, 6, 9]],
  ["", []],
])("the kernel's list %j is read", (list, cores) => {
  expect(coresOf(list)).toEqual(cores);
});

async function sleeper(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  await once(child, "spawn");
  onTestFinished(() => void child.kill("SIGKILL"));
  return child.pid ?? 0;
}

function coresOfProcess(pid: number): string {
  return /^Cpus_allowed_list:\s+(\S+)/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

test.runIf(process.platform === "linux" && availableParallelism() > 1)(
  "who borrows the core is alone there, and goes back to the others when the next one does",
  async () => {
    const core = await findOwnCore();
    const [one, two] = [await sleeper(), await sleeper()];
    await core.clear([one, two]);
    const others = coresOfProcess(one);
    expect(coresOfProcess(two)).toBe(others);
    await core.lend([one]);
    const own = coresOfProcess(one);
    expect(coresOf(own)).toHaveLength(1);
    expect(coresOf(others)).not.toContain(coresOf(own)[0]);
    await core.lend([two]);
    expect([coresOfProcess(one), coresOfProcess(two)]).toEqual([others, own]);
  },
);
