// What /readyz says of the registry. Pure.

import type { OwnershipHealth } from "../ownership-port.ts";

/** Adds the problems, in words for people, to what was measured. `refusal`: why the channel cannot answer, where Redis says so. */
export function verdict(
  measured: Omit<OwnershipHealth, "problems">,
  settings: { readonly leaseMs: number; readonly leaseRenewMs: number; readonly maxOwed: number },
  {
    lastFailure,
    refusal,
  }: { readonly lastFailure: string | undefined; readonly refusal: string | undefined },
): OwnershipHealth {
  const said = lastFailure === undefined ? "" : `; the last error: ${lastFailure}`;
  const problems: string[] = [];
  if (measured.lastHeardMs === Number.POSITIVE_INFINITY) {
    problems.push(`no Redis node has answered yet (redis.nodes)${said}`);
  } else if (measured.lastHeardMs > 2 * settings.leaseRenewMs) {
    problems.push(`no Redis node has answered for ${Math.round(measured.lastHeardMs / 1000)} s${said}`);
  }
  if (!measured.isLeaseValid) {
    problems.push(
      measured.leaseAgeMs === Number.POSITIVE_INFINITY
        ? "this edge has no lease yet"
        : `this edge's lease lapsed: last renewed ${Math.round(measured.leaseAgeMs / 1000)} s ago`,
    );
  }
  if (!measured.isChannelAlive) {
    const why = refusal === undefined ? "" : `; ${refusal}`;
    problems.push(
      `the wake-up channel does not answer: messages of other edges arrive by polling only${why}`,
    );
  }
  if (measured.owed >= settings.maxOwed)
    problems.push(`${measured.owed} claims and releases wait for Redis (registry.maxOwed)`);
  return { ...measured, problems };
}
