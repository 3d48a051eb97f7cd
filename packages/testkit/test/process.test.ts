// Programs under test: readiness, output, end.
import { describe, expect, onTestFinished, test } from "vitest";

import { eventually, type ProcessOptions, startProcess, type TestProcess } from "../src/index.ts";

function script(code: string): Pick<ProcessOptions, "command" | "args"> {
  return { command: process.execPath, args: ["-e", code] };
}

async function start(options: ProcessOptions): Promise<TestProcess> {
  const started = await startProcess(options);
  onTestFinished(async () => void (await started.kill("SIGKILL")));
  return started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const stays = "setInterval(() => {}, 1000);";

describe("startProcess", () => {
  test("waits for the line that says ready, on either output", async () => {
    const started = await start({
      ...script(`setTimeout(() => console.error("listening on 9000"), 50); ${stays}`),
      readyLine: /listening on \d+/u,
    });
    expect(started.stderr()).toBe("listening on 9000\n");
    expect(started.stdout()).toBe("");
    expect(isAlive(started.pid)).toBe(true);
  });

  test("passes arguments and environment, and takes a variable away", async () => {
    process.env["TESTKIT_UNWANTED"] = "1";
    onTestFinished(() => void delete process.env["TESTKIT_UNWANTED"]);
    const code = `console.log(process.argv[1], process.env.TESTKIT_WANTED, process.env.TESTKIT_UNWANTED)`;
    const env = { TESTKIT_WANTED: "yes", TESTKIT_UNWANTED: undefined };
    const started = await start({ command: process.execPath, args: ["-e", code, "first"], env });
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(started.stdout()).toBe("first yes undefined\n");
  });

  test("a program that ends before it is ready fails at once, with what it printed", async () => {
    const attempt = startProcess({
      ...script(`console.error("no such file"); process.exit(3)`),
      readyLine: "ready",
    });
    await expect(attempt).rejects.toThrow(/ended before it was ready; it printed:\nno such file/u);
  });

  test("a program that stays silent fails after its time, and does not run on", async () => {
    const code = `console.log(process.pid); ${stays}`;
    const attempt = startProcess({ ...script(code), readyLine: "ready", readyTimeoutMs: 300 });
    const error: unknown = await attempt.catch((caught: unknown) => caught);
    expect(String(error)).toContain("was not ready within 300 ms");
    const pid = Number(/\n(\d+)$/u.exec(String(error))?.[1]);
    expect(pid).toBeGreaterThan(1);
    expect(isAlive(pid)).toBe(false);
  });

  test("a command that does not exist is an error", async () => {
    await expect(startProcess({ command: "/nowhere/program", readyLine: "ready" })).rejects.toThrow();
  });

  test("kill gives how it ended; a signal after the end goes nowhere", async () => {
    const started = await start({ ...script(`console.log("up"); ${stays}`), readyLine: "up" });
    expect(await started.kill("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    expect(started.signal("SIGTERM")).toBe(false);
    expect(isAlive(started.pid)).toBe(false);
  });

  test("a program may handle its signal and choose its exit code", async () => {
    const code = `process.on("SIGTERM", () => { console.log("draining"); process.exit(7); }); console.log("up"); ${stays}`;
    const started = await start({ ...script(code), readyLine: "up" });
    expect(await started.kill()).toEqual({ code: 7, signal: null });
    expect(started.lines()).toEqual(["up", "draining"]);
  });

  test.runIf(process.platform === "linux")("a child does not outlive a parent that was killed", async () => {
    const module = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);
    const code = `import(${module}).then(async (kit) => {
      const child = await kit.startProcess({ command: process.execPath, args: ["-e", ${JSON.stringify(stays)}] });
      console.log("child", child.pid);
    }); ${stays}`;
    const parent = await start({ ...script(code), readyLine: "child" });
    const pid = Number(/child (\d+)/u.exec(parent.stdout())?.[1]);
    expect(isAlive(pid)).toBe(true);
    await parent.kill("SIGKILL");
    await eventually(async () => expect(await isGone(pid)).toBe(true));
  });
});

/** Also true of a process that has ended and is only not reaped (a container without an init leaves such). */
async function isGone(pid: number): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return /\) Z/u.test(stat);
}
