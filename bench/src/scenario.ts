// What a scenario is: data for the command line, and one function. Types only, but for the error.

import type { Report } from "./report/model.ts";

/** A number that a scenario takes, `--stations 500`. */
export interface Parameter {
  /** In kebab case, without the dashes. */
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** `stations`, `s`, `ms`, `/s`, …: shown behind the value. */
  readonly unit: string;
  readonly meaning: string;
  /** True: fractions are allowed. */
  readonly isFraction?: boolean;
}

/** The values of a scenario's parameters by name. */
export type Values = Readonly<Record<string, number>>;

/** What a running scenario may use. */
export interface Surroundings {
  readonly values: Values;
  /** One line of progress, shown at once. */
  readonly say: (line: string) => void;
  /** Arguments of Node for the edges: `--cpu-prof` when a profile is wanted. */
  readonly nodeArguments: readonly string[];
}

/** One benchmark. */
export interface Scenario {
  readonly name: string;
  /** One line for `--list`. */
  readonly title: string;
  readonly parameters: readonly Parameter[];
  /** What of the values cannot be, as one line; undefined if all can. Asked before anything is started. */
  readonly refuse?: (values: Values) => string | undefined;
  run(surroundings: Surroundings): Promise<Report>;
}

/** An end that a person can do something about: the message is the one line to show. */
export class BenchError extends Error {}

/** A parameter's value. Errors: the scenario has no such parameter (a bug). */
export function valueOf(values: Values, name: string): number {
  const value = values[name];
  if (value === undefined) throw new Error(`no parameter called ${name}`);
  return value;
}
