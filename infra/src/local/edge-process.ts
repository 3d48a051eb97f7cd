// One edge of `npm start` as a child process. I/O: processes, HTTP on loopback.
//
// E1. Its output is read to the end and shown line by line, so nothing it says is lost, its last words least of all.

import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { type Child, type ChildExit, startChild } from "../child.ts";
import { readableLogLine } from "./log-line.ts";
import type { EdgePlan } from "./plan.ts";

/** A started edge. */
export type EdgeProcess = {
  readonly plan: EdgePlan;
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  /** How it ended, undefined while it runs. */
  readonly exit: () => ChildExit | undefined;
  /** Settles when its `/readyz` says 200. Rejects when it ends before, or is not ready after `timeoutMs`; says why. */
  readonly untilReady: (timeoutMs: number, signal: AbortSignal) => Promise<void>;
  /** SIGTERM: it drains and ends. After `limitMs`, or when `hurry` fires, SIGKILL. Settles when it has ended. */
  readonly stop: (limitMs: number, hurry: AbortSignal) => Promise<ChildExit>;
};

/** Starts `main` (compiled JavaScript) as an edge on this Node. `show` gets each line of its log, readable. */
export async function startEdge(
  plan: EdgePlan,
  main: string,
  args: readonly string[],
  show: (line: string) => void,
): Promise<EdgeProcess> {
  const child = await startChild({
    command: process.execPath,
    args: [main, ...args],
    deathSignal: "SIGKILL",
  });
  showLines(child, plan.name, show);
  const closed = new Promise<void>((resolve) => child.process.once("close", () => resolve()));
  const exited = closed.then(() => child.exited); // E1
  return {
    plan,
    pid: child.pid,
    exited,
    exit: () => child.exit(),
    untilReady: (timeoutMs, signal) => untilReady(plan, child, timeoutMs, signal),
    stop: async (limitMs, hurry) => {
      const limit = AbortSignal.any([hurry, AbortSignal.timeout(limitMs)]);
      const kill = (): void => void child.signal("SIGKILL");
      limit.addEventListener("abort", kill, { once: true });
      child.signal("SIGTERM");
      if (limit.aborted) kill();
      const exit = await exited;
      limit.removeEventListener("abort", kill);
      return exit;
    },
  };
}

function showLines(child: Child, name: string, show: (line: string) => void): void {
  for (const stream of [child.process.stdout, child.process.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      if (line.trim() !== "") show(readableLogLine(name, line));
    });
  }
}

async function untilReady(
  plan: EdgePlan,
  child: Child,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = "no answer";
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    if (child.exit() !== undefined)
      throw new Error(`${plan.name} ended while starting (${exitText(child.exit())})`);
    try {
      const response = await fetch(`http://127.0.0.1:${plan.managementPort}/readyz`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(2_000)]),
      });
      last = `${response.status} ${await response.text()}`;
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await delay(50);
  }
  throw new Error(`${plan.name} is not ready after ${timeoutMs / 1000} s; /readyz says: ${last}`);
}

/** `exit code 1` or `signal SIGKILL`. */
export function exitText(exit: ChildExit | undefined): string {
  if (exit === undefined) return "still running";
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}
