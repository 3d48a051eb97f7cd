// What /readyz says of the registry. Pure.
//
// V1. A refusal is an answer: who may not do what a renewal does is told that, and not that nobody is there.
// V2. A reason is told once: while nobody answers, what keeps the lease away is that.
// V3. Who comes among edges of another layout is not ready and takes no charge points (`admission`) from the moment it sees them, so the roll-out that
//     brought it stops at the first (strangers.ts). Those that were there before stay, or they would all leave together.

import type { RegistryError } from "../errors.ts";
import type { OwnershipHealth } from "../ownership-port.ts";

/** What was said where something failed. */
export interface Reasons {
  /** By a node, or on the way to one. */
  readonly lastFailure: string | undefined;
  /** By Redis, of listening: why the channel cannot answer. */
  readonly refusal: string | undefined;
  /** Of the last renewal, unless it succeeded. */
  readonly leaseFailure: Pick<RegistryError, "code" | "message"> | undefined;
  /** Names of edges (V3). */
  readonly strangers: readonly string[];
}

/** Adds the problems, in words for people, to what was measured. */
export function verdict(
  measured: Omit<OwnershipHealth, "problems">,
  settings: { readonly leaseMs: number; readonly leaseRenewMs: number; readonly maxOwed: number },
  reasons: Reasons,
): OwnershipHealth {
  const { lastFailure, refusal, leaseFailure, strangers } = reasons;
  const isSilent = measured.lastHeardMs > 2 * settings.leaseRenewMs && leaseFailure?.code !== "REFUSED"; // V1
  const problems: string[] = [];
  if (isSilent) {
    const since = Number.isFinite(measured.lastHeardMs)
      ? `for ${seconds(measured.lastHeardMs)}`
      : "yet (redis.nodes)";
    const said = lastFailure ?? leaseFailure?.message;
    problems.push(
      `no Redis node has answered ${since}${said === undefined ? "" : `; the last error: ${said}`}`,
    );
  }
  if (!measured.isLeaseValid) {
    const state = Number.isFinite(measured.leaseAgeMs)
      ? `this edge's lease lapsed: last renewed ${seconds(measured.leaseAgeMs)} ago`
      : "this edge has no lease yet";
    problems.push(isSilent || leaseFailure === undefined ? state : `${state}; ${leaseFailure.message}`); // V2
  }
  if (!measured.isChannelAlive) {
    const why = refusal === undefined ? "" : `; ${refusal}`;
    problems.push(
      `the wake-up channel does not answer: messages of other edges arrive by polling only${why}`,
    );
  }
  if (measured.owed >= settings.maxOwed)
    problems.push(`${measured.owed} claims and releases wait for Redis (registry.maxOwed)`);
  if (strangers.length > 0)
    problems.push(
      `${strangers.join(", ")} is here beside this edge with another layout of the registry: neither finds the other's charge points; stop one kind (SPEC.md, Edges of two versions)`,
    ); // V3
  return { ...measured, problems };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
