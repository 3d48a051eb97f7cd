// The environment source. Pure: it is handed the variables.
//
// E1. Every variable that begins with CPG_ belongs to the gateway; one that it does not know is a mistake, and its
//     value is not repeated (it may be a misspelt password).
// E2. Kubernetes puts the address of each Service of the namespace into the environment ("service links"): of one called cpg-edge
//     as CPG_EDGE_SERVICE_HOST, CPG_EDGE_PORT and more. Those are nobody's mistake and nobody's settings.
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
    if (isServiceLink(name, raw, env)) continue; // E2
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

const serviceLink = /^(\w+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/** E2. A name that a setting has too is a link only with a link's value, `tcp://10.0.0.1:80`. */
function isServiceLink(
  name: string,
  raw: string,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const service = serviceLink.exec(name)?.[1];
  if (service === undefined || env[`${service}_SERVICE_HOST`] === undefined) return false;
  return !byEnv.has(name) || /^(?:tcp|udp|sctp):\/\//.test(raw);
}
