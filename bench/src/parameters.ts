// A scenario's parameters from the command line, and what of them cannot be. Pure.

import type { Parameter, Scenario, Values } from "./scenario.ts";

/** What was read. */
export type ValuesRead =
  { readonly kind: "values"; readonly values: Values } | { readonly kind: "refused"; readonly line: string };

/** The defaults of a scenario. */
export function defaultsOf({ parameters }: Pick<Scenario, "parameters">): Values {
  return Object.fromEntries(parameters.map(({ name, default: value }) => [name, value]));
}

/** Reads texts (by parameter name) over the defaults; refuses with one line that names the parameter and what may be. */
export function readValues(scenario: Scenario, texts: Readonly<Record<string, string>>): ValuesRead {
  const values: Record<string, number> = { ...defaultsOf(scenario) };
  for (const parameter of scenario.parameters) {
    const text = texts[parameter.name];
    if (text === undefined) continue;
    const value = numberOf(text, parameter);
    if (value === undefined) return { kind: "refused", line: refusal(parameter, text) };
    values[parameter.name] = value;
  }
  const line = scenario.refuse?.(values);
  return line === undefined ? { kind: "values", values } : { kind: "refused", line };
}

function numberOf(text: string, { min, max, isFraction }: Parameter): number | undefined {
  const form = isFraction === true ? /^\d+(\.\d+)?$/u : /^\d+$/u;
  const value = form.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function refusal({ name, min, max, unit, isFraction }: Parameter, text: string): string {
  const kind = isFraction === true ? "a number" : "a whole number";
  return `--${name} must be ${kind} from ${min} to ${max} (${unit}), not ${JSON.stringify(text)}`;
}
