// Alerts about the file of charge points' keys. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import type { AlertRule } from "./rule.ts";

/** Whether charge points are known. Who is not is refused by no fault of the gateway's, so no objective tells of it. */
export function credentialAlerts(windows: Windows): readonly AlertRule[] {
  const chargePoints = inRules.series("auth_file_charge_points");
  return [
    {
      alert: "CredentialsLost",
      expr: `${chargePoints} < 0.5 * (${chargePoints} offset ${windows("10m")})`,
      severity: "critical",
      summary:
        "the credentials file of {{ $labels.instance }} has lost more than half of its charge points: {{ $value }} are left",
      page: "credentials-file",
    },
    {
      alert: "CredentialsEmpty",
      // Beside the one above, which compares an edge with its own past: one that started with an empty file has lost nothing.
      expr: `${chargePoints} == 0`,
      for: windows("3m"),
      severity: "critical",
      summary: "the credentials file of {{ $labels.instance }} has no charge point: it lets nobody in",
      page: "credentials-file",
    },
    {
      alert: "CredentialsFileUnusable",
      expr: `${inRules.series("auth_file_usable")} == 0`,
      for: windows("5m"),
      severity: "warning",
      summary:
        "{{ $labels.instance }} cannot use its credentials file: the last good one counts until it restarts",
      page: "credentials-file",
    },
  ];
}
