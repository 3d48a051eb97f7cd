// What this package ships, read from its files as Grafana and Prometheus read them. I/O: files.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** This package's folder. */
export const here: string = join(import.meta.dirname, "../..");

/** A query somewhere, and where. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
  /** Templates of legends and annotations that use its labels. */
  readonly templates: readonly string[];
}

interface Source {
  readonly type?: string;
  readonly uid?: string;
}

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
  readonly refId: string;
  readonly datasource?: Source;
}

interface Panel {
  readonly id?: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: Source;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

/** What is chosen at the top of a dashboard. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
  readonly current?: unknown;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

/** A dashboard's file, what we look at of it. */
export interface DashboardFile {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly Variable[];
  };
}

/** A rule in a rules file. */
export interface RuleFile {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Every dashboard. */
export const dashboards: readonly DashboardFile[] = readdirSync(join(here, "grafana"))
  .filter((name) => name.endsWith(".json"))
  .map((name) => JSON.parse(readFileSync(join(here, "grafana", name), "utf8")) as DashboardFile);

/** Every rule. */
export const rules: readonly RuleFile[] = readdirSync(join(here, "prometheus/rules")).flatMap((name) => {
  const file = parse(readFileSync(join(here, "prometheus/rules", name), "utf8")) as {
    groups: { rules: RuleFile[] }[];
  };
  return file.groups.flatMap((group) => group.rules);
});

/** Every alert. */
export const alerts: readonly (RuleFile & { readonly alert: string })[] = rules.flatMap((rule) =>
  rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }],
);

/** The dashboards' queries, with the variables still in them. */
export const panelExpressions: readonly Expression[] = dashboards.flatMap((dashboard) =>
  dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr, legendFormat }) => ({
      where: `${dashboard.uid} / ${panel.title}`,
      expr,
      templates: [legendFormat ?? ""],
    })),
  ),
);

/** The rules' expressions. */
export const ruleExpressions: readonly Expression[] = rules.map((rule) => ({
  where: rule.alert ?? rule.record ?? "?",
  expr: rule.expr,
  templates: Object.values(rule.annotations ?? {}),
}));

/** All of them. */
export const expressions: readonly Expression[] = [...panelExpressions, ...ruleExpressions];

/** As Grafana would send it: all edges, and this window for its own. */
export function substituted(expr: string, rateInterval = "1m"): string {
  return expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$instance", ".*");
}
