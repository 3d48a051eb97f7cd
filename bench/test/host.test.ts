import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { checkHost } from "../src/host/checks.ts";
import { descriptorRefusal } from "../src/host/load-limits.ts";
import { readHostLimits, type HostLimits } from "../src/host/limits.ts";

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
  ])("names the one limit that falls short: %o", (limits, name) => {
    expect(short(limits)).toEqual([name]);
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

describe("a run that the descriptors do not allow", () => {
  const limits = { ...roomy, descriptorsHard: 20_000 };

  it("is refused with the number of generators that would do", () => {
    expect(descriptorRefusal(limits, { stations: 100_000, clients: 2, edges: 7 })).toContain("--clients 6");
  });

  it("is refused when the edges could not hold the stations", () => {
    expect(descriptorRefusal(limits, { stations: 40_000, clients: 8, edges: 2 })).toContain("at most 36000");
  });

  it("is not refused otherwise", () => {
    expect(descriptorRefusal(limits, { stations: 100_000, clients: 6, edges: 6 })).toBeUndefined();
  });
});
