// Alerts on how fast an objective's budget is spent, over two windows each. Pure.
// After the SRE Workbook, chapter 5: 14.4 spends 2 % of a month's budget in an hour, 6 spends 5 % in six hours.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import { type Objective, ratioName } from "./objectives.ts";
import type { AlertRule } from "./rule.ts";

/**
 * Failures within the hour below which nobody is woken: with five commands an hour, one charge point that sleeps is already 17 %. What
 * few failures there are, the slow alert still tells.
 */
const fewestToWake = 10;

/** Two alerts for an objective: a fast burn wakes somebody, a slow one waits for the morning. */
export function burnRateAlerts(
  objective: Objective,
  windows: Windows,
  as: { readonly alert: string; readonly what: string; readonly page: string },
): readonly AlertRule[] {
  const above = (window: "5m" | "30m" | "1h" | "6h", rate: number): string =>
    `${inRules.recorded(ratioName(objective, window))} > ${rate} * ${objective.budget}`;
  const failed = `sum by (job, instance) (increase(${objective.bad}[${windows("1h")}]))`;
  const summary = `{{ $labels.instance }}: {{ $value | humanizePercentage }} of ${as.what} (objective: at most ${objective.budget * 100} %)`;
  return [
    {
      alert: `${as.alert}Fast`,
      expr: `${above("1h", 14.4)} and ${above("5m", 14.4)} and ${failed} >= ${fewestToWake}`,
      severity: "critical",
      summary,
      page: as.page,
    },
    {
      alert: `${as.alert}Slow`,
      expr: `${above("6h", 6)} and ${above("30m", 6)}`,
      severity: "warning",
      summary,
      page: as.page,
    },
  ];
}
