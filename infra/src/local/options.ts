// The arguments of `npm start`. Pure: no I/O.

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";

import { overruledVariable } from "./plan.ts";

/** Who owns which charge point: Redis Cluster, or the memory of the one edge. */
export type RegistryKind = "cluster" | "memory";

/** What was asked for; undefined where the machine may decide. */
export type StartOptions = {
  readonly registry: RegistryKind | undefined;
  readonly edges: number | undefined;
  readonly portOffset: number;
  /** As it was given; undefined: the demo's. */
  readonly routesFile: string | undefined;
};

/** The options, or what to print and the exit code: help was asked for (0) or an argument is wrong (2). */
export type ReadOptions =
  | { readonly kind: "options"; readonly options: StartOptions }
  | { readonly kind: "print"; readonly text: string; readonly exitCode: 0 | 2 };

/** Each edge takes three ports of rows that begin 80 apart at the nearest (8000 backend, 8080 management). */
export const maxEdges = 16;

/** Reads the arguments after `npm start --`, and the environment. Never throws for what a person may type. */
export function readOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadOptions {
  const output: string[] = [];
  const command = startCommand((text) => output.push(text));
  try {
    command.parse([...argv], { from: "user" });
    const overruled = overruledVariable(env);
    if (overruled !== undefined) {
      const text = `${overruled} is set, but npm start decides that by itself: unset it. Ports move with --port-offset; an edge with settings of its own is started by itself (README.md, Running it).\n`;
      return { kind: "print", text, exitCode: 2 };
    }
    const options = command.opts<{
      registry?: RegistryKind;
      edges?: number;
      portOffset: number;
      routesFile?: string;
    }>();
    if (options.registry === "memory" && (options.edges ?? 1) > 1) {
      const text = `--registry memory --edges ${options.edges}: the in-process registry lives inside one edge; a second edge would know nothing of the first one's charge points. Use --registry cluster, or one edge.\n`;
      return { kind: "print", text, exitCode: 2 };
    }
    const { registry, edges, portOffset, routesFile = env["CPG_ROUTES_FILE"] } = options;
    return { kind: "options", options: { registry, edges, portOffset, routesFile } };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: "print", text: output.join(""), exitCode: error.exitCode === 0 ? 0 : 2 };
  }
}

function startCommand(write: (text: string) => void): Command {
  return new Command("npm start --")
    .description(
      "Runs the gateway on this machine: a Redis Cluster, a demo backend, and edges in front of it.",
    )
    .addOption(
      new Option(
        "--registry <kind>",
        "where sessions are kept (default: cluster if a Redis can be had)",
      ).choices(["cluster", "memory"]),
    )
    .option(
      "--edges <n>",
      `how many edges, 1 to ${maxEdges} (default: 2, with the memory registry 1)`,
      wholeBetween(1, maxEdges),
    )
    .option(
      "--port-offset <n>",
      "added to every port, for a second gateway on one machine",
      wholeBetween(0, 20_000),
      0,
    )
    .option(
      "--routes-file <file>",
      "your routes (packages/edge/ROUTES.md) in place of the demo's; also CPG_ROUTES_FILE",
    )
    .addHelpText(
      "after",
      "\nOther settings of the edges can be given in the environment: CPG_TELEMETRY_LOG_LEVEL=debug npm start",
    )
    .allowExcessArguments(false)
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
}

function wholeBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/u.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
