// kill -9 of one Redis master under load: nobody is dropped, no claim is lost, the other shards do not notice, and the shard's
// claims flow again as soon as anybody's writes do.

import { partitions, partitionTags } from "@cpg/session-registry";
import { audit } from "../audit.ts";
import { BareWriter } from "../world/bare-writer.ts";
import { metricSum } from "../world/edges.ts";
import { until } from "../world/observer.ts";
import { masterOf } from "../world/redis-stack.ts";
import { delay, nowMs } from "../world/time.ts";
import { inWorld } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";
import { compareShards, failoverLimitMs } from "./shard-figures.ts";

/** How long after the failover the traffic goes on, beside `calmMs`, ms. */
const afterwardsMs = 4000;

export const masterKilled: Scenario = {
  name: "master-killed",
  summary: "kill -9 of one Redis master under load, compared with a bare client's writes to the same shard",
  inQuick: true,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { stack, options, log, keyPrefix, report, edges } = world;
      const cpuSeconds = (): Promise<number> => metricSum(edges, "process_cpu_seconds_total");
      const beganAtMs = nowMs();
      const cpuBegan = await cpuSeconds();
      await delay(options.calmMs);
      const [partition] = partitions;
      if (partition === undefined) return;
      const victim = await masterOf(stack, partition);
      const bare = new BareWriter(stack, `${keyPrefix}{${partitionTags[partition]}}:bare`);
      await delay(500);
      const cpuHit = await cpuSeconds();
      const hitAtMs = nowMs();
      await victim.kill();
      log(`the master on port ${victim.port} is dead`);
      await until(() => bare.firstAfter(hitAtMs + 100) !== undefined, failoverLimitMs);
      const [cpuFlows, flowsAtMs] = [await cpuSeconds(), nowMs()];
      report.figure("CPU of the edges before, % of a core", percent(cpuHit - cpuBegan, hitAtMs - beganAtMs));
      report.figure(
        "CPU of the edges while the shard was away, % of a core",
        percent(cpuFlows - cpuHit, flowsAtMs - hitAtMs),
      );
      await delay(options.calmMs + afterwardsMs);
      bare.stop();
      await victim.restart();
      await stack.cluster.untilHealthy(30_000);
      const ledger = await audit(world, { failover: true });
      compareShards(world, ledger, {
        shard: `${victim.host}:${victim.port}`,
        beganAtMs,
        hitAtMs,
        bareAtMs: bare.firstAfter(hitAtMs + 100),
      });
    }),
};

const percent = (cpuSeconds: number, wallMs: number): number => Math.round((100_000 * cpuSeconds) / wallMs);
