// What a rule is. Types only.

import type { Windows } from "../windows.ts";

/** A series that Prometheus computes ahead. The name tells the *true* window, at every scale. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** `critical`: charge points or commands suffer now, wake somebody. `warning`: look at it today. */
export type Severity = "critical" | "warning";

/** An alert. Its runbook is `runbooks/<page>.md`. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long `expr` must hold, as PromQL writes it. Absent: at once. */
  readonly for?: string;
  readonly severity: Severity;
  /** One line with the labels that tell which edge, and the value. Prometheus' templates. */
  readonly summary: string;
  readonly page: string;
}

/** Rules that are evaluated together. */
export interface RuleGroup<R> {
  readonly name: string;
  readonly rules: readonly R[];
}

/** Rules at a scale. */
export type RulesAt<R> = (windows: Windows) => readonly R[];
