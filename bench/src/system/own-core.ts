// A core for the server that is measured, as if it had a host to itself: what asks it and what it asks share the other cores.
// I/O: /proc, processes (`taskset`). Linux only.
//
// C1. Left to the kernel, two processes that wake each other end up on one core. A bare POST and its backend were found so in 98 of 100
//     looks: no other core has to be woken then and the caches stay warm, which no backend on another host can offer. A server that is woken
//     by several is preempted by them instead: an edge 0.9 times a CALL (bench/README.md, History).
// C2. Only whoever is measured at the moment is there; the others, idle, wait with the rest. The benchmark's own process goes where it likes:
//     it sleeps meanwhile, and its children would inherit its place.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

import { BenchError } from "../scenario.ts";

const run = promisify(execFile);

/** A core that is lent. */
export interface OwnCore {
  /** Sends processes, all their threads and what they start later, to the other cores. */
  clear(pids: readonly number[]): Promise<void>;
  /** Lends it to these processes; who had it before goes back to the others (C2). */
  lend(pids: readonly number[]): Promise<void>;
}

/** Errors: BenchError where there is no second core, or no `taskset`. */
export async function findOwnCore(): Promise<OwnCore> {
  const [own, ...others] = allowedCores();
  if (own === undefined || others.length === 0)
    throw new BenchError("own-core needs a second core for all others: leave it at 0 on this host");
  if (!(await hasTaskset()))
    throw new BenchError("own-core needs taskset (util-linux): install it, or leave it at 0");
  let holders: readonly number[] = [];
  const clear = (pids: readonly number[]): Promise<void> => place(pids, others);
  return {
    clear,
    async lend(pids) {
      await clear(holders);
      holders = pids;
      await place(pids, [own]);
    },
  };
}

/** Reads `0-2,5` as 0, 1, 2, 5. */
export function coresOf(list: string): number[] {
  return list.split(",").flatMap((range) => {
    if (!/^\d+(?:-\d+)?$/u.test(range)) return [];
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
}

function allowedCores(): number[] {
  try {
    const line = /^Cpus_allowed_list:\s+(\S+)/mu.exec(readFileSync("/proc/self/status", "utf8"));
    return coresOf(line?.[1] ?? "");
  } catch {
    return []; // another system
  }
}

async function hasTaskset(): Promise<boolean> {
  return run("taskset", ["--version"]).then(
    () => true,
    () => false,
  );
}

async function place(pids: readonly number[], cores: readonly number[]): Promise<void> {
  const words = (pid: number): string[] => [
    "--all-tasks",
    "--cpu-list",
    "--pid",
    cores.join(","),
    String(pid),
  ];
  await Promise.all(pids.map((pid) => run("taskset", words(pid))));
}
