// A run as one self-contained page: no script, nothing loaded. Pure.

import { boundText, cellText, numberText, verdictOf, type Verdict } from "./judge.ts";
import type { Figure, Plot, Run, Table } from "./model.ts";
import { plotSvg, seriesOf } from "./plots.ts";
import { style } from "./style.ts";

const verdictTexts: Readonly<Record<Verdict, string>> = {
  aim: "aim reached",
  goal: "goal reached",
  missed: "missed",
  none: "",
};

/** The page. Every text of the run is escaped. */
export function runHtml(run: Run): string {
  const { report, title, scenario } = run;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>bench ${escaped(scenario)}</title>
<style>${style}</style>
</head>
<body>
<header><p class="kicker">Charge Point Gateway · bench ${escaped(scenario)}</p><h1>${escaped(title)}</h1>
<p class="meta">${escaped(run.date)} · ${Math.round(run.seconds)} s · ${escaped(entries(run.machine))}</p></header>
<main>
${report.wrong.map((line) => `<p class="wrong">Wrong result: ${escaped(line)}</p>`).join("\n")}
${report.warnings.map((line) => `<p class="warning">${escaped(line)}</p>`).join("\n")}
${figuresHtml(report.figures)}
${report.plots.map(plotHtml).join("\n")}
${report.tables.map(tableHtml).join("\n")}
<details><summary>Parameters</summary><p>${escaped(entries(run.values))}</p></details>
</main>
</body>
</html>
`;
}

function figuresHtml(figures: readonly Figure[]): string {
  if (figures.length === 0) return "";
  return `<section class="figures">${figures.map(figureHtml).join("")}</section>`;
}

function figureHtml(figure: Figure): string {
  const { name, value, unit, goal, aim, range } = figure;
  const verdict = verdictOf(figure);
  const wanted = [boundText(goal, unit), aim === undefined ? "" : `aim ${boundText(aim, unit)}`];
  const lines = [
    wanted.filter((text) => text !== "").join(" · "),
    range === undefined ? "" : `rounds ${numberText(range[0])}–${numberText(range[1])}`,
  ];
  return (
    `<article class="${verdict}"><h2>${escaped(name)}</h2>` +
    `<p class="value">${numberText(value)} <small>${escaped(unit)}</small></p>` +
    lines
      .filter((line) => line !== "")
      .map((line) => `<p class="bounds">${escaped(line)}</p>`)
      .join("") +
    (verdict === "none" ? "" : `<p class="verdict">${verdictTexts[verdict]}</p>`) +
    `</article>`
  );
}

function plotHtml(plot: Plot): string {
  if (plot.points.length === 0) return "";
  const names = seriesOf(plot);
  const legend =
    names.length < 2
      ? ""
      : names.map((name, n) => `<span class="key key-${n % 6}">${escaped(name)}</span>`).join("");
  const rules = (plot.rules ?? [])
    .map(({ name, y }) => `<span class="rule">${escaped(name)}: ${numberText(y)}</span>`)
    .join("");
  return (
    `<section class="plot"><h2>${escaped(plot.title)}</h2><p class="legend">${legend}${rules}</p>` +
    `<div class="wide">${plotSvg(plot, 820)}</div><div class="narrow">${plotSvg(plot, 340)}</div></section>`
  );
}

function tableHtml({ title, columns, rows, clientBound = [], note }: Table): string {
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === "number"));
  const kind = (at: number): string => (isNumber[at] === true ? ' class="number"' : "");
  const head = columns.map((name, at) => `<th${kind(at)}>${escaped(name)}</th>`).join("");
  const body = rows.map((row, n) => {
    const cells = row.map((cell, at) => `<td${kind(at)}>${escaped(cellText(cell))}</td>`).join("");
    return clientBound.includes(n)
      ? `<tr class="clientbound" title="the client was the bottleneck">${cells}</tr>`
      : `<tr>${cells}</tr>`;
  });
  const warning =
    clientBound.length === 0 ? "" : `<p class="clientbound">Red: the client was the bottleneck.</p>`;
  return (
    `<section><h2>${escaped(title)}</h2><div class="scroll"><table><thead><tr>${head}</tr></thead>` +
    `<tbody>${body.join("")}</tbody></table></div>${warning}${note === undefined ? "" : `<p class="note">${escaped(note)}</p>`}</section>`
  );
}

function entries(record: Readonly<Record<string, unknown>>): string {
  return Object.entries(record)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(" · ");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
