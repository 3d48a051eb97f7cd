// Reads a JSON document that a person wrote: every mistake is told with its place, and nothing is guessed. Pure.

import { readJsonText } from "@cpg/config";
import { nearest } from "./nearest.ts";

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Collects mistakes while the document is read. */
export class JsonReader {
  readonly problems: string[] = [];

  /** Notes a mistake at a place like `routes.Heartbeat.to`. */
  problem(at: string, says: string): undefined {
    this.problems.push(`${at}: ${says}`);
    return undefined;
  }

  /** The whole document: an object, see there; each key in it stands once. */
  document(text: string, known?: readonly string[]): JsonObject | undefined {
    const read = readJsonText(text);
    if (read.kind === "broken") return this.problem("the file", `not JSON${read.place}`);
    for (const key of read.repeated) this.problem(key, "given more than once");
    return this.object(read.value, "the file", known);
  }

  /** An object with no other keys than `known`. */
  object(value: unknown, at: string, known?: readonly string[]): JsonObject | undefined {
    if (!isObject(value)) return this.problem(at, "must be an object");
    if (known !== undefined) {
      for (const key of Object.keys(value)) {
        if (!known.includes(key)) this.problem(`${at}.${key}`, `unknown${hint(key, known)}`);
      }
    }
    return value;
  }

  /** A text that is one of `known`. */
  oneOf<T extends string>(value: unknown, at: string, known: readonly T[]): T | undefined {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    const guess = typeof value === "string" ? hint(value, known) : "";
    return this.problem(at, `must be one of ${known.join(", ")}${guess}`);
  }

  /** A text of the form that `says` describes. */
  text(
    value: unknown,
    at: string,
    form: { readonly fits: RegExp; readonly says: string },
  ): string | undefined {
    if (typeof value === "string" && form.fits.test(value)) return value;
    return this.problem(at, `must be ${form.says}`);
  }

  /** A whole number within bounds; undefined where it is absent. */
  optionalInteger(value: unknown, at: string, bounds: readonly [number, number]): number | undefined {
    if (value === undefined) return undefined;
    const [min, max] = bounds;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.problem(at, `must be a whole number from ${String(min)} to ${String(max)}`);
  }
}

/** Whether it is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `; did you mean X?`, or nothing. */
export function hint(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === undefined ? "" : `; did you mean ${near}?`;
}
