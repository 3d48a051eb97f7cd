// CPU and memory of other processes, from /proc. I/O: files. Linux only.

import { readdirSync, readFileSync } from "node:fs";

/** The kernel's USER_HZ, the unit of the times in /proc/PID/stat; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * User and system CPU of a process since its start, all its threads that live, seconds; 0 for one that is gone. In nanoseconds where the
 * kernel tells (schedstat), else in steps of 10 ms.
 */
export function cpuSeconds(pid: number): number {
  const nanoseconds = threadsOf(pid)
    .map((thread) => Number(readOrEmpty(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0))
    .reduce((sum, each) => sum + each, 0);
  return nanoseconds > 0 ? nanoseconds / 1e9 : tickedSeconds(pid);
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function tickedSeconds(pid: number): number {
  const text = readOrEmpty(`/proc/${pid}/stat`);
  // The name in parentheses may hold blanks: count from the last parenthesis.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** Sum over processes. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** Resident memory, bytes; 0 for a process that is gone. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/mu.exec(readOrEmpty(`/proc/${pid}/status`));
  return Number(match?.[1] ?? 0) * 1024;
}

/** TCP's counters of full accept queues (`ListenOverflows`, `ListenDrops`) since the machine started. */
export function listenOverflows(): number {
  const [names = "", values = ""] = readOrEmpty("/proc/net/netstat")
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"));
  const at = names.split(" ").indexOf("ListenOverflows");
  return at < 0 ? 0 : Number(values.split(" ")[at] ?? 0);
}

/** Kernel memory of sockets and what belongs to them, bytes, from /proc/slabinfo; undefined where that is not readable. */
export function socketSlabBytes(): number | undefined {
  const text = readOrEmpty("/proc/slabinfo");
  if (text === "") return undefined;
  return text
    .split("\n")
    .map((line) => line.split(/\s+/u))
    .filter(([name = ""]) => socketSlabs.has(name))
    .reduce((sum, [, , objects, size]) => sum + Number(objects) * Number(size), 0);
}

const socketSlabs: ReadonlySet<string> = new Set([
  "TCP",
  "TCPv6",
  "sock_inode_cache",
  "filp",
  "dentry",
  "eventpoll_epi",
  "eventpoll_pwq",
  "tcp_bind_bucket",
  "tcp_bind2_bucket",
]);

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
