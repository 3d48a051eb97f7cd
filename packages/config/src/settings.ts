// THE table: each setting of the gateway, once. Data.
//
// S1. A setting's file key, CPG_ variable and argument follow from its place here (names.ts); none is written twice.
// S2. GatewayConfig is derived from this table, so code cannot read a setting that is not declared here.
import { auth, edge, listen, ocpp } from "./settings/charge-points.ts";
import { drain, management, metrics, routes, telemetry } from "./settings/backend.ts";
import { redis } from "./settings/redis.ts";
import { registry } from "./settings/registry.ts";
import type { Setting } from "./kinds.ts";

/** Every setting, grouped as in the file. */
export const settings = {
  edge,
  listen,
  ocpp,
  auth,
  management,
  metrics,
  registry,
  redis,
  routes,
  drain,
  telemetry,
} as const;

/** The values of a (part of a) table. */
export type Values<T> = T extends Setting<infer V> ? V : { readonly [K in keyof T]: Values<T[K]> };

/** All settings as the table declares them; `edge.name` may still be absent. */
export type DeclaredConfig = Values<typeof settings>;

/** What the gateway runs with: deeply readonly, all checked, `edge.name` derived where it was not given. */
export type GatewayConfig = Omit<DeclaredConfig, "edge"> & {
  readonly edge: Omit<DeclaredConfig["edge"], "name"> & { readonly name: string };
};
