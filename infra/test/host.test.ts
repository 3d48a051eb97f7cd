// The kernel settings in infra/host beside what this project runs: a file that is installed must not break it.
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { neededPorts, planLocal } from "../src/local/plan.ts";
import { maxEdges } from "../src/local/options.ts";
import { redisConfPath } from "../src/paths.ts";

const sysctlConf = new URL("../host/linux/90-charge-point-gateway.sysctl.conf", import.meta.url);
const settings = new Map(
  [...readFileSync(sysctlConf, "utf8").matchAll(/^-?([\w.]+) = (.+)$/gmu)].map(
    ([, name = "", value = ""]) => [name, value] as const,
  ),
);

/** Whether the kernel would give an outgoing connection this port. */
function isEphemeral(port: number): boolean {
  const [low = 0, high = 0] = (settings.get("net.ipv4.ip_local_port_range") ?? "").split(" ").map(Number);
  const reserved = (settings.get("net.ipv4.ip_local_reserved_ports") ?? "").split(",").some((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return first <= port && port <= last;
  });
  return low <= port && port <= high && !reserved;
}

test("no limit is set that the kernel derives from memory or systemd raises: on a large host that would lower it", () => {
  expect(settings.has("net.core.somaxconn")).toBe(true); // the file was read
  expect([...settings.keys()].filter((name) => name.startsWith("fs."))).toEqual([]);
});

test("no port that people know is an outgoing connection's: who listens on it could not start", () => {
  const redisPort = Number(/^port (\d+)$/mu.exec(readFileSync(redisConfPath, "utf8"))?.[1]);
  const known = [
    ...neededPorts(planLocal("cluster", { edges: maxEdges, portOffset: 0 })),
    { port: redisPort, purpose: "Redis in production" },
    { port: redisPort + 10_000, purpose: "its cluster bus" },
  ];
  expect(known.filter(({ port }) => isEphemeral(port))).toEqual([]);
  expect(isEphemeral(40_000)).toBe(true); // the files were read
});
