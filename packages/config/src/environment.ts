// The environment source. Pure: it is handed the variables.
//
// E1. Every variable that begins with CPG_ belongs to the gateway; one that it does not know is a mistake, and its
//     value is not repeated (it may be a misspelt password).
import { configFileEnv, didYouMean, settingList } from "./names.ts";
import { ReadingBuilder } from "./reading.ts";
import type { Reading } from "./reading.ts";

/** What the environment said. */
export interface EnvironmentReading extends Reading {
  readonly configFile: string | undefined;
}

const byEnv = new Map(settingList.map((named) => [named.env, named]));
const knownEnv = [...byEnv.keys(), configFileEnv];

/** Reads the CPG_ variables; all others are none of our business. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentReading {
  const builder = new ReadingBuilder();
  for (const [name, raw] of Object.entries(env)) {
    if (raw === undefined || name === configFileEnv || !/^cpg_/i.test(name)) continue;
    const named = byEnv.get(name);
    if (named === undefined)
      builder.complain(`${name}: unknown variable; ${didYouMean(name.toUpperCase(), knownEnv)}`);
    else builder.take(named, name, { raw, read: named.setting.fromText(raw) });
  }
  const { assignments, refused, problems } = builder;
  return {
    assignments,
    refused,
    problems,
    configFile: env[configFileEnv] === "" ? undefined : env[configFileEnv],
  };
}
