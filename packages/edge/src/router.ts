// Chooses the route of a CALL by version and action. Pure.
//
// The more exact name wins: `ocpp1.6:Heartbeat`, then `Heartbeat`, then `ocpp1.6:$default`, then `$default`.
// Everything a charge point can name is found in one look-up: the choice is made when the routes are read.
//
// T1. What a charge point calls an action reaches a backend only if it can be a name: `$connect` would be taken for the
//     edge's own event, `..` leads out of the URL that stands in the routes, and 100 KB do not fit into a header.

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
    route(version, action) {
      const own = tables.get(version)?.get(action);
      return own ?? (canBeName(action) ? defaults.get(version) : undefined);
    },
    lifecycle: named,
  };
}

/** Longest action that goes to `$default`, in characters: OCPP's longest has 33. */
const maxActionLength = 64;

// T1. Only `$default` serves what no route names.
function canBeName(action: string): boolean {
  return action.length <= maxActionLength && !/^(?:\$|\.\.?$)/.test(action);
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
