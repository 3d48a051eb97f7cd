// What a run that was killed has left: folders of its nodes, and where the kernel could not end them, the nodes.
// I/O: files, /proc, signals.
//
// L1. A process is ended only if its command line still names the configuration file in that very folder: process ids are
//     given out again.
// L2. A folder is touched only if the process that made it is gone (its id and its start time, same reason).

import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { confPath } from "./redis-node.ts";

const ownerFile = "owner.json";

type Owner = { readonly pid: number; readonly started: string };

/** Makes a folder for a cluster of this process, under `runsDir`, after removing what dead runs left there. */
export async function claimRunFolder(runsDir: string, name: string): Promise<string> {
  await removeLeftovers(runsDir);
  const folder = join(runsDir, name);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, ownerFile),
    JSON.stringify({ pid: process.pid, started: startTimeOf(process.pid) ?? "" }),
  );
  return folder;
}

/** Ends the nodes and removes the folders of runs whose process is gone (L1, L2). */
export async function removeLeftovers(runsDir: string): Promise<void> {
  for (const name of await readdir(runsDir).catch(() => [])) {
    const folder = join(runsDir, name);
    const owner = await readOwner(folder);
    if (owner === undefined || isRunning(owner)) continue; // L2
    endNodesOf(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(join(folder, ownerFile), "utf8"));
    if (typeof owner !== "object" || owner === null || !("pid" in owner) || !("started" in owner))
      return undefined;
    return typeof owner.pid === "number" && typeof owner.started === "string"
      ? { pid: owner.pid, started: owner.started }
      : undefined;
  } catch {
    return undefined; // just being made, or not ours
  }
}

function isRunning(owner: Owner): boolean {
  const started = startTimeOf(owner.pid);
  if (started !== undefined) return started === owner.started;
  if (process.platform === "linux") return false;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch {
    return false;
  }
}

function endNodesOf(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const dir = join(folder, entry.name);
    const pid = pidIn(join(dir, "redis.pid"));
    if (pid === undefined || !commandLineOf(pid).includes(confPath(dir))) continue; // L1
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself in between: what we wanted.
    }
  }
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").trim());
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

// Field 22 of /proc/PID/stat, counted after the command in parentheses (which may hold spaces). Undefined for a process that
// has ended, also if nobody has asked for its exit code yet (state Z).
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
