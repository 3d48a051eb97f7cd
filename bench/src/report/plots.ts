// A plot as SVG text, by Observable Plot over a DOM without a browser. Pure.
//
// Colours are the page's CSS variables, so one drawing serves light and dark. Each plot is drawn for two widths and the page
// shows the one that fits: a wide drawing shrunk to a phone has letters that nobody can read.
//
// G1. No series' name is given to Plot: it takes one that CSS knows ("none", "red") for a colour, and draws by it.

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

/** The colour of a series, as a variable of the page (G1). */
function colourOf(plot: Plot): (name: string) => string {
  const names = seriesOf(plot);
  return (name) => `var(--series-${names.indexOf(name) % seriesColours})`;
}

const letter = 7; // px: about what one takes at 12 px
const lineHeight = 15;

/** Where a bar's label stands: before it, or above it in so many lines where that would take half of the width. */
function labelsOf(
  points: readonly PlotPoint[],
  width: number,
): { readonly margin: number; readonly lines: number } {
  const longest = Math.max(...points.map(({ x }) => String(x).length)) * letter;
  return longest + 12 <= width * 0.45
    ? { margin: longest + 12, lines: 0 }
    : { margin: 4, lines: Math.ceil(longest / (width - 24)) };
}

// Each bar has a row of its own, the series one below the other with a gap between: facets would leave a row empty for every
// subject that a series does not have.
function barsOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  const colour = colourOf(plot);
  const { margin, lines } = labelsOf(points, width);
  const rows = seriesOf(plot).flatMap((name, n) => [
    ...(n === 0 ? [] : [`gap ${n}`]),
    ...points.filter(({ series }) => series === name).map(rowOf),
  ]);
  const labels = new Map(points.map((point) => [rowOf(point), String(point.x)]));
  const above = lines * lineHeight; // of each row
  return {
    marginLeft: margin,
    marginRight: 48,
    marginTop: 4,
    marginBottom: 46,
    height: rows.length * (25 + above) + 50,
    x: {
      label: plot.y,
      labelOffset: 38,
      grid: true,
      zero: true,
      ticks: Math.max(3, Math.round(width / 110)),
    },
    y: {
      label: null,
      domain: rows,
      tickSize: 0,
      tickFormat: (row: string) => (lines === 0 ? (labels.get(row) ?? "") : ""),
    },
    marks: [
      ObservablePlot.barX(points, {
        x: "y",
        y: rowOf,
        fill: ({ series }: PlotPoint) => colour(series), // G1
        insetTop: 2 + above,
        insetBottom: 2,
      }),
      ObservablePlot.text(points, {
        x: "y",
        y: rowOf,
        text: (p: PlotPoint) => numberText(p.y),
        dx: 5,
        dy: above / 2,
        textAnchor: "start",
      }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleX([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
      ...(lines === 0 ? [] : [labelsAbove(points, width)]),
    ],
  };
}

function labelsAbove(points: readonly PlotPoint[], width: number): ObservablePlot.Markish {
  return ObservablePlot.text([...points], {
    x: 0,
    y: rowOf,
    text: (p: PlotPoint) => String(p.x),
    dy: -11, // the middle of what the bar leaves free: half of its own height and its insets
    textAnchor: "start",
    lineWidth: (width - 24) / 12,
    lineHeight: lineHeight / 12,
    fill: "currentColor",
    stroke: "var(--ground)", // a halo: grid and rules pass behind it
    strokeWidth: 4,
  });
}

function rowOf({ x, series }: PlotPoint): string {
  return `${series}: ${x}`;
}

// Lines may lie on each other; those drawn later have gaps through which the earlier ones are seen.
const dashes = ["0", "7 5", "2 4", "10 3 2 3", "5 2", "1 3"];

function linesOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  const colour = colourOf(plot);
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
          stroke: colour(name), // G1
          strokeWidth: 2.5,
          strokeDasharray: dashes[n % dashes.length] ?? "0",
        };
        const dots = withDots ? [ObservablePlot.dot(own, { ...at, fill: colour(name), r: 3 })] : [];
        return [ObservablePlot.line(own, line), ...dots];
      }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleY([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
    ],
  };
}
