// How a setting is called in each source, and which name was probably meant. Pure.
//
//   place in the table and file   redis.connectTimeoutMs
//   environment                   CPG_REDIS_CONNECT_TIMEOUT_MS
//   argument                      --redis-connect-timeout-ms
import { closest } from "fastest-levenshtein";
import { isSetting } from "./kinds.ts";
import type { Setting } from "./kinds.ts";
import { settings } from "./settings.ts";

/** A setting with all of its names. */
export interface NamedSetting {
  /** `redis.connectTimeoutMs`: the keys in the file, joined by dots. */
  readonly path: string;
  /** The outermost key: `redis`. */
  readonly group: string;
  /** `CPG_REDIS_CONNECT_TIMEOUT_MS`. */
  readonly env: string;
  /** `--redis-connect-timeout-ms`. */
  readonly arg: string;
  readonly setting: Setting<unknown>;
}

/** Every setting with its names, in the order of the table. */
export const settingList: readonly NamedSetting[] = collect(settings, []);

/** The names that are not settings: they say where settings come from, or ask about them. */
export const configFileEnv = "CPG_CONFIG";
export const configFileArg = "--config";
export const helpArgs: readonly string[] = ["--help", "-h"];
export const versionArg = "--version";
export const checkArg = "--check";

/** "did you mean X?" with the known name that is nearest to a wrong one. */
export function didYouMean(wrong: string, known: readonly string[]): string {
  return `did you mean ${closest(wrong, known)}?`;
}

function collect(node: object, keys: readonly string[]): readonly NamedSetting[] {
  return Object.entries(node).flatMap(([key, child]: [string, object]) => {
    const path = [...keys, key];
    return isSetting(child) ? [named(path, child)] : collect(child, path);
  });
}

function named(keys: readonly string[], setting: Setting<unknown>): NamedSetting {
  const words = keys.flatMap((key) => key.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  return {
    path: keys.join("."),
    group: keys[0] ?? "",
    env: `CPG_${words.join("_").toUpperCase()}`,
    arg: `--${words.join("-")}`,
    setting,
  };
}
