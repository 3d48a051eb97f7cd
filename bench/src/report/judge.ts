// What is said of a figure: whether it reaches its goal and its aim, and how it is written. Pure.

import type { Bound, Cell, Figure } from "./model.ts";

/** `aim` and `goal`: reached. `missed`: below the goal. `none`: nobody set one. */
export type Verdict = "aim" | "goal" | "missed" | "none";

/** Judges a figure; one that could not be measured (NaN) misses. */
export function verdictOf({ value, goal, aim }: Figure): Verdict {
  if (aim !== undefined && holds(value, aim)) return "aim";
  if (goal !== undefined) return holds(value, goal) ? "goal" : "missed";
  return aim === undefined ? "none" : "missed";
}

function holds(value: number, bound: Bound): boolean {
  return "atMost" in bound ? value <= bound.atMost : value >= bound.atLeast;
}

/** `≤ 1.5 ×` */
export function boundText(bound: Bound | undefined, unit: string): string {
  if (bound === undefined) return "";
  const [sign, value] = "atMost" in bound ? ["≤", bound.atMost] : ["≥", bound.atLeast];
  return `${sign} ${numberText(value)} ${unit}`.trimEnd();
}

/** Three significant digits, thousands apart; what could not be measured is a dash. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString("en-US");
  if (magnitude === 0 || Number.isInteger(value)) return String(value);
  return value.toFixed(magnitude >= 10 ? 1 : 2);
}

/** A cell as text. */
export function cellText(cell: Cell): string {
  if (cell === undefined) return "–";
  return typeof cell === "number" ? numberText(cell) : cell;
}
