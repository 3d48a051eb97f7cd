// The file source: JSON with the keys of the table. Pure: it is handed the text.
//
// F1. A setting stands in one place and once: `{"redis": {"nodes": …}}`, not `{"redis.nodes": …}`.
import { readJsonText } from "./json-text.ts";
import { didYouMean, settingList } from "./names.ts";
import { ReadingBuilder } from "./reading.ts";
import type { Reading } from "./reading.ts";

const byPath = new Map(settingList.map((named) => [named.path, named]));
const groups = new Set(settingList.flatMap(({ path }) => parents(path)));
const knownKeys = [...byPath.keys(), ...groups];
const known = new Set(knownKeys);

/** Reads the text of a settings file called `name`. */
export function readFileText(name: string, text: string): Reading {
  const builder = new ReadingBuilder();
  const read = readJsonText(text);
  if (read.kind === "broken") return unreadable(`${name}: is not valid JSON${read.place}`);
  if (!isObject(read.value)) return unreadable(`${name}: must be a JSON object of settings`);
  walkGroup(read.value, "", { name, builder });
  for (const key of read.repeated) builder.complain(`${key} from ${name}: given more than once`); // F1
  return builder;
}

/** A file of which nothing is known, so it may have named every setting: no rule is asked about any (rules.ts Q1). */
export function unreadable(problem: string): Reading {
  return { assignments: [], refused: [...byPath.keys()], problems: [problem] };
}

interface Source {
  readonly name: string;
  readonly builder: ReadingBuilder;
}

/** `before`: what the names of all in this group begin with. Nothing at the top, which is no key's value, not even of `""`. */
function walkGroup(group: object, before: string, source: Source): void {
  for (const [key, value] of Object.entries(group)) {
    const path = `${before}${key}`;
    if (!key.includes(".")) walk(path, value, source);
    else if (known.has(path)) refuseDotted(path, source);
    else complainOfUnknown(path, source);
  }
}

/** F1. It was named all the same, and so was all in it: no rule is asked about that (rules.ts Q1). */
function refuseDotted(path: string, { name, builder }: Source): void {
  builder.complain(`${path} from ${name}: ${nested(path)}`);
  for (const each of byPath.keys()) if (`${each}.`.startsWith(`${path}.`)) builder.refused.push(each);
}

/** `write it as {"redis":{"nodes":…}}` */
function nested(path: string): string {
  const keys = path.split(".").map((key) => JSON.stringify(key));
  return `write it as {${keys.join(":{")}:…${"}".repeat(keys.length)}`;
}

function walk(path: string, value: unknown, source: Source): void {
  const { name, builder } = source;
  const named = byPath.get(path);
  if (named !== undefined)
    return builder.take(named, name, { raw: value, read: named.setting.fromJson(value) });
  if (!groups.has(path)) return complainOfUnknown(path, source);
  if (!isObject(value)) return builder.complain(`${path} from ${name}: must be a JSON object of settings`);
  walkGroup(value, `${path}.`, source);
}

function complainOfUnknown(path: string, { name, builder }: Source): void {
  const shown = path === "" ? '""' : path;
  builder.complain(`${shown} from ${name}: unknown key; ${didYouMean(path, knownKeys)}`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parents(path: string): readonly string[] {
  const keys = path.split(".");
  return keys.slice(1).map((_, at) => keys.slice(0, at + 1).join("."));
}
