// A program under test as a child process: what it printed, when it was ready, how it ended. I/O: processes.
// The child dies with the test process, also if that is killed (Linux).

import { createInterface } from "node:readline";

import { type Child, type ChildExit, startChild } from "@cpg/infra";

/** What to run. `env` is added to ours; a value of undefined takes a name away. */
export type ProcessOptions = {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** The line (of either output) after which it counts as ready: a part of it, or a pattern. Without it: ready at once. */
  readonly readyLine?: string | RegExp;
  /** Default 10000 ms. */
  readonly readyTimeoutMs?: number;
};

/** A started program. */
export type TestProcess = {
  readonly pid: number;
  /** All it has printed until now. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Both outputs, line by line, in the order of arrival. */
  readonly lines: () => readonly string[];
  /** Sends a signal (default SIGTERM) and waits until it has ended. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<ChildExit>;
  /** Sends a signal and goes on. False if it has ended already. */
  readonly signal: (signal: NodeJS.Signals) => boolean;
  /** Settles when it has ended and its output is read; never rejects. */
  readonly exited: Promise<ChildExit>;
};

/**
 * Starts a program and waits for its `readyLine`. Rejects, with all it printed in the message, when it ends before that or
 * stays silent; then it does not run any more.
 */
export async function startProcess(options: ProcessOptions): Promise<TestProcess> {
  const child = await startChild({
    command: options.command,
    args: options.args ?? [],
    env: { ...process.env, ...options.env },
    deathSignal: "SIGKILL",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const started = collect(child);
  try {
    await untilReady(child, started.lines, options);
  } catch (error) {
    await started.kill("SIGKILL");
    throw error;
  }
  return started;
}

function collect(child: Child): TestProcess {
  const output = { stdout: "", stderr: "" };
  const lines: string[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    const stream = child.process[name];
    if (stream === null) continue;
    stream.setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  }
  const closed = new Promise<void>((resolve) => child.process.once("close", () => resolve()));
  const exited = closed.then(() => child.exited);
  return {
    pid: child.pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    lines: () => lines,
    kill: (signal = "SIGTERM") => {
      child.signal(signal);
      return exited;
    },
    signal: (signal) => child.signal(signal),
    exited,
  };
}

function untilReady(child: Child, lines: () => readonly string[], options: ProcessOptions): Promise<void> {
  const { readyLine, readyTimeoutMs = 10_000 } = options;
  if (readyLine === undefined) return Promise.resolve();
  const isReady = (): boolean =>
    lines().some((line) => (typeof readyLine === "string" ? line.includes(readyLine) : readyLine.test(line)));
  return new Promise((resolve, reject) => {
    const fail = (what: string): void =>
      settle(() => reject(new Error(`${options.command} ${what}; it printed:\n${lines().join("\n")}`)));
    const timer = setTimeout(() => fail(`was not ready within ${readyTimeoutMs} ms`), readyTimeoutMs);
    const look = (): void => {
      if (isReady()) settle(resolve);
    };
    // Lines are split after the data arrives: look once more in the next turn.
    const later = (): void => void setImmediate(look);
    const ended = (): void => fail("ended before it was ready");
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      child.process.stdout?.off("data", later);
      child.process.stderr?.off("data", later);
      child.process.off("close", ended);
      end();
    };
    child.process.stdout?.on("data", later);
    child.process.stderr?.on("data", later);
    child.process.once("close", ended);
    look();
  });
}
