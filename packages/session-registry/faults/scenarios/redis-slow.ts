// Redis answers 50 ms late, then 500 ms late, then in time again: slow is not dead, so nothing opens, lapses or falls.

import { audit } from "../audit.ts";
import { spread } from "../report.ts";
import { metricSum } from "../world/edges.ts";
import { delay, nowMs } from "../world/time.ts";
import { watchEdges } from "../world/waiting.ts";
import { inWorld } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

const stepsMs = [0, 50, 500, 0];

export const redisSlow: Scenario = {
  name: "redis-slow",
  summary: "Redis answers 50 ms late, then 500 ms, then recovers (a delaying proxy before each node)",
  inQuick: false,
  run: (context) =>
    inWorld(context, { path: "delayed" }, async (world) => {
      const { stack, options, log, report, edges, fleet, commander } = world;
      const watched = watchEdges(edges);
      const steps: { lateMs: number; fromMs: number; toMs: number }[] = [];
      for (const lateMs of stepsMs) {
        log(`Redis answers ${lateMs} ms late`);
        for (const proxy of stack.proxies) proxy.setDelay(lateMs, "down");
        const fromMs = nowMs();
        await delay(options.slowMs);
        steps.push({ lateMs, fromMs, toMs: nowMs() });
      }
      watched.stop();
      const ledger = await audit(world);
      steps.forEach(({ lateMs, fromMs, toMs }, i) => {
        const name = i < steps.length - 1 ? `${lateMs} ms late` : "recovered";
        const during = ledger.latencies(
          fleet.stations,
          (life) => life.dialledAtMs >= fromMs && life.dialledAtMs < toMs,
        );
        report.figure(`dial to registered, ${name}`, spread(during));
        const answered = commander.commands.filter(
          ({ status, postedAtMs }) => status === 200 && postedAtMs >= fromMs && postedAtMs < toMs,
        );
        report.figure(
          `commands, post to answer, ${name}`,
          spread(answered.map(({ postedAtMs, endedAtMs }) => (endedAtMs ?? 0) - postedAtMs)),
        );
      });
      report.mustBeNone("circuits opened by slowness", [...watched.circuitsOpened]);
      report.mustBeNone("leases lapsed", [...watched.lapsed]);
      const dead = await metricSum(edges, "registry_edges_declared_dead_total");
      report.must("live edges declared dead", dead === 0, dead);
    }),
};
