// All rules as Prometheus reads them. Pure.

import { stringify } from "yaml";
import type { Windows } from "../windows.ts";
import { backendAlerts } from "./backend-alerts.ts";
import { credentialAlerts } from "./credential-alerts.ts";
import { capacityAlerts, servingAlerts } from "./edge-alerts.ts";
import { identityAlerts } from "./identity-alerts.ts";
import { recordingRules } from "./objectives.ts";
import { redisCapacityAlerts, redisHealthAlerts } from "./redis-alerts.ts";
import { registryAlerts } from "./registry-alerts.ts";
import type { AlertRule, RecordingRule, RuleGroup } from "./rule.ts";

/** Every recording rule, by group. */
export function recordingGroups(windows: Windows): readonly RuleGroup<RecordingRule>[] {
  return [{ name: "cpg-objectives", rules: recordingRules(windows) }];
}

/** Every alert, by group. */
export function alertGroups(windows: Windows): readonly RuleGroup<AlertRule>[] {
  return [
    { name: "cpg-edges", rules: servingAlerts(windows) },
    { name: "cpg-capacity", rules: capacityAlerts(windows) },
    { name: "cpg-credentials", rules: credentialAlerts(windows) },
    { name: "cpg-identities", rules: identityAlerts(windows) },
    { name: "cpg-registry", rules: registryAlerts(windows) },
    { name: "cpg-redis", rules: [...redisHealthAlerts(windows), ...redisCapacityAlerts(windows)] },
    { name: "cpg-backends", rules: backendAlerts(windows) },
  ];
}

/** The runbook's path as it stands in an alert's annotation, seen from the project's root. */
export function runbookOf(rule: AlertRule): string {
  return `dashboards/runbooks/${rule.page}.md`;
}

/** The text of a rules file with recording rules. */
export function recordingFile(windows: Windows): string {
  return fileOf(recordingGroups(windows));
}

/** The text of a rules file with alerts. */
export function alertFile(windows: Windows): string {
  const groups = alertGroups(windows).map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({
      alert: rule.alert,
      expr: rule.expr,
      ...(rule.for === undefined ? {} : { for: rule.for }),
      labels: { severity: rule.severity },
      annotations: { summary: rule.summary, runbook: runbookOf(rule) },
    })),
  }));
  return fileOf(groups);
}

function fileOf(groups: readonly object[]): string {
  const notice =
    "# Generated from dashboards/src/rules: change it there, then `pnpm --filter @cpg/dashboards generate`.\n";
  return notice + stringify({ groups }, { lineWidth: 0 });
}
