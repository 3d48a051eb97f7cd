import { describe, expect, it } from "vitest";

import { readOrder } from "../src/cli.ts";
import { scenarios } from "../src/scenarios.ts";

/** The refusal of a command line; fails if it is not refused with exactly one line. */
function refusal(...argv: string[]): string {
  const order = readOrder(argv, scenarios);
  if (order.kind !== "refused") throw new Error(`${argv.join(" ")} was not refused`);
  expect(order.line).not.toContain("\n");
  return order.line;
}

describe("the command line", () => {
  it("lists every scenario with a line", () => {
    const order = readOrder(["--list"], scenarios);
    if (order.kind !== "said") throw new Error("--list says nothing");
    expect(
      order.text
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(scenarios.map(({ name }) => name));
  });

  it("explains itself when asked for nothing, and each scenario's parameters when asked for help", () => {
    expect(readOrder([], scenarios)).toMatchObject({
      kind: "said",
      text: expect.stringContaining("Usage") as string,
    });
    for (const { name, parameters } of scenarios) {
      const order = readOrder([name, "--help"], scenarios);
      if (order.kind !== "said") throw new Error(`${name} --help says nothing`);
      for (const parameter of parameters) expect(order.text).toContain(`--${parameter.name} `);
    }
  });

  it("takes parameters over the defaults", () => {
    const order = readOrder(["messages", "--stations", "500", "--seconds=1.5"], scenarios);
    expect(order).toMatchObject({ kind: "run", values: { stations: 500, seconds: 1.5, rounds: 5 } });
  });
});

describe("absurd parameters end at once with one line that says what may be", () => {
  it.each([["0"], ["-5"], ["1e9"], ["12abc"], ["1.5"], [""], ["Infinity"]])("--stations %j", (text) => {
    expect(refusal("messages", `--stations=${text}`)).toMatch(
      /^--stations must be a whole number from 1 to/u,
    );
  });

  it("an unknown scenario, an unknown parameter, a parameter without a value", () => {
    expect(refusal("mesages")).toContain("there are");
    expect(refusal("mesages", "--stations", "5")).toContain('no scenario is called "mesages"');
    expect(refusal("--stations", "5")).toContain('no scenario is called "--stations"');
    expect(refusal("messages", "--station", "5")).toContain("--stations");
    expect(refusal("messages", "--stations")).toContain("missing");
  });

  it("seconds into which no scrape would fall", () => {
    expect(refusal("telemetry", "--seconds", "2", "--interval", "5")).toBe(
      "--interval 5 must be less than twice --seconds (2): no scrape would fall into what is measured",
    );
    expect(refusal("telemetry", "--seconds", "2.5")).toContain("--interval 5");
    expect(readOrder(["telemetry", "--seconds", "2.6"], scenarios)).toMatchObject({ kind: "run" });
  });

  it("a folder without a name", () => {
    expect(refusal("storm", "--out", "")).toBe("--out must be a folder, not an empty text");
    expect(refusal("storm", "--profile= ")).toBe("--profile must be a folder, not an empty text");
  });

  it("a word too many: the default run of minutes is not what was asked for", () => {
    expect(refusal("storm", "extra")).toContain("extra");
    expect(refusal("messages", "500")).toContain("500");
    expect(refusal("storm", "--stations", "5", "storm")).toContain("storm");
    expect(refusal("storm", "--list")).toContain("--list");
    expect(refusal("--list", "storm")).toContain("--list takes no scenario");
  });
});
