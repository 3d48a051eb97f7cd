// The file source: JSON with the keys of the table. Pure: it is handed the text.
//
// F1. What JSON.parse says of a broken text is not repeated: it quotes the text, and that may be a password.
import { didYouMean, settingList } from "./names.ts";
import type { NamedSetting } from "./names.ts";
import { ReadingBuilder } from "./reading.ts";
import type { Reading } from "./reading.ts";

const byPath = new Map(settingList.map((named) => [named.path, named]));
const groups = new Set(settingList.flatMap(({ path }) => parents(path)));
const knownKeys = [...byPath.keys(), ...groups];

/** Reads the text of a settings file called `name`. */
export function readFileText(name: string, text: string): Reading {
  const builder = new ReadingBuilder();
  const parsed = parse(text);
  if ("problem" in parsed) return unreadable(`${name}: ${parsed.problem}`);
  if (!isObject(parsed.value)) return unreadable(`${name}: must be a JSON object of settings`);
  walk(parsed.value, { name, key: "", builder });
  return builder;
}

/** A file of which nothing is known, so it may have named every setting: no rule is asked about any (rules.ts Q1). */
export function unreadable(problem: string): Reading {
  return { assignments: [], refused: [...byPath.keys()], problems: [problem] };
}

interface Place {
  readonly name: string;
  /** The keys so far, joined by dots; empty at the top. */
  readonly key: string;
  readonly builder: ReadingBuilder;
}

function walk(value: unknown, place: Place): void {
  const named = byPath.get(place.key);
  if (named !== undefined) return takeValue(named, value, place);
  if (place.key !== "" && !groups.has(place.key)) {
    return place.builder.complain(
      `${place.key} from ${place.name}: unknown key; ${didYouMean(place.key, knownKeys)}`,
    );
  }
  if (!isObject(value)) {
    return place.builder.complain(`${place.key} from ${place.name}: must be a JSON object of settings`);
  }
  for (const [key, child] of Object.entries(value)) {
    walk(child, { ...place, key: place.key === "" ? key : `${place.key}.${key}` });
  }
}

function takeValue(named: NamedSetting, raw: unknown, place: Place): void {
  place.builder.take(named, place.name, { raw, read: named.setting.fromJson(raw) });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** F1 */
function parse(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    return { value };
  } catch (error) {
    const where = /line \d+ column \d+/.exec(error instanceof Error ? error.message : "")?.[0];
    return { problem: `is not valid JSON${where === undefined ? "" : ` (${where})`}` };
  }
}

function parents(path: string): readonly string[] {
  const keys = path.split(".");
  return keys.slice(1).map((_, at) => keys.slice(0, at + 1).join("."));
}
