// kill -9 of one Redis master under load: nobody is dropped, no claim is lost, the other shards do not notice, and the shard's
// claims flow again as soon as anybody's writes do.

import { partitions, partitionTags } from "@cpg/session-registry";
import { audit } from "../audit.ts";
import { percentile, spread } from "../report.ts";
import type { Ledger } from "../world/ledger.ts";
import { type SeenEvent, until } from "../world/observer.ts";
import { BareWriter } from "../world/bare-writer.ts";
import { masterOf } from "../world/redis-stack.ts";
import { delay, nowMs } from "../world/time.ts";
import { inWorld, type World } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

/** How long a failover may take before the scenario goes on without it, ms. */
const failoverLimitMs = 30_000;

export const masterKilled: Scenario = {
  name: "master-killed",
  summary: "kill -9 of one Redis master under load, compared with a bare client's writes to the same shard",
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { stack, options, log, report } = world;
      const beganAtMs = nowMs();
      await delay(options.calmMs);
      const [partition = partitions[0]] = partitions;
      if (partition === undefined) return;
      const victim = await masterOf(stack, partition);
      const bare = new BareWriter(stack, `${world.keyPrefix}{${partitionTags[partition]}}:bare`);
      await delay(500);
      const killedAtMs = nowMs();
      await victim.kill();
      log(`the master on port ${victim.port} is dead`);
      const bareMs = await until(() => bare.firstAfter(killedAtMs + 100) !== undefined, failoverLimitMs);
      await delay(options.calmMs + 4000);
      bare.stop();
      await victim.restart();
      await stack.cluster.untilHealthy(30_000);
      const ledger = await audit(world, { failover: true });
      report.figure(
        "bare client's writes flow again after, ms",
        bareMs === undefined ? "never" : (bare.firstAfter(killedAtMs + 100) ?? 0) - killedAtMs,
      );
      const shard = `${victim.host}:${victim.port}`;
      compareShards(world, ledger, {
        shard,
        beganAtMs,
        killedAtMs,
        bareAtMs: bare.firstAfter(killedAtMs + 100),
      });
    }),
};

/** What was hit, and when; `bareAtMs`: when a bare client's write to it went through again. */
export interface ShardFault {
  readonly shard: string;
  readonly beganAtMs: number;
  readonly killedAtMs: number;
  readonly bareAtMs: number | undefined;
}

/** Claims of the hit shard and of the others, before and after. */
export function compareShards(world: World, ledger: Ledger, fault: ShardFault): void {
  const { report, fleet, shards, observer } = world;
  const { shard, beganAtMs, killedAtMs, bareAtMs } = fault;
  const isHit = (event: SeenEvent): boolean => shards[event.partition] === shard;
  const firstAt = Math.min(
    ...observer.events
      .filter((e) => e.kind === "connected" && isHit(e) && e.atMs > killedAtMs + 100)
      .map(({ atMs }) => atMs),
  );
  const laterMs = bareAtMs === undefined ? Number.NaN : firstAt - bareAtMs;
  report.figure("its claims flow again after, ms", firstAt - killedAtMs);
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
  const endMs = killedAtMs + 10_000;
  const [before, during] = [between(beganAtMs, killedAtMs, false), between(killedAtMs, endMs, false)];
  report.figure("other shards, dial to registered, before", spread(before));
  report.figure("other shards, dial to registered, 10 s from the fault", spread(during));
  report.figure("hit shard, dial to registered, before", spread(between(beganAtMs, killedAtMs, true)));
  report.figure(
    "hit shard, dial to registered, 10 s from the fault",
    spread(between(killedAtMs, endMs, true)),
  );
  const [p99, limit] = [percentile(during, 0.99), 2 * percentile(before, 0.99)];
  report.must("other shards' claims p99 at most twice that of before", p99 <= limit, `${p99} ms of ${limit}`);
}
