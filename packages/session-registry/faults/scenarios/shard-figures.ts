// How one shard's fault looks from the claims: those of its partitions, those of the others, against a bare client's writes. Pure.

import { percentile, spread } from "../report.ts";
import type { Ledger } from "../world/ledger.ts";
import type { SeenEvent } from "../world/observer.ts";
import type { World } from "../world/world.ts";

/** How long a failover may take before a scenario goes on without it, ms. */
export const failoverLimitMs = 30_000;

/** How long after the fault the other shards are compared, ms: above a failover. */
const comparedMs = 10_000;

/** What was hit, and when; `bareAtMs`: when a bare client's write to it went through again. */
export interface ShardFault {
  readonly shard: string;
  readonly beganAtMs: number;
  readonly hitAtMs: number;
  readonly bareAtMs: number | undefined;
}

/** Claims of the hit shard and of the others, before and after. */
export function compareShards(world: World, ledger: Ledger, fault: ShardFault): void {
  const { options, report, fleet, shards, observer } = world;
  const { shard, beganAtMs, hitAtMs, bareAtMs } = fault;
  const isHit = (event: SeenEvent): boolean => shards[event.partition] === shard;
  const firstAt = Math.min(
    ...observer.events
      .filter((e) => e.kind === "connected" && isHit(e) && e.atMs > hitAtMs + 100)
      .map(({ atMs }) => atMs),
  );
  const laterMs = bareAtMs === undefined ? Number.NaN : firstAt - bareAtMs;
  report.figure(
    "bare client's writes flow again after, ms",
    bareAtMs === undefined ? "never" : bareAtMs - hitAtMs,
  );
  report.figure("its claims flow again after, ms", firstAt - hitAtMs);
  report.must(
    "its claims flow again within 1 s of a bare client's writes",
    laterMs <= 1000,
    `${laterMs} ms later`,
  );
  const between = (from: number, to: number, hit: boolean): number[] =>
    ledger.latencies(
      fleet.stations,
      (life, grant) => life.dialledAtMs >= from && life.dialledAtMs < to && isHit(grant) === hit,
    );
  const endMs = hitAtMs + comparedMs;
  const [before, during] = [between(beganAtMs, hitAtMs, false), between(hitAtMs, endMs, false)];
  report.figure("other shards, dial to registered, before", spread(before));
  report.figure("other shards, dial to registered, 10 s from the fault", spread(during));
  report.figure("hit shard, dial to registered, before", spread(between(beganAtMs, hitAtMs, true)));
  report.figure("hit shard, dial to registered, 10 s from the fault", spread(between(hitAtMs, endMs, true)));
  const [p99, limit] = [percentile(during, 0.99), 2 * percentile(before, 0.99)];
  const name = "other shards' claims p99 at most twice that of before";
  // A hundred claims in two seconds on a busy CI machine have no p99 worth a verdict.
  if (options.isQuick) report.figure(`${name} (no verdict with --quick)`, `${p99} ms of ${limit}`);
  else report.must(name, p99 <= limit, `${p99} ms of ${limit}`);
}
