// The files in infra/host beside what this project runs: a file that is installed must not break it.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { neededPorts, planLocal } from "../src/local/plan.ts";
import { maxEdges } from "../src/local/options.ts";
import { projectRoot, redisConfPath } from "../src/paths.ts";

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

describe("cpg-edge@.service", () => {
  const unit = readFileSync(new URL("../host/linux/cpg-edge@.service", import.meta.url), "utf8");
  const valuesOf = (name: string): string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gmu"))].map(([, value = ""]) => value);

  interface Settings {
    edge: { name: string };
    listen: { port: number; sharePort: boolean };
    management: { port: number };
    metrics: { port: number };
    drain: { deadlineMs: number };
  }

  /** What an edge would run with, from the unit's own lines and nothing else. */
  async function settingsOf(instance: string): Promise<Settings> {
    const { loadConfig } = (await import(join(projectRoot, "packages/config/dist/index.js"))) as {
      loadConfig: (input: object) => { kind: string; config: Settings; problems?: readonly string[] };
    };
    const words = valuesOf("Environment").flatMap((line) => line.split(" "));
    const variables = words.map((word) => word.replace("%H", "host").replace("%i", instance).split("="));
    const env = Object.fromEntries(variables) as Record<string, string>;
    expect(env["CPG_CONFIG"]).toBe("/etc/cpg/edge.json");
    const loaded = loadConfig({ argv: [], env: { ...env, CPG_CONFIG: "", CPG_AUTH_MODE: "none" } });
    expect(loaded.problems ?? []).toEqual([]);
    return loaded.config;
  }

  test("edges of a host share the charge points' port, and nothing else", async () => {
    const [one, nine] = [await settingsOf("1"), await settingsOf("9")];
    for (const { listen } of [one, nine]) expect(listen).toMatchObject({ port: 9000, sharePort: true });
    const own = [one, nine].map(({ edge, management, metrics }) => [
      edge.name,
      management.port,
      metrics.port,
    ]);
    expect(own).toEqual([
      ["host-1", 8081, 9461],
      ["host-9", 8089, 9469],
    ]);
  });

  test("SIGKILL comes after the longest drain and the 5 s in which everything else ends", async () => {
    const { drain } = await settingsOf("1");
    expect(Number(valuesOf("TimeoutStopSec")[0]) * 1000).toBeGreaterThanOrEqual(drain.deadlineMs + 5_000);
  });

  test("a wrong setting is not tried again for ever, and V8 may compile", () => {
    expect(valuesOf("Restart")).toEqual(["always"]);
    expect(valuesOf("RestartPreventExitStatus")).toEqual(["2"]);
    expect(valuesOf("MemoryDenyWriteExecute")).toEqual([]);
  });

  test("has as many descriptors as limits.d gives the same user: no service reads that", () => {
    const limits = new URL("../host/linux/90-charge-point-gateway.limits.conf", import.meta.url);
    const [, user, descriptors] = /^(\w+) +hard +nofile +(\d+)$/mu.exec(readFileSync(limits, "utf8")) ?? [];
    expect([valuesOf("User"), valuesOf("LimitNOFILE")]).toEqual([[user], [descriptors]]);
  });
});
