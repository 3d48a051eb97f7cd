// The kinds of setting: how a value is read from text (environment, arguments) and from JSON (file), and how
// what is allowed is said to a person. Pure.
//
// K1. A value is read whole or refused: "12abc" is no integer, "no" is false. convict's own formats truncate the
//     first and call the second true, so none of them is used.
// K2. Whatever `fromText` returns, `fromJson` accepts: convict validates the merged result with `fromJson`.
// K3. Refusal is `undefined` wrapped away (`Read`), never an exception: all mistakes are reported together.

/** A value that was understood, or nothing. Wrapped, because `undefined` is itself a value of an optional text. */
export type Read<V> = { readonly value: V } | undefined;

/** One setting as declared in the table; its names follow from its place in the table (names.ts). */
export interface Setting<V> {
  readonly default: V;
  /** What the number counts: "ms", "bytes", "s", … */
  readonly unit?: string;
  /** What it means, in one or two sentences. */
  readonly doc: string;
  /** Where the default comes from: a measurement, a specification, or the arithmetic that links it to others. */
  readonly why?: string;
  /** Never shown: not in messages, not in `masked`. */
  readonly secret: boolean;
  /** May be given as `--name` and `--no-name` without a value. */
  readonly isFlag: boolean;
  /** What is allowed, as the end of the sentence "allowed is …". */
  readonly allowed: string;
  fromText(text: string): Read<V>;
  fromJson(value: unknown): Read<V>;
}

/** Tells a setting from a group of settings. */
export function isSetting(node: object): node is Setting<unknown> {
  return "fromText" in node && typeof node.fromText === "function";
}

interface Numeric {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly doc: string;
  /** A number without a derivation is a guess, so this is not optional. */
  readonly why: string;
}

/** A whole number between two bounds; `orZero` says what 0 means where 0 lies outside them. */
export function integer(spec: Numeric & { readonly orZero?: string }): Setting<number> {
  const { orZero, ...rest } = spec;
  const fits = (n: number) =>
    Number.isSafeInteger(n) && ((n >= spec.min && n <= spec.max) || (orZero !== undefined && n === 0));
  const zero = orZero === undefined ? "" : `, or 0 (${orZero})`;
  return {
    ...rest,
    ...plain,
    allowed: `a whole number from ${spec.min} to ${spec.max}${zero}, in ${spec.unit}`,
    fromText: (text) =>
      /^-?\d{1,16}$/.test(text) && fits(Number(text)) ? { value: Number(text) } : undefined,
    fromJson: (value) => (typeof value === "number" && fits(value) ? { value } : undefined),
  };
}

/** A TCP port; 0 lets the system choose (tests, several edges on one machine). */
export function port(spec: Pick<Numeric, "default" | "doc" | "why">): Setting<number> {
  const setting = integer({ ...spec, min: 1, max: 65_535, unit: "TCP port", orZero: "any free port" });
  return { ...setting, allowed: "a port from 1 to 65535, or 0 (any free port)" };
}

/** A fraction between two bounds. */
export function fraction(spec: Numeric): Setting<number> {
  const fits = (n: number) => n >= spec.min && n <= spec.max;
  return {
    ...spec,
    ...plain,
    allowed: `a number from ${spec.min} to ${spec.max}`,
    fromText: (text) =>
      /^\d+(\.\d+)?$/.test(text) && fits(Number(text)) ? { value: Number(text) } : undefined,
    fromJson: (value) => (typeof value === "number" && fits(value) ? { value } : undefined),
  };
}

const words = new Map([
  ...["true", "yes", "on", "1"].map((word) => [word, true] as const),
  ...["false", "no", "off", "0"].map((word) => [word, false] as const),
]);

/** A yes-or-no setting. */
export function flag(spec: { readonly default: boolean; readonly doc: string; readonly why?: string }) {
  const setting: Setting<boolean> = {
    ...spec,
    ...plain,
    isFlag: true,
    allowed: "true or false (also yes/no, on/off, 1/0)",
    fromText: (text) => read(words.get(text.toLowerCase())),
    fromJson: (value) => read(typeof value === "boolean" ? value : undefined),
  };
  return setting;
}

/** One word of a closed list. */
export function choice<const W extends string>(
  options: readonly W[],
  spec: { readonly default: NoInfer<W>; readonly doc: string; readonly why?: string },
): Setting<W> {
  const find = (value: unknown) => read(options.find((option) => option === value));
  return { ...spec, ...plain, allowed: `one of ${options.join(", ")}`, fromText: find, fromJson: find };
}

interface Text {
  readonly doc: string;
  readonly why?: string;
  readonly secret?: boolean;
  /** What a value must look like, for people and for the machine. */
  readonly allowed: string;
  readonly fits: (text: string) => boolean;
}

/** A text that always has a value. */
export function text(spec: Text & { readonly default: string }): Setting<string> {
  const { fits, ...rest } = spec;
  const find = (value: unknown) => (typeof value === "string" && fits(value) ? { value } : undefined);
  return { ...rest, ...plain, secret: spec.secret ?? false, fromText: find, fromJson: find };
}

/** A text that may be absent. Empty is "not set" (`CPG_X=` of shells and containers): what other sources say counts. */
export function optionalText(spec: Text): Setting<string | undefined> {
  const { fits, ...rest } = spec;
  const find = (value: unknown): Read<string | undefined> => {
    if (typeof value !== "string") return undefined;
    return value === "" ? { value: undefined } : fits(value) ? { value } : undefined;
  };
  return {
    ...rest,
    ...plain,
    default: undefined,
    secret: spec.secret ?? false,
    fromText: find,
    fromJson: find,
  };
}

/** Several different entries: an array in JSON, separated by commas in text. */
export function list<const W extends string>(spec: {
  readonly default: readonly W[];
  readonly doc: string;
  readonly why?: string;
  readonly allowed: string;
  readonly fits: (entry: string) => entry is W;
}): Setting<readonly W[]> {
  const { fits, ...rest } = spec;
  const find = (value: unknown): Read<readonly W[]> => {
    if (!Array.isArray(value)) return undefined;
    const entries = value.filter((entry): entry is W => typeof entry === "string" && fits(entry));
    const isWhole = entries.length === value.length && entries.length > 0;
    return isWhole && new Set(entries).size === entries.length ? { value: entries } : undefined;
  };
  return {
    ...rest,
    ...plain,
    fromText: (text) => find(text.split(",").map((entry) => entry.trim())),
    fromJson: find,
  };
}

const plain = { secret: false, isFlag: false } as const;

function read<V>(value: V | undefined): Read<V> {
  return value === undefined ? undefined : { value };
}
