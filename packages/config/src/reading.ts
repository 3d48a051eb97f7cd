// What one source said, and how its mistakes are worded. Pure.
import { withoutCredentials } from "./shapes.ts";
import type { Read } from "./kinds.ts";
import type { NamedSetting } from "./names.ts";

/** A value that a source gave to a setting, already understood. */
export interface Assignment {
  readonly path: string;
  readonly value: unknown;
}

/** All that one source said. A setting in `refused` was named there, but its value was not understood. */
export interface Reading {
  readonly assignments: readonly Assignment[];
  readonly refused: readonly string[];
  readonly problems: readonly string[];
}

/** Collects a reading; sources differ only in where names and values come from. */
export class ReadingBuilder {
  readonly assignments: Assignment[] = [];
  readonly refused: string[] = [];
  readonly problems: string[] = [];

  /** Takes what a source gave to a setting, or words its refusal. */
  take(
    named: NamedSetting,
    source: string,
    given: { readonly raw: unknown; readonly read: Read<unknown> },
  ): void {
    if (given.read !== undefined) {
      const { value } = given.read;
      if (value !== undefined) this.assignments.push({ path: named.path, value }); // empty: what stands elsewhere counts
      return;
    }
    const shown = named.setting.secret ? "the value given (masked)" : show(given.raw);
    const says = `${named.path} from ${source}: ${shown} is not allowed`;
    this.refuse(named, `${says}; ${asJson(named, given.raw) ?? `allowed is ${named.setting.allowed}`}`);
  }

  /** A mistake that concerns a known setting. */
  refuse(named: NamedSetting, problem: string): void {
    this.refused.push(named.path);
    this.problems.push(problem);
  }

  /** A mistake that concerns no known setting. */
  complain(problem: string): void {
    this.problems.push(problem);
  }
}

/** A given value as it may stand in a message: short, one line, without credentials. What is in an object may be one. */
function show(raw: unknown): string {
  const json = JSON.stringify(raw) ?? String(raw);
  if (typeof raw === "object" && json.includes("{"))
    return Array.isArray(raw) ? "a list of objects" : "an object";
  const text = typeof raw === "string" ? JSON.stringify(withoutCredentials(raw)) : withoutCredentials(json);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

/** What a text in a file would be as a number, a truth value or a list: in an environment it would have done. */
function asJson({ setting }: NamedSetting, raw: unknown): string | undefined {
  const read = typeof raw === "string" && !setting.secret ? setting.fromText(raw) : undefined;
  return read === undefined ? undefined : `write it as ${JSON.stringify(read.value)}`;
}
