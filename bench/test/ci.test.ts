import { describe, expect, it } from "vitest";

import { readValues } from "../src/parameters.ts";
import { ciOf, smallForms } from "../src/scenarios/ci.ts";
import { BenchError, type Scenario } from "../src/scenario.ts";
import { scenarios } from "../src/scenarios.ts";

const single = scenarios.filter(({ name }) => name !== "ci");

function scenarioThatFinds(name: string, wrong: readonly string[]): Scenario {
  const report = {
    figures: [{ name: "slow", value: 9, unit: "s", goal: { atMost: 1 } }],
    tables: [],
    plots: [],
    wrong,
    warnings: [],
  };
  return { name, title: "", parameters: [], run: () => Promise.resolve(report) };
}

describe("the short form", () => {
  it("has a small form of every scenario, of values that the command line would take too", () => {
    expect(Object.keys(smallForms).sort()).toEqual(single.map(({ name }) => name).sort());
    for (const scenario of single) {
      const texts = Object.fromEntries(
        Object.entries(smallForms[scenario.name] ?? {}).map(([key, value]) => [key, String(value)]),
      );
      for (const key of Object.keys(texts))
        expect(scenario.parameters.map(({ name }) => name)).toContain(key);
      expect(readValues(scenario, texts)).toMatchObject({ kind: "values" });
    }
  });

  it("fails on a wrong result and says whose it is; a missed goal alone is no failure", async () => {
    const surroundings = { values: {}, say: () => undefined, nodeArguments: [] };
    const slow = await ciOf([scenarioThatFinds("slow", [])]).run(surroundings);
    expect(slow.wrong).toEqual([]);
    const lossy = await ciOf([
      scenarioThatFinds("slow", []),
      scenarioThatFinds("lossy", ["1 station lost"]),
    ]).run(surroundings);
    expect(lossy.wrong).toEqual(["lossy: 1 station lost"]);
  });

  it("says which scenario could not be measured", async () => {
    const surroundings = { values: {}, say: () => undefined, nodeArguments: [] };
    const dead = { ...scenarioThatFinds("storm", []), run: () => Promise.reject(new BenchError("no Redis")) };
    await expect(ciOf([dead]).run(surroundings)).rejects.toThrow(new BenchError("storm: no Redis"));
  });
});
