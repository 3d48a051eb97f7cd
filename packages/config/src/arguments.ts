// The argument source. Pure.
//
// A1. Accepted: `--x value`, `--x=value`, and for flags `--x`, `--no-x`, `--x=false`, `--x false`. Nothing else.
// A2. A setting is given once: with two values one of them would be ignored in silence.
// A3. Words that belong to no known option are never repeated in a message: one of them may be a password.
// A4. An unknown option is named, for it is most likely misspelt, but not where a value may be in it: behind one that got
//     none (a password that begins with --), and with a character that no option has (--redis-password:secret).
//
// convict's own reader (yargs-parser) lets unknown names pass and turns "1.10" into "1.1", so it gets none.
import { checkArg, configFileArg, didYouMean, helpArgs, settingList, versionArg } from "./names.ts";
import type { NamedSetting } from "./names.ts";
import { ReadingBuilder } from "./reading.ts";
import type { Reading } from "./reading.ts";

/** What the arguments said. */
export interface ArgumentReading extends Reading {
  readonly configFile: string | undefined;
  /** `--help` or `--version` was among them, whatever else was. */
  readonly asks: "help" | "version" | undefined;
  /** `--check`: nothing is to be started. */
  readonly isCheck: boolean;
}

/** Reads the arguments after the program's name. */
export function readArguments(argv: readonly string[]): ArgumentReading {
  if (argv.some((word) => helpArgs.includes(word))) return { ...nothing, asks: "help" };
  if (argv.includes(versionArg)) return { ...nothing, asks: "version" };
  const scan: Scan = {
    words: argv,
    at: 0,
    lacksValue: false,
    seen: new Set(),
    builder: new ReadingBuilder(),
    configFile: undefined,
    isCheck: false,
  };
  while (scan.at < argv.length) readOption(scan);
  const { configFile, isCheck, builder } = scan;
  const { assignments, refused, problems } = builder;
  return { assignments, refused, problems, configFile, isCheck, asks: undefined };
}

interface Scan {
  readonly words: readonly string[];
  readonly seen: Set<string>;
  readonly builder: ReadingBuilder;
  at: number;
  /** The option before got no value where one may have been meant. */
  lacksValue: boolean;
  configFile: string | undefined;
  isCheck: boolean;
}

const byArg = new Map(settingList.map((named) => [named.arg, named]));
const negated = new Map(
  settingList
    .filter((named) => named.setting.isFlag)
    .map((named) => [named.arg.replace("--", "--no-"), named] as const),
);
const knownArgs = [...byArg.keys(), ...negated.keys(), configFileArg, ...helpArgs, versionArg, checkArg];
const nothing = { assignments: [], refused: [], problems: [], configFile: undefined, isCheck: false };

function readOption(scan: Scan): void {
  const word = scan.words[scan.at] ?? "";
  scan.at += 1;
  if (word === "--") return; // pnpm passes it on
  const [name, inline] = split(word);
  const mayHoldValue = scan.lacksValue || !/^[\w.-]+$/.test(name);
  scan.lacksValue = false;
  if (!name.startsWith("--")) return complainOfStray(scan, name);
  const named = byArg.get(name);
  const off = negated.get(name);
  if (named !== undefined) readSetting(scan, named, inline);
  else if (off !== undefined) readNegation(scan, off, { name, inline });
  else if (name === configFileArg) scan.configFile = readConfigFile(scan, inline);
  else if (word === checkArg) scan.isCheck = true;
  else {
    complainOfUnknown(scan, name, mayHoldValue);
    if (inline === undefined) followingValue(scan); // A3: its value is no option of its own
  }
}

function readSetting(scan: Scan, named: NamedSetting, inline: string | undefined): void {
  const { setting, arg } = named;
  if (setting.isFlag && inline === undefined) {
    const next = scan.words[scan.at];
    const isValue = next !== undefined && setting.fromText(next) !== undefined;
    if (isValue) scan.at += 1;
    return take(scan, named, isValue ? next : "true");
  }
  const raw = inline ?? followingValue(scan);
  if (raw !== undefined) return take(scan, named, raw);
  scan.builder.refuse(
    named,
    `${named.path} from ${arg}: the value is missing; allowed is ${setting.allowed}`,
  );
}

function readNegation(
  scan: Scan,
  named: NamedSetting,
  word: { name: string; inline: string | undefined },
): void {
  if (word.inline === undefined) return take(scan, named, "false");
  scan.builder.refuse(named, `${named.path} from ${word.name}: takes no value; write ${named.arg}=false`);
}

function readConfigFile(scan: Scan, inline: string | undefined): string | undefined {
  const path = inline ?? followingValue(scan);
  if (path === undefined || path === "")
    scan.builder.complain(`${configFileArg}: the name of the file is missing`);
  return checkOnce(scan, configFileArg) ? path : scan.configFile;
}

function take(scan: Scan, named: NamedSetting, raw: string): void {
  if (!checkOnce(scan, named.arg)) return;
  scan.builder.take(named, named.arg, { raw, read: named.setting.fromText(raw) });
}

/** A2 */
function checkOnce(scan: Scan, arg: string): boolean {
  if (scan.seen.has(arg)) scan.builder.complain(`${arg}: given more than once`);
  return !scan.seen.has(arg) && scan.seen.add(arg).size > 0;
}

/** The next word, taken as a value unless it is an option itself; a value that begins with -- needs `--x=--value`. */
function followingValue(scan: Scan): string | undefined {
  const next = scan.words[scan.at];
  scan.lacksValue = next === undefined || next.startsWith("--");
  if (scan.lacksValue) return undefined;
  scan.at += 1;
  return next;
}

/** A4 */
function complainOfUnknown(scan: Scan, name: string, mayHoldValue: boolean): void {
  scan.builder.complain(
    mayHoldValue
      ? `argument ${scan.at} is unknown; put = between an option and its value`
      : `${name}: unknown argument; ${didYouMean(name, knownArgs)}`,
  );
}

/** A3 */
function complainOfStray(scan: Scan, word: string): void {
  const option = `--${word.replace(/^-+/, "")}`;
  const hint = knownArgs.includes(option) ? `; did you mean ${option}?` : "";
  scan.builder.complain(`argument ${scan.at} stands alone: options begin with --${hint}`);
}

function split(word: string): readonly [string, string | undefined] {
  const at = word.indexOf("=");
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
