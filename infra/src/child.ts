// A child process that does not outlive us. I/O: spawns and signals processes.
//
// C1. A child stands in a process group of its own: Ctrl-C in the terminal reaches us, and we end the children in order.
// C2. It dies with us even if we are killed: on Linux through the kernel (`setpriv --pdeathsig`), elsewhere only when we
//     exit by ourselves. The kernel goes by the *thread* that started it: start children from the main thread.
// C3. A signal goes only to a child that has not been reaped: a process id is never used after its exit was seen.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** How a child ended. Exactly one of the two is not null. */
export type ChildExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** What to start. `deathSignal` is what the child gets when we die first (C2). */
export type ChildSpec = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly deathSignal: "SIGKILL" | "SIGTERM";
};

/** A running or ended child. */
export type Child = {
  readonly pid: number;
  readonly process: ChildProcess;
  /** Settles when it has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** How it ended, undefined while it runs. */
  readonly exit: () => ChildExit | undefined;
  /** Sends a signal unless it has ended (C3). True if it was sent. */
  readonly signal: (name: NodeJS.Signals) => boolean;
};

const alive = new Set<Child>();
let watching = false;
let setpriv: { readonly path: string | undefined } | undefined;

/** Starts a child (C1, C2). Rejects if the command cannot be started at all. */
export async function startChild(spec: ChildSpec): Promise<Child> {
  endChildrenOnExit();
  const [command, args] = withDeathSignal(spec);
  const child = spawn(command, args, {
    cwd: spec.cwd,
    env: spec.env ?? process.env,
    detached: process.platform !== "win32", // C1
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<ChildExit>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`could not start ${spec.command}`, { cause })));
  });
  if (child.pid === undefined) throw new Error(`${spec.command} has no process id`);
  return register({ pid: child.pid, process: child, exited });
}

function register(started: Pick<Child, "pid" | "process" | "exited">): Child {
  let ended: ChildExit | undefined;
  const child: Child = {
    ...started,
    exit: () => ended,
    signal: (name) => ended === undefined && started.process.kill(name), // C3
  };
  alive.add(child);
  started.process.once("exit", (code, signal) => {
    ended = { code, signal };
    alive.delete(child);
  });
  return child;
}

function endChildrenOnExit(): void {
  if (watching) return;
  watching = true;
  process.on("exit", () => {
    for (const child of alive) child.signal("SIGKILL");
  });
}

function withDeathSignal(spec: ChildSpec): [string, string[]] {
  setpriv ??= { path: usableSetpriv() };
  if (setpriv.path === undefined) return [spec.command, [...spec.args]];
  // It replaces itself by the command: the process id is the command's.
  return [
    setpriv.path,
    ["--pdeathsig", spec.deathSignal.replace("SIG", ""), "--", spec.command, ...spec.args],
  ];
}

// Small systems have a `setpriv` without the option; then the children end with our own exit only.
function usableSetpriv(): string | undefined {
  const path = process.platform === "linux" ? findOnPath("setpriv") : undefined;
  if (path === undefined) return undefined;
  return spawnSync(path, ["--pdeathsig", "KILL", "--", "true"]).status === 0 ? path : undefined;
}

/** The first executable called `name` on PATH, or undefined. */
export function findOnPath(name: string, path: string = process.env["PATH"] ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
