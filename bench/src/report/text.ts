// A run for the terminal. Pure.

import { boundText, cellText, numberText, verdictOf, type Verdict } from "./judge.ts";
import type { Figure, Run, Table } from "./model.ts";

const red = (text: string): string => `\u001B[31m${text}\u001B[39m`;
const marks: Readonly<Record<Verdict, string>> = { aim: "aim", goal: "goal", missed: "MISSED", none: "" };

/** The whole run, with colours if `isColoured`. */
export function runText({ report, title, seconds }: Run, isColoured: boolean): string {
  const paint = isColoured ? red : (text: string): string => text;
  const blocks = [
    `${title} (${Math.round(seconds)} s)`,
    ...report.tables.map((table) => tableText(table, paint)),
    report.figures.map((figure) => figureText(figure, paint)).join("\n"),
    ...report.warnings.map((line) => paint(`note: ${line}`)),
    ...report.wrong.map((line) => paint(`WRONG: ${line}`)),
  ];
  return `\n${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function figureText(figure: Figure, paint: (text: string) => string): string {
  const { name, value, unit, range, goal, aim } = figure;
  const spread = range === undefined ? "" : ` (${numberText(range[0])}–${numberText(range[1])})`;
  const wanted = [boundText(goal, unit), aim === undefined ? "" : `aim ${boundText(aim, unit)}`];
  const verdict = verdictOf(figure);
  const line = `${name}: ${`${numberText(value)} ${unit}`.trimEnd()}${spread}`;
  const against = wanted.filter((text) => text !== "").join(", ");
  const full = against === "" ? line : `${line}   [${against}] ${marks[verdict]}`;
  return verdict === "missed" ? paint(full) : full;
}

function tableText(
  { title, columns, rows, clientBound = [], note }: Table,
  paint: (t: string) => string,
): string {
  const texts = rows.map((row) => row.map(cellText));
  const widths = columns.map((name, at) =>
    Math.max(name.length, ...texts.map((row) => row[at]?.length ?? 0)),
  );
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === "number"));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) =>
        isNumber[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const body = texts.map((row, at) =>
    clientBound.includes(at) ? paint(`${line(row)}  ← the client was the bottleneck`) : line(row),
  );
  return [title, line(columns), ...body, ...(note === undefined ? [] : [`(${note})`])].join("\n");
}
