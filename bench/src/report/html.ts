// A run as one self-contained page: no script, nothing loaded. Pure.

import { boundText, cellText, numberText, verdictOf } from "./judge.ts";
import type { Figure, Plot, Run, Table } from "./model.ts";
import { plotSvg, seriesColours, seriesOf } from "./plots.ts";
import { style } from "./style.ts";

/** A text cell that is longer is broken over lines. */
const longText = 28;

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
<p class="command"><code>${commandHtml(run.command)}</code></p>
<p class="meta">${escaped(dateText(run.date))} · took ${Math.round(run.seconds)} s<br>${escaped(entries(run.machine))}</p></header>
<main>
${resultsHtml(report)}
${report.warnings.map((line) => `<p class="warning">${escaped(line)}</p>`).join("\n")}
${figuresHtml(report.figures)}
${report.plots.map(plotHtml).join("\n")}
${report.tables.map(tableHtml).join("\n")}
${parametersHtml(run.values)}
</main>
</body>
</html>
`;
}

function resultsHtml({ wrong, figures }: Run["report"]): string {
  if (wrong.length > 0)
    return wrong.map((line) => `<p class="wrong">Wrong result: ${escaped(line)}</p>`).join("\n");
  if (figures.length === 0) return ""; // nothing was measured that could be wrong
  return `<p class="right">All results are right: nothing lost, nothing unanswered.</p>`;
}

/** Broken between options only, never after a dash. */
function commandHtml(command: string): string {
  return command
    .split(/ (?=--)/u)
    .map((part) => `<span>${escaped(part)}</span>`)
    .join(" ");
}

function figuresHtml(figures: readonly Figure[]): string {
  if (figures.length === 0) return "";
  const columns = ["figure", "found", "rounds", "goal", "aim", ""].map((name) => `<th>${name}</th>`).join("");
  return (
    `<section><h2>Figures</h2><table class="figures"><thead><tr>${columns}</tr></thead>` +
    `<tbody>${figures.map(figureHtml).join("")}</tbody></table></section>`
  );
}

function figureHtml(figure: Figure): string {
  const { name, value, unit, goal, aim, range } = figure;
  const [kind, verdict] = verdictHtml(figure);
  const rounds = range === undefined ? "" : `${numberText(range[0])}–${numberText(range[1])}`;
  // Labels are for the phone, where the row is a block of its own.
  const small = (label: string, text: string): string =>
    text === "" ? `<td class="none"></td>` : `<td data-label="${label}">${escaped(text)}</td>`;
  return (
    `<tr class="${kind}"><th scope="row">${escaped(name)}</th>` +
    `<td class="value">${numberText(value)} <small>${escaped(unit)}</small></td>` +
    small("rounds", rounds) +
    small("goal", boundText(goal, unit)) +
    small("aim", boundText(aim, unit)) +
    `<td class="verdict">${verdict === "" ? "" : `<span>${verdict}</span>`}</td></tr>`
  );
}

/** How good it is (a class of the style sheet), and how that is said. */
function verdictHtml(figure: Figure): [kind: string, text: string] {
  switch (verdictOf(figure)) {
    case "aim":
      return ["good", "aim reached"];
    case "goal":
      return [figure.aim === undefined ? "good" : "fair", "goal reached"];
    case "missed":
      return ["bad", "missed"];
    case "none":
    default:
      return ["", ""];
  }
}

function plotHtml(plot: Plot): string {
  if (plot.points.length === 0) return "";
  const names = seriesOf(plot);
  const legend =
    names.length < 2
      ? ""
      : names.map((name, n) => `<span class="key key-${n % seriesColours}">${escaped(name)}</span>`).join("");
  const rules = (plot.rules ?? [])
    .map(({ name, y }) => `<span class="rule">${escaped(name)}: ${numberText(y)}</span>`)
    .join("");
  return (
    `<section class="plot"><h2>${escaped(plot.title)}</h2>` +
    (legend + rules === "" ? "" : `<p class="legend">${legend}${rules}</p>`) +
    `<div class="wide">${plotSvg(plot, 1000)}</div><div class="narrow">${plotSvg(plot, 340)}</div></section>`
  );
}

function tableHtml({ title, columns, rows, clientBound = [], note }: Table): string {
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === "number"));
  const kind = (at: number, text: string): string =>
    isNumber[at] === true ? ' class="number"' : text.length > longText ? ' class="text"' : "";
  const head = columns.map((name, at) => `<th${kind(at, "")}>${escaped(name)}</th>`).join("");
  const body = rows.map((row, n) => {
    const cells = row
      .map(cellText)
      .map((text, at) => `<td${kind(at, text)}>${escaped(text)}</td>`)
      .join("");
    return clientBound.includes(n)
      ? `<tr class="clientbound" title="the client was the bottleneck">${cells}</tr>`
      : `<tr>${cells}</tr>`;
  });
  const warning =
    clientBound.length === 0
      ? ""
      : `<p class="clientbound">Red: the client was the bottleneck, or the machine that it shares. The rate is not the server's.</p>`;
  return (
    `<section><h2>${escaped(title)}</h2><div class="scroll" tabindex="0" role="region" aria-label="${escaped(title)}">` +
    `<table class="rows"><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>` +
    `${warning}${note === undefined ? "" : `<p class="note">${escaped(note)}</p>`}</section>`
  );
}

function parametersHtml(values: Run["values"]): string {
  const text = entries(values);
  return text === ""
    ? ""
    : `<details><summary>All parameters, defaults included</summary><p>${escaped(text)}</p></details>`;
}

/** `2026-11-23 03:15 UTC`, of ISO 8601 */
function dateText(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
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
