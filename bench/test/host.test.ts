import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { checkHost } from "../src/host/checks.ts";
import { descriptorRefusal } from "../src/host/load-limits.ts";
import { availableMemory, readHostLimits, type HostLimits } from "../src/host/limits.ts";

const roomy: HostLimits = {
  descriptorsSoft: 65_536,
  descriptorsHard: 65_536,
  fileMax: 1_000_000,
  somaxconn: 4_096,
  synCookies: 1,
  netdevBacklog: 5_000,
  ephemeralPorts: 55_296,
  conntrackMax: undefined,
  availableBytes: 16e9,
  memoryOf: "machine",
  cores: 4,
};
const hostFile = (name: string): string =>
  readFileSync(
    new URL(`../../infra/host/linux/90-charge-point-gateway.${name}.conf`, import.meta.url),
    "utf8",
  );
const sysctlConf = hostFile("sysctl");
const limitsConf = hostFile("limits");
const plan = { stations: 15_000, edges: 1 };

function short(limits: Partial<HostLimits>): string[] {
  return checkHost({ ...roomy, ...limits }, plan)
    .filter(({ isEnough }) => !isEnough)
    .map(({ limit }) => limit);
}

describe("the doctor", () => {
  it("finds nothing on a host that is set up", () => {
    expect(short({})).toEqual([]);
  });

  it.each([
    [{ descriptorsHard: 1_024 }, "descriptors of a process"],
    [{ fileMax: 10_000 }, "fs.file-max"],
    [{ somaxconn: 128 }, "net.core.somaxconn"],
    [{ synCookies: 0 }, "net.ipv4.tcp_syncookies"],
    [{ netdevBacklog: 1_000 }, "net.core.netdev_max_backlog"],
    [{ ephemeralPorts: 5_000 }, "ports of one source address"],
    [{ conntrackMax: 16_384 }, "net.netfilter.nf_conntrack_max"],
    [{ availableBytes: 100e6 }, "memory available, MB"],
    [
      { availableBytes: 100e6, memoryOf: "control group" as const },
      "memory available in this control group, MB",
    ],
  ])("names the one limit that falls short: %o", (limits, name) => {
    expect(short(limits)).toEqual([name]);
  });

  it("names the edge's own limit, which no descriptors lift", () => {
    const checks = checkHost({ ...roomy, descriptorsHard: 1e6 }, { stations: 30_000, edges: 1 });
    const [only, ...others] = checks.filter(({ isEnough }) => !isEnough);
    expect(only).toMatchObject({ limit: "listen.maxConnections", have: 18_000, need: 30_000 });
    expect(only?.advice).toContain("2 edges, or CPG_LISTEN_MAX_CONNECTIONS=30000");
    expect(others).toEqual([]);
    expect(checkHost(roomy, { stations: 36_000, edges: 2 }).every(({ isEnough }) => isEnough)).toBe(true);
  });

  it("goes by the control group where that has less than the machine, and never by more than there is", () => {
    expect(availableMemory(16e9, 1e9)).toEqual({ availableBytes: 1e9, memoryOf: "control group" });
    expect(availableMemory(16e9, 64e9)).toEqual({ availableBytes: 16e9, memoryOf: "machine" });
    expect(availableMemory(16e9, 16e9 - 1e6)).toEqual({ availableBytes: 16e9, memoryOf: "machine" });
  });

  it("calls a limit that it cannot read not enough, instead of hoping", () => {
    expect(short({ somaxconn: undefined })).toEqual(["net.core.somaxconn"]);
  });

  it("reads this machine", () => {
    const limits = readHostLimits();
    expect(limits.availableBytes).toBeGreaterThan(1e6);
    expect(limits.cores).toBeGreaterThan(0);
  });

  it("advises only what infra/host sets: the two must not drift apart", () => {
    const poor = {
      ...roomy,
      somaxconn: 1,
      synCookies: 0,
      netdevBacklog: 1,
      fileMax: 1,
      conntrackMax: 1,
      ephemeralPorts: 1,
    };
    const advised = checkHost(poor, plan).flatMap(
      ({ advice }) => /sysctl .*/u.exec(advice)?.[0].match(/[\w.-]+(?==)/gu) ?? [],
    );
    expect(advised).toHaveLength(7);
    // The kernel's own fs.file-max is larger than any that we would set: only what lowered it needs a remedy.
    for (const name of advised.filter((each) => each !== "fs.file-max"))
      expect(sysctlConf).toMatch(new RegExp(`^-?${name.replaceAll(".", "\\.")} = `, "mu"));
    expect(limitsConf).toContain("nofile");
  });

  it("advises a wider range of ports only with those reserved that infra/host reserves", () => {
    const [ports] = checkHost({ ...roomy, ephemeralPorts: 1 }, plan).filter(({ isEnough }) => !isEnough);
    const reserved = /^net\.ipv4\.ip_local_reserved_ports = (\S+)$/mu.exec(sysctlConf)?.[1];
    expect(ports?.advice).toContain(`net.ipv4.ip_local_reserved_ports=${reserved};`);
  });
});

describe("a run that this machine does not allow", () => {
  const limits = { ...roomy, descriptorsHard: 20_000 };

  it("is refused with the number of generators that would do", () => {
    expect(descriptorRefusal(limits, { stations: 100_000, clients: 2, edges: 7 })).toContain("--clients 6");
  });

  it("is refused when the edges could not hold the stations, by whatever holds them back", () => {
    const shape = { stations: 40_000, clients: 8, edges: 2 };
    for (const [descriptorsHard, limit, most] of [
      [12_000, "12000 descriptors per process", 20_000],
      [20_000, "listen.maxConnections of an edge as it is shipped: 18000", 36_000],
      [1_048_576, "listen.maxConnections of an edge as it is shipped: 18000", 36_000],
      [Infinity, "listen.maxConnections of an edge as it is shipped: 18000", 36_000],
      [undefined, "listen.maxConnections of an edge as it is shipped: 18000", 36_000], // another system: its descriptors are not known
    ] as const) {
      const line = descriptorRefusal({ ...roomy, descriptorsHard }, shape);
      expect(line).toContain(limit);
      expect(line).toContain(`at most ${most}`);
    }
  });

  it("is refused where the doctor would find too little memory", () => {
    const shape = { stations: 999_999, clients: 100, edges: 99 };
    const host = { ...limits, availableBytes: 8e9 };
    expect(descriptorRefusal(host, shape)).toBe(
      "999999 stations on 99 edges need 28850 MB of memory, and 8000 MB are available: fewer stations, or more memory",
    );
    expect(descriptorRefusal({ ...host, memoryOf: "control group" }, shape)).toContain(
      "in this control group",
    );
    expect(checkHost(host, shape).find(({ limit }) => limit.startsWith("memory"))?.isEnough).toBe(false);
    expect(descriptorRefusal({ ...host, availableBytes: 32e9 }, shape)).toBeUndefined();
  });

  it("is told by descriptors that leave no room for a station", () => {
    const host = { ...roomy, descriptorsHard: 256 };
    const line = descriptorRefusal(host, { stations: 10, clients: 2, edges: 1 });
    expect(line).toContain("no number of them would do");
  });

  it("is not refused otherwise", () => {
    expect(descriptorRefusal(limits, { stations: 100_000, clients: 6, edges: 6 })).toBeUndefined();
  });
});
