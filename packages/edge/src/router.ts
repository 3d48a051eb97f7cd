// Chooses the route of a CALL by version and action. Pure.
//
// The more exact name wins: `ocpp1.6:Heartbeat`, then `Heartbeat`, then `ocpp1.6:$default`, then `$default`.
// Everything a charge point can name is found in one look-up: the choice is made when the routes are read.

import { actions, mayChargePointSend, ocppVersions, subprotocolOf, type OcppVersion } from "@cpg/ocpp";
import type { Route } from "./integration.ts";

/** Keys that are no actions. */
export const specialRoutes = ["$connect", "$disconnect", "$default"] as const;

/** Finds routes. */
export interface Router {
  /** Undefined: no route, answer NotImplemented. */
  route(version: OcppVersion, action: string): Route | undefined;
  /** The best-effort route of `$connect` or `$disconnect`. */
  lifecycle(version: OcppVersion, event: "$connect" | "$disconnect"): Route | undefined;
}

/** Makes a router of routes by key (`[subprotocol:]action`). */
export function createRouter(routes: ReadonlyMap<string, Route>): Router {
  const named = (version: OcppVersion, name: string): Route | undefined =>
    routes.get(`${subprotocolOf(version)}:${name}`) ?? routes.get(name);
  const tables = new Map<OcppVersion, ReadonlyMap<string, Route | undefined>>(
    ocppVersions.map((version) => [version, tableOf(version, routes, named)]),
  );
  const defaults = new Map(ocppVersions.map((version) => [version, named(version, "$default")]));
  return {
    route: (version, action) => tables.get(version)?.get(action) ?? defaults.get(version),
    lifecycle: named,
  };
}

function tableOf(
  version: OcppVersion,
  routes: ReadonlyMap<string, Route>,
  named: (version: OcppVersion, name: string) => Route | undefined,
): ReadonlyMap<string, Route | undefined> {
  const own = [...actions[version].keys()].filter((action) => mayChargePointSend(action, version));
  // An action of no version's table can have a route of its own too: vendors invent some.
  const written = [...routes.keys()].map((key) => key.slice(key.indexOf(":") + 1));
  const names = new Set([...own, ...written].filter((name) => !name.startsWith("$")));
  return new Map([...names].flatMap((name) => entry(name, named(version, name))));
}

function entry(name: string, route: Route | undefined): [string, Route][] {
  return route === undefined ? [] : [[name, route]];
}
