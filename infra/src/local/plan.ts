// What `npm start` runs and on which ports. Pure.

import type { RegistryKind, StartOptions } from "./options.ts";

/** One edge and its ports. */
export type EdgePlan = {
  readonly name: string;
  readonly listenPort: number;
  readonly managementPort: number;
  readonly metricsPort: number;
};

/** Everything that will run. `redisPorts` is empty with the memory registry. */
export type LocalPlan = {
  readonly registry: RegistryKind;
  readonly portOffset: number;
  readonly edges: readonly EdgePlan[];
  readonly backendPort: number;
  readonly redisPorts: readonly number[];
};

/** A port that must be free, and what for. */
export type NeededPort = { readonly port: number; readonly purpose: string };

/** 3 masters and 3 replicas. */
const redisNodes = 6;

/** Lays out ports: 7000… Redis, 8000 backend, 8080… management, 9000… charge points, 9464… metrics, all plus the offset. */
export function planLocal(
  registry: RegistryKind,
  options: Pick<StartOptions, "edges" | "portOffset">,
): LocalPlan {
  const { portOffset } = options;
  const count = options.edges ?? (registry === "cluster" ? 2 : 1);
  const row = (from: number, length: number): number[] =>
    Array.from({ length }, (_, index) => from + portOffset + index);
  return {
    registry,
    portOffset,
    edges: row(0, count).map((_, index) => ({
      name: `edge-${index + 1}`,
      listenPort: 9000 + portOffset + index,
      managementPort: 8080 + portOffset + index,
      metricsPort: 9464 + portOffset + index,
    })),
    backendPort: 8000 + portOffset,
    redisPorts: registry === "cluster" ? row(7000, redisNodes) : [],
  };
}

/** All ports of a plan, those that people know first. */
export function neededPorts(plan: LocalPlan): NeededPort[] {
  return [
    ...plan.edges.flatMap((edge) => [
      { port: edge.listenPort, purpose: `charge points of ${edge.name}` },
      { port: edge.managementPort, purpose: `management API of ${edge.name}` },
      { port: edge.metricsPort, purpose: `metrics of ${edge.name}` },
    ]),
    { port: plan.backendPort, purpose: "demo backend" },
    ...plan.redisPorts.flatMap((port) => [
      { port, purpose: "Redis" },
      { port: port + 10_000, purpose: "Redis' cluster bus" },
    ]),
  ];
}

/** The arguments of an edge process. */
export function edgeArguments(plan: LocalPlan, edge: EdgePlan, routesFile: string): string[] {
  const settings = { ...decidedSettings(plan, edge), "routes-file": routesFile };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A variable of `env` that would set what the plan decides, and would be overruled without a word. */
export function overruledVariable(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const plan = planLocal("cluster", { edges: 1, portOffset: 0 });
  return plan.edges
    .flatMap((edge) => Object.keys(decidedSettings(plan, edge)))
    .map((name) => `CPG_${name.toUpperCase().replaceAll("-", "_")}`)
    .find((variable) => env[variable] !== undefined);
}

function decidedSettings(plan: LocalPlan, edge: EdgePlan): Record<string, string> {
  const nodes = plan.redisPorts.map((port) => `127.0.0.1:${port}`).join(",");
  return {
    "edge-name": edge.name,
    "edge-environment": "development",
    "listen-host": "127.0.0.1", // without authentication nobody else may come
    "listen-port": String(edge.listenPort),
    "management-port": String(edge.managementPort),
    "metrics-port": String(edge.metricsPort),
    "registry-kind": plan.registry,
    ...(plan.registry === "cluster" ? { "redis-nodes": nodes } : {}),
    "auth-mode": "none",
  };
}
