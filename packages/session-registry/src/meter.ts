// What the registry counts, as the smallest interface it needs; the edge fills it from @cpg/telemetry. Types and a no-op.

/** MOVED, ASK, TRYAGAIN and CLUSTERDOWN of Redis Cluster. */
export type Redirection = "moved" | "ask" | "tryAgain" | "clusterDown";

/** Told of everything that happens at most once per call; values for gauges are read from `Ownership.health()` and the store's shards. */
export interface RegistryMeter {
  /** One call as its caller saw it, retries included. `outcome`: "ok" or an error code. */
  call(operation: string, outcome: string, durationMs: number): void;
  retry(code: string): void;
  poolRefused(code: "POOL_TIMEOUT" | "POOL_EXHAUSTED"): void;
  badRows(count: number): void;
  evictions(direction: "sent" | "received", count: number): void;
  /** A conditional release that found somebody else's row or none. */
  conditionalMiss(operation: string): void;
  staleRoute(): void;
  /** A lease of that edge was: what is still under it is ended. `sessions`: as many as it told of last. */
  edgeDeclaredDead(edge: string, sessions: number): void;
  newIncarnation(): void;
  inboxMessages(kind: string, count: number): void;
  /** `roundTripMs`: from the probe to the first wake-up of that shard; of an answered one. */
  ownChannelProbe(outcome: "answered" | "silent", roundTripMs?: number): void;
  /** A node sent a command elsewhere, or asked to try again; the client follows a few of them inside one attempt. */
  redirected(kind: Redirection): void;
  /** A release was dropped because too many were owed (R9); reconciling ends its row later. */
  releaseDropped(): void;
  /** Rows without a socket that reconciling found and ended. */
  rowsReconciled(count: number): void;
}

const nothing = (): void => undefined;

/** Counts nothing. */
export const noMeter: RegistryMeter = {
  call: nothing,
  retry: nothing,
  poolRefused: nothing,
  badRows: nothing,
  evictions: nothing,
  conditionalMiss: nothing,
  staleRoute: nothing,
  edgeDeclaredDead: nothing,
  newIncarnation: nothing,
  inboxMessages: nothing,
  ownChannelProbe: nothing,
  redirected: nothing,
  releaseDropped: nothing,
  rowsReconciled: nothing,
};
