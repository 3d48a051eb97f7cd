import { describe, expect, it } from "vitest";

import { commandOf } from "../src/execute.ts";
import { runHtml } from "../src/report/html.ts";
import { numberText, verdictOf } from "../src/report/judge.ts";
import type { Run } from "../src/report/model.ts";
import { runText } from "../src/report/text.ts";

const run: Run = {
  scenario: "example",
  title: "An <example>",
  command: "pnpm bench example --stations 5",
  date: "2026-11-23T00:00:00.000Z",
  seconds: 12,
  values: { stations: 5 },
  machine: { cores: "2" },
  report: {
    figures: [
      { name: "reached", value: 1.1, unit: "×", goal: { atMost: 1.5 }, aim: { atMost: 1.2 } },
      { name: "missed", value: 99, unit: "%", goal: { atLeast: 100 } },
    ],
    tables: [
      {
        title: "T",
        columns: ["who", "µs"],
        rows: [
          ["<b>", 1.234],
          ["slow", undefined],
        ],
        clientBound: [1],
      },
    ],
    plots: [
      {
        title: "P",
        kind: "bars",
        x: "",
        y: "µs",
        points: [
          { x: "a", y: 1, series: "s" },
          { x: "b", y: 2, series: "t" },
        ],
      },
      {
        title: "L",
        kind: "lines",
        x: "s",
        y: "n",
        points: [
          { x: 0, y: 1, series: "s" },
          { x: 1, y: 2, series: "s" },
        ],
      },
    ],
    wrong: ["a lost station"],
    warnings: ["careful"],
  },
};

describe("a figure", () => {
  it("is judged by its aim first, then by its goal, at the bound inclusive", () => {
    const figure = { name: "", unit: "", goal: { atMost: 2 }, aim: { atMost: 1 } };
    expect([1, 1.5, 2, 2.1].map((value) => verdictOf({ ...figure, value }))).toEqual([
      "aim",
      "goal",
      "goal",
      "missed",
    ]);
    expect(verdictOf({ name: "", unit: "", value: 5 })).toBe("none");
  });

  it("misses when it could not be measured: nothing divided by nothing is no success", () => {
    expect(verdictOf({ name: "", unit: "", value: Number.NaN, goal: { atMost: 2 } })).toBe("missed");
    expect(numberText(Number.NaN)).toBe("–");
  });
});

describe("the page", () => {
  const html = runHtml(run);

  it("stands alone: no script, nothing loaded from anywhere", () => {
    expect(html).not.toMatch(/<script|<link|@import|src=|url\(/u);
  });

  it("escapes what it shows", () => {
    expect(html).toContain("An &lt;example&gt;");
    expect(html).toContain("&lt;b&gt;");
    expect(html).not.toContain("<b>");
  });

  it("draws each plot twice, for a phone and for a desk, in the page's own colours", () => {
    expect(html.match(/<svg/gu)).toHaveLength(4);
    expect(html).toContain("var(--series-0)");
    expect(html).toContain("prefers-color-scheme: dark");
  });

  it("begins with the command that made it, the date, and each figure beside its goal, its aim and the verdict", () => {
    const text = html.replaceAll(/<style[^]*?<\/style>|<[^>]+>/gu, " ").replaceAll(/\s+/gu, " ");
    expect(text).toMatch(/pnpm bench example --stations 5 .*2026-11-23 00:00 UTC · took 12 s.*cores 2/u);
    expect(text).toContain("reached 1.10 × ≤ 1.50 × ≤ 1.20 × aim reached");
    expect(text).toContain("missed 99 % ≥ 100 % missed");
  });

  it("says that all is right only where something was measured and nothing was wrong", () => {
    const right = (report: Partial<Run["report"]>): boolean =>
      runHtml({ ...run, report: { ...run.report, ...report } }).includes("All results are right");
    expect(right({ wrong: [] })).toBe(true);
    expect(right({})).toBe(false);
    expect(right({ wrong: [], figures: [] })).toBe(false);
  });

  it("draws a bar for each point, and no empty row for a subject that a series does not have", () => {
    expect(html.match(/<rect/gu)).toHaveLength(2 * 2); // twice, see above
    const labels = [...html.matchAll(/<text[^>]*>([ab])<\/text>/gu)].map(([, label]) => label);
    expect(labels).toEqual(["a", "b", "a", "b"]);
  });

  it("says wrong results and a bottleneck of the client where nobody can miss them", () => {
    expect(html).toContain("Wrong result: a lost station");
    expect(html).toContain('<tr class="clientbound"');
  });
});

describe("the command that made a run", () => {
  it("names what differs from the defaults, and nothing else", () => {
    const parameters = ["stations", "rounds"].map((name) => {
      return { name, default: 5, min: 1, max: 9, unit: "", meaning: "" };
    });
    const commandWith = (profile: string | undefined): string =>
      commandOf({ name: "messages", parameters }, { stations: 5, rounds: 2 }, { profile });
    expect(commandWith(undefined)).toBe("pnpm bench messages --rounds 2");
    // A profiled edge is a dearer one: who reads the page has to know.
    expect(commandWith("/tmp/profiles")).toBe("pnpm bench messages --rounds 2 --profile /tmp/profiles");
    expect(commandWith("it's here")).toBe(
      String.raw`pnpm bench messages --rounds 2 --profile 'it'\''s here'`,
    );
  });
});

describe("the terminal", () => {
  it("shows the same without colours where there is no terminal", () => {
    const text = runText(run, false);
    expect(text).not.toContain("\u001B");
    expect(text).toContain("WRONG: a lost station");
    expect(text).toContain("missed: 99 %   [≥ 100 %] MISSED");
    expect(text).toContain("the client was the bottleneck");
  });
});
