// What several queries about Redis nodes share. Pure.

import type { Selectors } from "./promql.ts";

/**
 * The share of `maxclients` that each node has given away. Redis counts its replicas and its links to the other nodes (two for each) among
 * its clients when it decides whom to refuse, though `redis_connected_clients` leaves them out.
 */
export function connectionsUsed(series: Selectors["series"]): string {
  const byNode = (selector: string): string => `max by (job, node) (${selector})`;
  const used = ["redis_connected_clients", "redis_connected_slaves", "redis_cluster_connections"] as const;
  const sum = used.map((name) => byNode(series(name))).join(" + ");
  return `(${sum}) / ${byNode(series("redis_config_maxclients"))}`;
}
