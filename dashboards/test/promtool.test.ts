// Prometheus' own checks, and each alert's unit tests at the true windows: it fires in a fault and is quiet in what looks similar.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { credentialCases } from "./alerts/credential-cases.ts";
import { identityCases } from "./alerts/identity-cases.ts";
import { edgeCases, objectiveCases } from "./alerts/edge-cases.ts";
import { backendCases } from "./alerts/backend-cases.ts";
import { redisCases } from "./alerts/redis-cases.ts";
import { registryCases } from "./alerts/registry-cases.ts";
import type { AlertCases, Fault, Situation } from "./alerts/situation.ts";
import { promtool } from "./support/prometheus.ts";
import { alerts, here } from "./support/shipped.ts";

const cases: Readonly<Record<string, AlertCases>> = {
  ...credentialCases,
  ...identityCases,
  ...edgeCases,
  ...objectiveCases,
  ...registryCases,
  ...redisCases,
  ...backendCases,
};

let folder = "";
let verdicts: ReadonlyMap<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cpg-promtool-"));
  verdicts = await judge();
}, 150_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("promtool accepts the configuration and its rules", async () => {
  const { isGood, text } = await promtool(["check", "config", "prometheus.yml"], join(here, "prometheus"));
  expect(text).toContain(`${alerts.length} rules found`);
  expect(isGood, text).toBe(true);
}, 120_000);

test("promtool finds nothing to remark on the rules", async () => {
  const rules = ["recording.yml", "alerts.yml"].map((name) => join(here, "prometheus/rules", name));
  const { isGood, text } = await promtool(["check", "rules", "--lint=all", "--lint-fatal", ...rules], folder);
  expect(isGood, text).toBe(true);
});

test("every alert has unit tests, and no test is about an alert that is gone", () => {
  expect(Object.keys(cases).sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  expect(Object.values(cases).filter(({ quiet }) => quiet.length === 0)).toEqual([]);
});

const faultsOf = ({ fires, alsoFires = [] }: AlertCases): readonly Fault[] => [fires, ...alsoFires];

/** A test file of promtool's. */
function testFile(alert: string, situation: Situation, expected: readonly object[]): string {
  return stringify({
    rule_files: ["recording.yml", "alerts.yml"].map((name) => join(here, "prometheus/rules", name)),
    evaluation_interval: situation.every,
    tests: [
      {
        interval: situation.every,
        input_series: Object.entries(situation.series).map(([series, values]) => ({ series, values })),
        alert_rule_test: [{ eval_time: situation.at, alertname: alert, exp_alerts: expected }],
      },
    ],
  });
}

/** Its name as promtool prints it before its verdict. */
function fileName(alert: string, situation: Situation): string {
  return `${alert} when ${situation.when}.yml`.replaceAll(/[^\w.]+/g, "-");
}

/** What promtool says of each of our test files: of all in one process, and only if it complains of each in its own. */
async function judge(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [alert, each] of Object.entries(cases)) {
    for (const fault of faultsOf(each))
      files.set(fileName(alert, fault), testFile(alert, fault, [firing(alert, fault)]));
    for (const quiet of each.quiet) files.set(fileName(alert, quiet), testFile(alert, quiet, []));
  }
  for (const [name, text] of files) await writeFile(join(folder, name), text);
  const all = await promtool(["test", "rules", ...files.keys()], folder);
  const verdicts = new Map<string, string>();
  for (const name of files.keys()) {
    const { isGood, text } = all.isGood ? all : await promtool(["test", "rules", name], folder);
    verdicts.set(name, isGood ? "as expected" : text);
  }
  return verdicts;
}

function firing(alert: string, { labels, summary }: Fault): object {
  const rule = alerts.find((each) => each.alert === alert);
  return {
    exp_labels: { ...labels, ...rule?.labels },
    exp_annotations: { summary, runbook: rule?.annotations?.["runbook"] },
  };
}

test("an alert that fires where silence is expected is seen: the quiet cases below prove something", async () => {
  await writeFile(join(folder, "loud.yml"), testFile("EdgeDown", edgeCases["EdgeDown"]!.fires, []));
  const { isGood, text } = await promtool(["test", "rules", "loud.yml"], folder);
  expect(text).toContain("FAILED");
  expect(isGood).toBe(false);
});

const named = (situations: readonly Situation[]): (readonly [string, Situation])[] =>
  situations.map((situation) => [situation.when, situation]);

describe.each(Object.entries(cases))("%s", (alert, each) => {
  test.each(named(faultsOf(each)))("fires when %s", (_, fault) => {
    expect(verdicts.get(fileName(alert, fault))).toBe("as expected");
  });

  test.each(named(each.quiet))("is quiet when %s", (_, situation) => {
    expect(verdicts.get(fileName(alert, situation))).toBe("as expected");
  });
});
