// A plot as SVG text, by Observable Plot over a DOM without a browser. Pure.
//
// Colours are the page's CSS variables, so one drawing serves light and dark. Each plot is drawn for two widths and the page
// shows the one that fits: a wide drawing shrunk to a phone has letters that nobody can read.

import * as ObservablePlot from "@observablehq/plot";
import { parseHTML } from "linkedom";

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

function barsOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  const longest = Math.max(...points.map(({ x }) => String(x).length));
  const rows = new Set(points.map(({ x, series }) => `${x} ${series}`)).size;
  return {
    marginLeft: Math.min(longest * 7 + 12, width * 0.42),
    marginRight: 40,
    height: rows * 24 + seriesOf(plot).length * 26 + 50,
    x: { label: plot.y, grid: true, zero: true, ticks: Math.max(3, Math.round(width / 110)) },
    y: { label: null, domain: [...new Set(points.map(({ x }) => String(x)))] },
    fy: { label: null, axis: null },
    marks: [
      ObservablePlot.barX(points, {
        x: "y",
        y: "x",
        fy: "series",
        fill: "series",
        insetTop: 2,
        insetBottom: 2,
      }),
      ObservablePlot.text(points, {
        x: "y",
        y: "x",
        fy: "series",
        text: (p: PlotPoint) => short(p.y),
        dx: 4,
        textAnchor: "start",
      }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleX([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
    ],
  };
}

function linesOf(plot: Plot, width: number): ObservablePlot.PlotOptions {
  const points = [...plot.points];
  return {
    marginLeft: 56,
    height: Math.round(Math.min(320, width * 0.7)),
    x: { label: plot.x, ticks: Math.max(3, Math.round(width / 110)) },
    y: { label: plot.y, grid: true, zero: true, ticks: 6 },
    marks: [
      ObservablePlot.line(points, { x: "x", y: "y", stroke: "series", strokeWidth: 2 }),
      ObservablePlot.dot(points, { x: "x", y: "y", fill: "series", r: points.length > 60 ? 0 : 3 }),
      ...(plot.rules ?? []).map(({ y }) =>
        ObservablePlot.ruleY([y], { stroke: "currentColor", strokeDasharray: "4 3" }),
      ),
    ],
  };
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1);
}
