import { describe, expect, it } from "vitest";

import { commandOf } from "../src/execute.ts";
import { runHtml } from "../src/report/html.ts";
import { numberText, verdictOf } from "../src/report/judge.ts";
import type { Plot, Run } from "../src/report/model.ts";
import { plotSvg } from "../src/report/plots.ts";
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

describe("a plot", () => {
  const names = ["none", "red", "inherit", "currentColor"];
  const points = names.flatMap((series, n) => [0, 1].map((x) => ({ x, y: n * x, series })));

  it.each(["lines", "bars"] as const)("%s: draws a series whose name CSS knows like any other", (kind) => {
    const svg = plotSvg({ title: "P", kind, x: "", y: "", points }, 340);
    const attribute = kind === "lines" ? "stroke" : "fill";
    for (const n of names.keys()) expect(svg).toContain(`${attribute}="var(--series-${n})"`);
    expect(svg).not.toMatch(/stroke="(?:none|red|inherit)"|fill="(?:red|inherit)"/u);
  });

  const bars = (...labels: string[]): Plot => {
    return { title: "P", kind: "bars", x: "", y: "", points: labels.map((x) => ({ x, y: 1, series: "s" })) };
  };
  const textsOf = (svg: string): string[] =>
    [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</gu)].map(([, text]) => text ?? "");
  const beginOfBars = (svg: string): number => Number(/<rect[^>]* x="([\d.]+)"/u.exec(svg)?.[1]);

  it("sets long names above their bars on a phone, where the margin would cut them", () => {
    const long = "the least (raw uWS.js, a hash, a SET)";
    const phone = plotSvg(bars(long, "edge"), 340);
    expect(beginOfBars(phone)).toBeLessThan(10);
    expect(textsOf(phone)).toEqual(expect.arrayContaining([long, "edge"]));
    expect(beginOfBars(plotSvg(bars(long, "edge"), 1000))).toBeGreaterThan(200);
    expect(beginOfBars(plotSvg(bars("edge"), 340))).toBeGreaterThan(30);
  });

  it("breaks a name for which no line is long enough", () => {
    const words = Array.from({ length: 20 }, () => "four").join(" ");
    const texts = textsOf(plotSvg(bars(words), 340)).filter((text) => text.includes("four"));
    expect(texts.join(" ").replaceAll(/\s+/gu, " ")).toBe(words);
    for (const text of texts) expect(text.length * 6).toBeLessThan(340);
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
