// What a scrape is told of the whole process: readiness and its problems, bounds beside what they bound, versions.
//
// O1. A bound is a gauge beside its subject, with the same labels: an alert is then a ratio and knows no number of any deployment.

import type { GatewayConfig } from "@cpg/config";
import type { Meter } from "@cpg/telemetry";
import { buildInfo } from "./build-info.ts";
import type { HealthVerdict } from "./health.ts";
import type { RoutePlan } from "./routes-file.ts";

const problems = [
  "registry",
  "draining",
  "full",
  "eventLoop",
] as const satisfies readonly HealthVerdict["problems"][number]["code"][];

/** Begins to tell whether the edge is ready, and what keeps it from being so. */
export function observeReadiness(
  meter: Pick<Meter, "observe">,
  judge: () => HealthVerdict,
  isDraining: () => boolean,
): void {
  meter.observe("edge_ready", () => [{ value: judge().ready ? 1 : 0 }]);
  meter.observe("edge_draining", () => [{ value: isDraining() ? 1 : 0 }]);
  meter.observe("edge_problems", () => {
    const found = judge().problems;
    return problems.map((problem) => ({
      value: found.filter(({ code }) => code === problem).length,
      labels: { problem },
    }));
  });
}

/** Tells what is settled before the start: versions and bounds (O1). */
export function tellSettled(
  meter: Pick<Meter, "gauge">,
  { listen, management, routes }: Pick<GatewayConfig, "listen" | "management" | "routes">,
  plan: readonly RoutePlan[],
): void {
  const { version, node, uws } = buildInfo();
  meter.gauge("gateway_build_info", { version, node, uws }).set(1);
  meter.gauge("websocket_connections_limit").set(listen.maxConnections);
  meter.gauge("commands_pending_limit").set(management.maxPendingCommands);
  for (const { to } of plan) {
    if (to.type !== "http") continue;
    const limit = to.maxConcurrent ?? routes.http.maxConcurrent;
    meter.gauge("integration_concurrency_limit", { integration: to.name }).set(limit);
  }
}
