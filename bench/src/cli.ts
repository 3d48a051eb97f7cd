// The command line: `bench <scenario> [--parameter value …]`, made from the table of scenarios.
//
// B1. Nothing is started before every word and every parameter is known to be sensible: one clear line and exit code 2 otherwise.
// B2. The exit code is 1 if a result was wrong (a lost station, a pool timeout, an unanswered message), never for a time.

import { Command, CommanderError, Option } from "commander";

import { readValues } from "./parameters.ts";
import type { Scenario, Values } from "./scenario.ts";

/** What is to be done. */
export type Order =
  | {
      readonly kind: "run";
      readonly scenario: Scenario;
      readonly values: Values;
      readonly options: RunOptions;
    }
  | { readonly kind: "said"; readonly text: string }
  | { readonly kind: "refused"; readonly line: string };

/** Options of every scenario. */
export interface RunOptions {
  /** Folder of the JSON file and the page. */
  readonly out: string | undefined;
  /** Folder for CPU profiles of the edges. */
  readonly profile: string | undefined;
}

/** Reads the arguments; starts nothing. */
export function readOrder(argv: readonly string[], scenarios: readonly Scenario[]): Order {
  let order: Order | undefined;
  let said = "";
  const program = programOf(
    scenarios,
    (text) => (said += text),
    (given) => (order = given),
  );
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "said", text: said };
    return {
      kind: "refused",
      line: said
        .replace(/^error: /u, "")
        .trim()
        .replaceAll("\n", " "),
    };
  }
  return order ?? { kind: "said", text: said };
}

function programOf(
  scenarios: readonly Scenario[],
  say: (text: string) => void,
  give: (order: Order) => void,
): Command {
  const program = new Command("bench")
    .description("Load, storms, density and peers. Results go to one JSON file and one page each.")
    .exitOverride()
    .configureOutput({ writeOut: say, writeErr: say })
    .showSuggestionAfterError()
    .enablePositionalOptions() // `bench storm --list` asks the storm for a list
    .argument("[scenario]", "one of --list")
    // Of a scenario that is misspelt, not its options are what has to be told.
    .allowUnknownOption()
    .allowExcessArguments()
    .option("--list", "the scenarios, a line each")
    .action((name: string | undefined, { list }: { list?: boolean }) => {
      if (name !== undefined) give({ kind: "refused", line: unknownText(name, scenarios) });
      else if (list === true) say(listText(scenarios));
      else program.outputHelp();
    });
  for (const scenario of scenarios) {
    const command = program
      .command(scenario.name)
      .description(scenario.title)
      .exitOverride()
      .allowExcessArguments(false); // B1: it takes the program's word for this otherwise
    for (const { name, unit, default: value, meaning } of scenario.parameters) {
      // No default here: commander would hide whether it was given.
      command.addOption(new Option(`--${name} <number>`, `${meaning} (${unit}; default ${value})`));
    }
    command.option("--out <folder>", "where the JSON file and the page go");
    command.option("--profile <folder>", "write CPU profiles of the edges there");
    command.action((given: Record<string, string>) => {
      const { list } = program.opts<{ list?: boolean }>();
      give(list === true ? { kind: "refused", line: listRefusal } : orderOf(scenario, given));
    });
  }
  return program;
}

function orderOf(scenario: Scenario, given: Readonly<Record<string, string>>): Order {
  const texts = Object.fromEntries(
    scenario.parameters.flatMap(({ name }) => {
      const text = given[camelCase(name)];
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
  const read = readValues(scenario, texts);
  if (read.kind === "refused") return read;
  const nameless = ["out", "profile"].find((option) => given[option]?.trim() === "");
  if (nameless !== undefined)
    return { kind: "refused", line: `--${nameless} must be a folder, not an empty text` };
  return {
    kind: "run",
    scenario,
    values: read.values,
    options: { out: given["out"], profile: given["profile"] },
  };
}

const listRefusal = "--list takes no scenario; bench <scenario> --help shows its parameters";

function unknownText(name: string, scenarios: readonly Scenario[]): string {
  return `no scenario is called ${JSON.stringify(name)}; there are ${scenarios.map((each) => each.name).join(", ")}`;
}

function listText(scenarios: readonly Scenario[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  return `${scenarios.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join("\n")}\n`;
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/gu, (_, letter: string) => letter.toUpperCase());
}
