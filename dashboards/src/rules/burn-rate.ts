// Alerts on how fast an objective's budget is spent, over two windows each. Pure.
// After the SRE Workbook, chapter 5: 14.4 spends 2 % of a month's budget in an hour, 6 spends 5 % in six hours.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import { type Objective, ratioName } from "./objectives.ts";
import type { AlertRule } from "./rule.ts";

/**
 * Failures within the long window below which a share says nothing. Ten in the hour wake somebody: with five commands an hour, one charge
 * point that sleeps is already 17 %. Three in the six hours are told in the morning: the only command of a quiet night fails by 100 %.
 */
const fewest = { "1h": 10, "6h": 3 } as const;

/** Two alerts for an objective: a fast burn wakes somebody, a slow one waits for the morning. */
export function burnRateAlerts(
  objective: Objective,
  windows: Windows,
  as: { readonly alert: string; readonly what: string; readonly page: string },
): readonly AlertRule[] {
  const above = (window: "5m" | "30m" | "1h" | "6h", rate: number): string =>
    `${inRules.recorded(ratioName(objective, window))} > ${rate} * ${objective.budget}`;
  const enough = (window: "1h" | "6h"): string =>
    `sum by (job, instance) (increase(${objective.bad}[${windows(window)}])) >= ${fewest[window]}`;
  const summary = `{{ $labels.instance }}: {{ $value | humanizePercentage }} of ${as.what} (objective: at most ${objective.budget * 100} %)`;
  return [
    {
      alert: `${as.alert}Fast`,
      expr: `${above("1h", 14.4)} and ${above("5m", 14.4)} and ${enough("1h")}`,
      severity: "critical",
      summary,
      page: as.page,
    },
    {
      alert: `${as.alert}Slow`,
      expr: `${above("6h", 6)} and ${above("30m", 6)} and ${enough("6h")}`,
      severity: "warning",
      summary,
      page: as.page,
    },
  ];
}
