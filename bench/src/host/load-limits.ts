// What a run on this machine cannot be, said before anything starts. Pure.

import { settings } from "@cpg/config";

import type { HostLimits } from "./limits.ts";

/** Descriptors that a load generator needs beside its stations. */
const generatorDescriptors = 500;
/** An edge needs some beside its stations, for Redis, backends, its API and files: a tenth of what it may serve. */
const edgeDescriptors = 2_000;
/** Charge points that an edge takes, however many descriptors it may open: one more is refused with 503. */
export const connectionsPerEdge = settings.listen.maxConnections.default;
/** An idle station: 3 KB in the edge (the goal of `density`), about 6 KB of socket in the kernel, half as much again in a storm. */
const bytesPerStation = 14_000;
/** An edge before its first station. */
const bytesPerEdge = 150e6;

/** How a run is spread over processes. */
export interface LoadShape {
  readonly stations: number;
  readonly clients: number;
  /** Edges that share the stations at the fullest moment. */
  readonly edges: number;
}

/** Descriptors that an edge with so many stations needs. */
export function descriptorsFor(stations: number): number {
  return stations + edgeDescriptors;
}

/** Memory of the edges, the kernel's part included. */
export function bytesFor({ stations, edges }: Pick<LoadShape, "stations" | "edges">): number {
  return stations * bytesPerStation + edges * bytesPerEdge;
}

/** One line that says what does not allow it (descriptors, the edge's own limit, memory), and what would do; undefined if all do. */
export function descriptorRefusal(limits: HostLimits, shape: LoadShape): string | undefined {
  return generatorRefusal(limits, shape) ?? edgeRefusal(limits, shape) ?? memoryRefusal(limits, shape);
}

function generatorRefusal(
  { descriptorsHard }: HostLimits,
  { stations, clients }: LoadShape,
): string | undefined {
  if (descriptorsHard === undefined) return undefined; // not Linux: nothing known
  const perClient = Math.max(0, descriptorsHard - generatorDescriptors);
  if (stations <= clients * perClient) return undefined;
  const wouldDo =
    perClient === 0 ? "no number of them would do" : `--clients ${Math.ceil(stations / perClient)} or more`;
  return `${stations} stations need more than ${countText(clients, "load generator")} here (${descriptorsHard} descriptors per process): ${wouldDo}`;
}

function edgeRefusal(
  { descriptorsHard = Infinity }: HostLimits,
  { stations, edges }: LoadShape,
): string | undefined {
  const byDescriptors = Math.max(0, descriptorsHard - edgeDescriptors);
  const perEdge = Math.min(byDescriptors, connectionsPerEdge);
  if (stations <= edges * perEdge) return undefined;
  const limit =
    byDescriptors < connectionsPerEdge
      ? `${descriptorsHard} descriptors per process`
      : `listen.maxConnections of an edge as it is shipped: ${connectionsPerEdge}`;
  return `${stations} stations need more than ${countText(edges, "edge")} here (${limit}): at most ${edges * perEdge}`;
}

function memoryRefusal({ availableBytes, memoryOf }: HostLimits, shape: LoadShape): string | undefined {
  const need = bytesFor(shape);
  if (need <= availableBytes) return undefined;
  const { stations, edges } = shape;
  const where = memoryOf === "machine" ? "" : " in this control group";
  return `${stations} stations on ${countText(edges, "edge")} need ${megabytes(need)} MB of memory, and ${megabytes(availableBytes)} MB are available${where}: fewer stations, or more memory`;
}

function countText(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
