// One Redis master hangs (SIGSTOP) with open sockets, is replaced, and comes back later: only time-outs tell that it is gone.

import { partitions, partitionTags } from "@cpg/session-registry";
import { audit } from "../audit.ts";
import { BareWriter } from "../world/bare-writer.ts";
import { until } from "../world/observer.ts";
import { masterOf } from "../world/redis-stack.ts";
import { delay, nowMs } from "../world/time.ts";
import { inWorld } from "../world/world.ts";
import { compareShards, failoverLimitMs } from "./shard-figures.ts";
import type { Scenario } from "./scenario.ts";

export const masterHung: Scenario = {
  name: "master-hung",
  summary: "one Redis master is stopped (SIGSTOP) under load and continued later (SIGCONT)",
  inQuick: false,
  run: (context) =>
    inWorld(context, {}, async (world) => {
      const { stack, options, log, report, keyPrefix } = world;
      const beganAtMs = nowMs();
      await delay(options.calmMs);
      const [partition] = partitions;
      if (partition === undefined) return;
      const victim = await masterOf(stack, partition);
      const bare = new BareWriter(stack, `${keyPrefix}{${partitionTags[partition]}}:bare`);
      await delay(500);
      const hitAtMs = nowMs();
      victim.pause();
      log(`the master on port ${victim.port} hangs`);
      try {
        await until(() => bare.firstAfter(hitAtMs + 100) !== undefined, failoverLimitMs);
        await delay(Math.max(options.calmMs, options.pauseMs - (nowMs() - hitAtMs)));
      } finally {
        victim.resume();
      }
      log("it goes on");
      await delay(options.calmMs);
      bare.stop();
      await stack.cluster.untilHealthy(30_000);
      const ledger = await audit(world, { failover: true });
      report.figure("hung for, ms", options.pauseMs);
      compareShards(world, ledger, {
        shard: `${victim.host}:${victim.port}`,
        beganAtMs,
        hitAtMs,
        bareAtMs: bare.firstAfter(hitAtMs + 100),
      });
    }),
};
