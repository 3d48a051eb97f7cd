// What this machine allows. I/O: reads /proc. Where a file is absent (another system) the limit is unknown, not zero.

import { readFileSync } from "node:fs";
import { cpus, freemem } from "node:os";
import { join } from "node:path";

/** The limits that decide how many stations a host can carry. */
export interface HostLimits {
  /** Descriptors a process may open: soft (what it starts with; Node raises it to hard). */
  readonly descriptorsSoft: number | undefined;
  readonly descriptorsHard: number | undefined;
  /** Descriptors of the whole system. */
  readonly fileMax: number | undefined;
  readonly somaxconn: number | undefined;
  /** 0: never; 1: once a listen backlog is full of half-open handshakes; 2: always. */
  readonly synCookies: number | undefined;
  readonly netdevBacklog: number | undefined;
  /** Ports for outgoing connections of one source address. */
  readonly ephemeralPorts: number | undefined;
  /** Connections the firewall can track; undefined where it tracks none. */
  readonly conntrackMax: number | undefined;
  readonly availableBytes: number;
  /** What sets it: the machine, or the limit of the control group (container, service) that this process is in. */
  readonly memoryOf: "machine" | "control group";
  readonly cores: number;
}

/** Reads them now. */
export function readHostLimits(): HostLimits {
  const [soft, hard] = descriptorLimits();
  const [low, high] = numbersIn("/proc/sys/net/ipv4/ip_local_port_range");
  return {
    descriptorsSoft: soft,
    descriptorsHard: hard,
    fileMax: numbersIn("/proc/sys/fs/file-max")[0],
    somaxconn: numbersIn("/proc/sys/net/core/somaxconn")[0],
    synCookies: numbersIn("/proc/sys/net/ipv4/tcp_syncookies")[0],
    netdevBacklog: numbersIn("/proc/sys/net/core/netdev_max_backlog")[0],
    ephemeralPorts: low === undefined || high === undefined ? undefined : high - low + 1,
    conntrackMax: numbersIn("/proc/sys/net/netfilter/nf_conntrack_max")[0],
    ...availableMemory(hostAvailableBytes(), process.availableMemory() + groupCacheBytes()),
    cores: cpus().length,
  };
}

function descriptorLimits(): [soft: number | undefined, hard: number | undefined] {
  const line = /^Max open files\s+(\S+)\s+(\S+)/mu.exec(textOf("/proc/self/limits"));
  const count = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : text === "unlimited" ? Infinity : Number(text);
  return [count(line?.[1]), count(line?.[2])];
}

/** The lesser of what the machine has left and what the control group has, which is the machine's where nothing limits it. */
export function availableMemory(
  hostBytes: number,
  groupBytes: number,
): Pick<HostLimits, "availableBytes" | "memoryOf"> {
  // Two looks at a machine at work differ a little: only what is clearly less is a limit.
  return groupBytes < hostBytes * 0.95
    ? { availableBytes: groupBytes, memoryOf: "control group" }
    : { availableBytes: hostBytes, memoryOf: "machine" };
}

function hostAvailableBytes(): number {
  const line = /^MemAvailable:\s+(\d+) kB/mu.exec(textOf("/proc/meminfo"));
  return line === null ? freemem() : Number(line[1]) * 1024;
}

// Node counts as used what the group's files hold in the page cache. The kernel gives that back when memory is wanted.
function groupCacheBytes(): number {
  const group = /^0::(.+)$/mu.exec(textOf("/proc/self/cgroup"))?.[1]; // cgroup v2
  if (group === undefined) return 0;
  const line = /^inactive_file (\d+)$/mu.exec(textOf(join("/sys/fs/cgroup", group, "memory.stat")));
  return line === null ? 0 : Number(line[1]);
}

function numbersIn(path: string): number[] {
  return textOf(path)
    .split(/\s+/u)
    .filter((word) => word !== "")
    .map(Number);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
