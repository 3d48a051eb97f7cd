// What several scenarios wait for and count. I/O: Redis and HTTP, through the checkers.

import { type Edge, readiness } from "./edges.ts";
import { isOpen, type SocketLife, type Station } from "./fleet.ts";
import { until } from "./observer.ts";
import { every, nowMs } from "./time.ts";
import type { World } from "./world.ts";

/** Stations whose current socket is at `edge`. */
export const stationsAt = (stations: readonly Station[], edge: Edge): Station[] =>
  stations.filter(({ current }) => isOpen(current) && current.edge.name === edge.name);

/** Until each station has a row at the edge of its current socket; ms, or undefined. */
export function untilRegistered(
  { observer }: World,
  stations: readonly Station[],
  limitMs: number,
): Promise<number | undefined> {
  return until(async () => {
    const rows = await observer.rows(stations.map(({ identity }) => identity)).catch(() => undefined);
    return (
      rows !== undefined &&
      stations.every(({ identity, current }) => rows.get(identity)?.edge === current?.edge.name)
    );
  }, limitMs);
}

/** Until each of these sockets is closed; ms since `sinceMs`, or undefined. */
export async function untilClosed(
  lives: readonly SocketLife[],
  sinceMs: number,
  limitMs: number,
): Promise<number | undefined> {
  const found = await until(() => lives.every(({ closedAtMs }) => closedAtMs !== undefined), limitMs);
  return found === undefined
    ? undefined
    : Math.max(0, ...lives.map(({ closedAtMs }) => (closedAtMs ?? 0) - sinceMs));
}

/** What edges said of themselves while they were watched. */
export interface Watched {
  readonly circuitsOpened: ReadonlySet<string>;
  readonly lapsed: ReadonlySet<string>;
  readonly stop: () => void;
}

/** Asks every reachable edge four times a second for open circuits and a lapsed lease. */
export function watchEdges(edges: readonly Edge[]): Watched {
  const circuitsOpened = new Set<string>();
  const lapsed = new Set<string>();
  const look = async (edge: Edge): Promise<void> => {
    const { registry } = await readiness(edge);
    for (const shard of registry.openCircuits) circuitsOpened.add(`${edge.name} → ${shard}`);
    if (!registry.leaseValid) lapsed.add(edge.name);
  };
  const stop = every(250, () => {
    for (const edge of edges) if (edge.isReachable) void look(edge).catch(() => undefined);
  });
  return { circuitsOpened, lapsed, stop };
}

/** Until `isTrue` of an edge's readiness; ms, or undefined. */
export function untilEdge(
  edge: Edge,
  isTrue: (said: Awaited<ReturnType<typeof readiness>>) => boolean,
  limitMs: number,
): Promise<number | undefined> {
  return until(async () => {
    const said = await readiness(edge).catch(() => undefined);
    return said !== undefined && isTrue(said);
  }, limitMs);
}

/** `12 ms` or `not within the limit`. */
export const orNever = (ms: number | undefined): string =>
  ms === undefined ? "not within the limit" : `${ms} ms`;

/** Wall clock ms since a moment. */
export const since = (atMs: number): number => nowMs() - atMs;
