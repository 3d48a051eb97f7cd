// Alerts about identities. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import type { AlertRule } from "./rule.ts";

/** Whether each charge point has one of its own. */
export function identityAlerts(windows: Windows): readonly AlertRule[] {
  return [
    {
      alert: "IdentitiesContested",
      // An edge counts who was taken over five times in ten minutes, so whoever comes back in order is not in it. Ten minutes more: a technician
      // who swaps a station, or a modem that finds no network, is over by then.
      expr: `${inRules.series("charge_points_contested")} > 0`,
      for: windows("10m"),
      severity: "warning",
      summary:
        "{{ $value }} identities at {{ $labels.instance }} are taken over again and again: two charge points with one identity?",
      page: "contested-identities",
    },
  ];
}
