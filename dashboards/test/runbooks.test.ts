// Every alert leads to a page that helps, and no page names what does not exist.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { alerts, dashboards, here } from "./support/shipped.ts";

const pages = readdirSync(join(here, "runbooks"));
const textOf = (page: string): string => readFileSync(join(here, "runbooks", page), "utf8");
const loadTest = "finding-the-fault-in-a-load-test.md";

test.each(alerts.map(({ alert, annotations }) => [alert, annotations?.["runbook"] ?? ""] as const))(
  "%s leads to a page that knows it",
  (alert, runbook) => {
    const text = readFileSync(join(here, "..", runbook), "utf8");
    expect(text).toMatch(new RegExp(`^Alert: .*\\b${alert}\\b`, "m"));
  },
);

test("no page is left over from an alert that is gone", () => {
  const used = new Set(alerts.map(({ annotations }) => annotations?.["runbook"]?.split("/").at(-1)));
  expect(pages.filter((page) => page !== loadTest && !used.has(page))).toEqual([]);
});

test("the README names every dashboard and every alert", () => {
  const text = readFileSync(join(here, "README.md"), "utf8");
  const expected = [
    ...dashboards.map(({ title }) => `*${title.split(" / ")[1]}*`),
    ...alerts.map(({ alert }) => `\`${alert}\``),
  ];
  expect(expected.filter((name) => !text.includes(name))).toEqual([]);
});

/** *Dashboard* / Panel, Panel and Panel: what comes after the slash and looks like a panel's title. */
const titles = new Set(dashboards.flatMap(({ panels }) => panels.map(({ title }) => title)));
const names: Readonly<Record<string, string>> = {
  Fleet: "cpg-fleet",
  Edge: "cpg-edge",
  "Session registry": "cpg-registry",
  "Integrations and commands": "cpg-backends",
  "Load test": "cpg-load-test",
};

describe.each(pages.map((page) => [page, textOf(page)] as const))("%s", (page, text) => {
  test("says what it means, what to look at, what to do, how to stop the bleeding", () => {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    if (page === loadTest) expect(headings.at(-1)).toBe("What to write down");
    else
      expect(headings).toEqual([
        "What it means",
        "What to look at",
        "What to do",
        "How to stop the bleeding",
      ]);
  });

  test("links only to pages that exist", () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !pages.includes(link))).toEqual([]);
  });

  test("names dashboards and panels that exist", () => {
    const mentions = [...text.matchAll(/\*([A-Z][^*\n]*)\* \/ ([^\n]*)/g)];
    for (const [, dashboard, rest] of mentions) {
      const uid = names[dashboard!];
      expect(uid, dashboard).toBeDefined();
      const panels = dashboards.find((each) => each.uid === uid)?.panels.map(({ title }) => title) ?? [];
      expect(
        panels.filter((title) => rest!.startsWith(title)),
        `${dashboard} / ${rest}`,
      ).not.toEqual([]);
    }
    expect(titles.size).toBeGreaterThan(0);
  });
});
