// Nothing on a dashboard or in a rule asks for what telemetry does not declare, and no instrument is left unseen.
import { instruments, type InstrumentName } from "@cpg/telemetry";
import { describe, expect, test } from "vitest";
import { edgeJob } from "../src/promql.ts";
import { parsePromql, type Selector } from "./support/promql.ts";
import { dashboards, expressions, rules, substituted } from "./support/shipped.ts";

type Declared = (typeof instruments)[InstrumentName];

/** Labels that Prometheus itself puts on every series of ours. */
const targetLabels = ["job", "instance"];
/** What Prometheus makes of a scrape. */
const madeByPrometheus = new Set(["up"]);
const recorded = new Map(rules.flatMap((rule) => (rule.record ? [[rule.record, rule.expr] as const] : [])));

function declarationOf(metric: string): { declaration: Declared; labels: string[] } | undefined {
  const [, base = "", suffix] = /^(.*?)(_bucket|_count|_sum)?$/.exec(metric) ?? [];
  const named = instruments as Readonly<Record<string, Declared>>;
  const plain = named[metric];
  if (plain && plain.kind !== "histogram")
    return { declaration: plain, labels: [...Object.keys(plain.labels), ...targetLabels] };
  const declaration = named[base];
  if (!suffix || declaration?.kind !== "histogram") return undefined;
  const le = suffix === "_bucket" ? ["le"] : [];
  return { declaration, labels: [...Object.keys(declaration.labels), ...targetLabels, ...le] };
}

/** Every label that a selector's series can have, or undefined for a metric that nobody declares. */
function labelsOf({ metric }: Selector): readonly string[] | undefined {
  if (madeByPrometheus.has(metric)) return targetLabels;
  if (recorded.has(metric)) return targetLabels;
  return declarationOf(metric)?.labels;
}

/** The values that a label may have, where they are known before anything runs. */
function valuesOf(metric: string, label: string): readonly string[] | undefined {
  const rules = declarationOf(metric)?.declaration.labels as
    Readonly<Record<string, { kind: string; values?: readonly string[] }>> | undefined;
  const rule = rules?.[label];
  return rule?.kind === "closed" ? rule.values : rule?.values && [...rule.values, "other"];
}

const complaintsAbout = (selector: Selector): string[] => {
  const labels = labelsOf(selector);
  if (!labels) return [`${selector.metric} is not declared`];
  const complaints: string[] = [];
  if (!selector.matchers.some(({ label, value }) => label === "job" && value === edgeJob))
    complaints.push(`${selector.text} may match other jobs' series`);
  for (const { label, value, operator } of selector.matchers) {
    if (!labels.includes(label)) complaints.push(`${selector.metric} has no label ${label}`);
    const allowed = valuesOf(selector.metric, label);
    const asked = operator.includes("~") ? value.split("|") : [value];
    for (const each of asked)
      if (allowed && !allowed.includes(each)) complaints.push(`${selector.metric}: no ${label} is ${each}`);
  }
  const kind = declarationOf(selector.metric)?.declaration.kind;
  const isRated = ["rate", "increase", "irate"].includes(selector.appliedFunction ?? "");
  if (kind && kind !== "gauge" && !isRated)
    complaints.push(`${selector.metric} only grows: it says nothing without rate`);
  if (kind === "gauge" && isRated) complaints.push(`${selector.metric} is a gauge: it has no rate`);
  return complaints;
};

describe.each(expressions.map((each) => [each.where, each] as const))("%s", (_, { expr, templates }) => {
  const parsed = parsePromql(substituted(expr));

  test("names only metrics, labels and values that are declared, and treats each by its kind", () => {
    expect(parsed.selectors.flatMap(complaintsAbout)).toEqual([]);
    expect(parsed.selectors).not.toHaveLength(0);
  });

  test("groups and titles only by labels that its series have: others would be silently empty", () => {
    for (const { labels, selectors } of parsed.groupings)
      for (const selector of selectors)
        expect(labels.filter((label) => !labelsOf(selector)?.includes(label))).toEqual([]);
    const known = new Set(parsed.selectors.flatMap((selector) => labelsOf(selector) ?? []));
    const used = templates.flatMap((text) =>
      [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label]) => label!),
    );
    expect(used.filter((label) => !known.has(label))).toEqual([]);
  });
});

describe("the checks themselves", () => {
  const complaints = (expr: string): string[] => parsePromql(expr).selectors.flatMap(complaintsAbout);

  test.each([
    ['rate(websocket_connections{job="cpg-edge"}[5m])', "websocket_connections is not declared"],
    ['edge_ready{job="cpg-edge", station="x"}', "edge_ready has no label station"],
    ['rate(commands_total{job="cpg-edge", outcome="lost"}[5m])', "commands_total: no outcome is lost"],
    [
      'rate(commands_total{job="cpg-edge", outcome=~"offline|gone"}[5m])',
      "commands_total: no outcome is gone",
    ],
    ["process_open_fds", "process_open_fds may match other jobs' series"],
    ['commands_total{job="cpg-edge"}', "commands_total only grows: it says nothing without rate"],
    ['rate(edge_ready{job="cpg-edge"}[5m])', "edge_ready is a gauge: it has no rate"],
    [
      'rate(command_duration_seconds{job="cpg-edge"}[5m])',
      "command_duration_seconds is not declared", // only _bucket, _count and _sum of it are
    ],
  ])("would find %s", (expr, complaint) => {
    expect(complaints(expr)).toEqual([complaint]);
  });

  test("would find an expression that is no PromQL", () => {
    expect(() => parsePromql('sum(rate(commands_total{job="cpg-edge"}[5m])')).toThrow("not PromQL");
  });
});

test("every declared instrument is seen on a dashboard: one that nobody looks at is not worth its series", () => {
  const seen = new Set(
    expressions.flatMap(({ expr }) => parsePromql(substituted(expr)).selectors.map(({ metric }) => metric)),
  );
  const unseen = Object.keys(instruments).filter(
    (name) => ![name, `${name}_bucket`, `${name}_count`, `${name}_sum`].some((each) => seen.has(each)),
  );
  expect(unseen).toEqual([]);
});

/** Grafana's names of the units that we use: one that it does not know is silently no unit. */
const units = ["short", "ops", "s", "bytes", "Bps", "percentunit"];

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))("%s", (_, dashboard) => {
  test("uses only its own variables", () => {
    const names = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    expect(used.filter((name) => name !== "__rate_interval" && name !== "__all" && !names.has(name))).toEqual(
      [],
    );
  });

  test("begins with all edges of the Prometheus that is Grafana's default", () => {
    const variables = dashboard.templating.list;
    expect(variables).toMatchObject([
      { name: "datasource", type: "datasource", query: "prometheus" },
      { name: "instance", type: "query", includeAll: true, allValue: ".*", current: { value: "$__all" } },
    ]);
    // No first choice of a data source: an id of somebody else's Grafana would leave every panel empty.
    expect(variables[0]?.current).toBeUndefined();
  });

  test("every panel has a title of its own, a unit, and queries with legends to the chosen data source", () => {
    const panels = dashboard.panels.filter(({ type }) => type !== "row");
    const source = { type: "prometheus", uid: "${datasource}" };
    for (const { type, title, datasource, fieldConfig, targets = [] } of panels) {
      expect(["timeseries", "stat", "state-timeline"], title).toContain(type);
      expect(units, title).toContain(fieldConfig?.defaults.unit);
      expect(datasource, title).toEqual(source);
      expect(targets, title).not.toEqual([]);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const target of targets) expect(target.datasource, title).toEqual(source);
      expect(targets.filter(({ legendFormat = "" }) => legendFormat === "")).toEqual([]);
    }
    const titles = panels.map(({ title }) => title);
    expect(titles.filter((title, at) => title === "" || titles.indexOf(title) !== at)).toEqual([]);
  });

  test("every panel says which question it answers, has an id of its own and overlaps no other", () => {
    const panels = dashboard.panels.filter(({ type }) => type !== "row");
    expect(
      panels.filter(({ description = "" }) => !/[?.]$/.test(description)).map(({ title }) => title),
    ).toEqual([]);
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});
