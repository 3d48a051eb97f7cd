// Alerts about identities. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import type { AlertRule } from "./rule.ts";

/** Whether each charge point has one of its own. */
export function identityAlerts(windows: Windows): readonly AlertRule[] {
  return [
    {
      alert: "IdentitiesContested",
      // A gauge that remembers ten minutes: what goes on for no longer than another ten is no matter for anybody, a station that is swapped or a
      // modem that finds no network.
      expr: `${inRules.series("charge_points_contested")} > 0`,
      for: windows("20m"),
      severity: "warning",
      summary:
        "{{ $value }} identities at {{ $labels.instance }} are taken over again and again: two charge points with one identity?",
      page: "contested-identities",
    },
  ];
}
