// A plot as SVG text, by Observable Plot over a DOM without a browser. Pure.
//
// Colours are the page's CSS variables, so one drawing serves light and dark. Each plot is drawn for two widths and the page
// shows the one that fits: a wide drawing shrunk to a phone has letters that nobody can read.

import * as ObservablePlot from "@observablehq/plot";
import { parseHTML } from "linkedom";

import { numberText } from "./judge.ts";
import type { Plot, PlotPoint } from "./model.ts";

/** Variables `--series-0` … of the page. */
export const seriesColours = 6;

/** Draws for a width in CSS pixels. */
export function plotSvg(plot: Plot, width: number): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const drawn = ObservablePlot.plot({
    document,
    ariaLabel: plot.title,
    width,
    ...(plot.kind === "bars" ? barsOf(plot, width) : linesOf(plot, width)),
    color: {
      domain: seriesOf(plot),
      range: seriesOf(plot).map((_, n) => `var(--series-${n % seriesColours})`),
    },
    style: {
      background: "none",
      color: "currentColor",
      fontFamily: "inherit",
      fontSize: "12px",
      overflow: "visible",
    },
  });
  return (drawn as unknown as { outerHTML: string }).outerHTML;
}

/** The series in the order of their first points. */
export function seriesOf({ points }: Plot): string[] {
  return [...new Set(points.map(({ series }) => series))];
}

// Each bar has a row of its own, the series one below the other with a gap between: facets would leave a row empty for every
// subject that a series does not have.
function barsOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  const longest = Math.max(...points.map(({ x }) => String(x).length));
  const rows = seriesOf(plot).flatMap((name, n) => [
    ...(n === 0 ? [] : [`gap ${n}`]),
    ...points.filter(({ series }) => series === name).map(rowOf),
  ]);
  const labels = new Map(points.map((point) => [rowOf(point), String(point.x)]));
  return {
    marginLeft: Math.min(longest * 7 + 12, width * 0.45),
    marginRight: 48,
    marginTop: 4,
    marginBottom: 46,
    height: rows.length * 25 + 50,
    x: {
      label: plot.y,
      labelOffset: 38,
      grid: true,
      zero: true,
      ticks: Math.max(3, Math.round(width / 110)),
    },
    y: { label: null, domain: rows, tickSize: 0, tickFormat: (row: string) => labels.get(row) ?? "" },
    marks: [
      ObservablePlot.barX(points, { x: "y", y: rowOf, fill: "series", insetTop: 2, insetBottom: 2 }),
      ObservablePlot.text(points, {
        x: "y",
        y: rowOf,
        text: (p: PlotPoint) => numberText(p.y),
        dx: 5,
        textAnchor: "start",
      }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleX([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
    ],
  };
}

function rowOf({ x, series }: PlotPoint): string {
  return `${series}: ${x}`;
}

// Lines may lie on each other; those drawn later have gaps through which the earlier ones are seen.
const dashes = ["0", "7 5", "2 4", "10 3 2 3", "5 2", "1 3"];

function linesOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  const withDots = points.length <= 60;
  return {
    marginLeft: 56,
    marginRight: 24,
    marginTop: 30,
    marginBottom: 46,
    height: Math.round(Math.min(340, width * 0.75)),
    x: { label: plot.x, labelOffset: 38, ticks: Math.max(3, Math.round(width / 110)) },
    y: { label: plot.y, grid: true, zero: true, ticks: 6, nice: true },
    marks: [
      ...seriesOf(plot).flatMap((name, n) => {
        const own = points.filter(({ series }) => series === name);
        const at = { x: "x", y: "y" } as const;
        const line = {
          ...at,
          stroke: "series",
          strokeWidth: 2.5,
          strokeDasharray: dashes[n % dashes.length] ?? "0",
        };
        const dots = withDots ? [ObservablePlot.dot(own, { ...at, fill: "series", r: 3 })] : [];
        return [ObservablePlot.line(own, line), ...dots];
      }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleY([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
    ],
  };
}
