// What a run on this machine cannot be, said before anything starts. Pure.

import type { HostLimits } from "./limits.ts";

/** Descriptors that a load generator needs beside its stations. */
const generatorDescriptors = 500;
/** Of an edge; its own limit (listen.maxConnections) is below. */
const edgeDescriptors = 2_000;

/** How a run is spread over processes. */
export interface LoadShape {
  readonly stations: number;
  readonly clients: number;
  /** Edges that share the stations at the fullest moment. */
  readonly edges: number;
}

/** One line that says why the descriptors do not allow it, and what would do; undefined if they do. */
export function descriptorRefusal({ descriptorsHard }: HostLimits, shape: LoadShape): string | undefined {
  if (descriptorsHard === undefined) return undefined; // not Linux: nothing known
  const { stations, clients, edges } = shape;
  const perClient = descriptorsHard - generatorDescriptors;
  const perEdge = descriptorsHard - edgeDescriptors;
  const limit = `${descriptorsHard} descriptors per process`;
  if (stations > clients * perClient) {
    return `${stations} stations need more than ${clients} load generators here (${limit}): --clients ${Math.ceil(stations / perClient)} or more`;
  }
  if (stations > edges * perEdge) {
    return `${stations} stations need more than ${edges} edges here (${limit}): at most ${edges * perEdge}`;
  }
  return undefined;
}
