// From arguments, environment and file to one checked configuration. Reads at most one file; otherwise pure.
//
// L1. Rising priority: defaults, file, environment, arguments.
// L2. All mistakes of all sources are reported together. Beside them only the files that understood settings name, so that mistakes in
//     those can be told at once too.
// L3. No secret's value leaves but in `config`: not in a problem, not in `masked`.
//
// convict holds the schema, the defaults, the merged values and their validation. Its readers of environment and arguments
// stay switched off: they let unknown names pass, truncate "12abc" to 12 and read "no" as true. The readers here put only
// understood values into it. Nor does it mask: it shows a secret that nobody gave as one that is.
import { readFileSync } from "node:fs";
import { hostname as systemHostname } from "node:os";
import convict from "convict";
import { readArguments } from "./arguments.ts";
import { readEnvironment } from "./environment.ts";
import { readFileText, unreadable } from "./file.ts";
import { helpText } from "./help.ts";
import { isSetting } from "./kinds.ts";
import type { Setting } from "./kinds.ts";
import { configFileArg, configFileEnv } from "./names.ts";
import type { Reading } from "./reading.ts";
import { brokenRules } from "./rules.ts";
import { settings } from "./settings.ts";
import type { DeclaredConfig, GatewayConfig } from "./settings.ts";

/** Where settings come from. */
export interface LoadInput {
  /** The words after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a text file or throws; the file system's unless given. */
  readonly readFile?: (path: string) => string;
  /** Base of the edge's default name; the system's unless given. */
  readonly hostname?: string;
}

/** What came of it; `--help` and `--version` are answers as well, and nothing is checked then. */
export type Loaded =
  | {
      readonly kind: "config";
      readonly config: GatewayConfig;
      readonly masked: object;
      /** `--check`: all of this was only to be looked at. */
      readonly isCheck: boolean;
    }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | { readonly kind: "invalid"; readonly problems: readonly string[]; readonly files: NamedFiles };

/** The settings that name files, as far as they were understood; a GatewayConfig is one too. */
export interface NamedFiles {
  readonly routes: Pick<DeclaredConfig["routes"], "file">;
  readonly auth: Pick<DeclaredConfig["auth"], "file">;
  readonly redis: Pick<DeclaredConfig["redis"], "tls">;
}

/** Reads and checks every setting. Never throws for what an operator wrote. */
export function loadConfig(input: LoadInput): Loaded {
  const fromArguments = readArguments(input.argv);
  if (fromArguments.asks === "help") return { kind: "help", text: helpText() };
  if (fromArguments.asks === "version") return { kind: "version" };
  const fromEnvironment = readEnvironment(input.env);
  const fromFile = readConfigFile(input, fromArguments.configFile, fromEnvironment.configFile);
  const readings = [fromFile, fromEnvironment, fromArguments]; // L1

  const merged = convict<DeclaredConfig>(schemaOf(settings), { env: {}, args: [] });
  for (const { path, value } of readings.flatMap((reading) => reading.assignments)) merged.set(path, value);
  merged.validate({ allowed: "strict" });
  const declared = merged.getProperties();

  const refused = new Set(readings.flatMap((reading) => reading.refused));
  const problems = [...readings.flatMap((reading) => reading.problems), ...brokenRules(declared, refused)]; // L2
  if (problems.length > 0) {
    const { routes, auth, redis } = declared;
    const files = { routes: { file: routes.file }, auth: { file: auth.file }, redis: { tls: redis.tls } };
    return { kind: "invalid", problems, files };
  }
  const name = declared.edge.name ?? defaultName(input.hostname ?? systemHostname(), declared.listen.port);
  const config = freeze({ ...declared, edge: { ...declared.edge, name } });
  return { kind: "config", config, masked: masked(config, settings), isCheck: fromArguments.isCheck };
}

function readConfigFile(input: LoadInput, fromArgument?: string, fromEnvironment?: string): Reading {
  const name = fromArgument ?? fromEnvironment;
  if (name === undefined) return { assignments: [], refused: [], problems: [] };
  const read = input.readFile ?? ((path) => readFileSync(path, "utf8"));
  try {
    return readFileText(name, read(name));
  } catch (error) {
    const source = fromArgument === undefined ? configFileEnv : configFileArg;
    const reason = error instanceof Error ? error.message : String(error);
    return unreadable(`${source}: cannot read ${name}: ${reason}`);
  }
}

/** The table in convict's form. A function as format keeps convict from converting anything itself. */
function schemaOf(node: object): convict.Schema<DeclaredConfig> {
  const schema = mapSettings(node);
  // The table's type and this schema's come from the same `settings`; only convict's typing cannot see it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return schema as convict.Schema<DeclaredConfig>;
}

function mapSettings(node: object): object {
  const entries = Object.entries(node).map(([key, child]: [string, object]): [string, object] => [
    key,
    isSetting(child) ? formatOf(child) : mapSettings(child),
  ]);
  return Object.fromEntries(entries);
}

/** L3. Of a secret that is given only that; of one that is not, nothing: that is what one looks for there. */
function masked(values: object, table: object): object {
  const entries = Object.entries(table).flatMap(([key, child]: [string, object]): [string, unknown][] => {
    const value: unknown = Reflect.get(values, key);
    if (value === undefined) return []; // not even its key: a logger masks what stands under it, undefined too
    if (typeof value === "object" && value !== null && !isSetting(child))
      return [[key, masked(value, child)]];
    return [[key, isSetting(child) && child.secret ? "[masked]" : value]];
  });
  return Object.fromEntries(entries);
}

function formatOf(setting: Setting<unknown>): convict.SchemaObj {
  return {
    default: setting.default,
    doc: setting.doc,
    sensitive: setting.secret,
    format(value: unknown) {
      const isValid =
        (value === undefined && setting.default === undefined) || setting.fromJson(value) !== undefined;
      if (!isValid) throw new Error(`allowed is ${setting.allowed}`);
    },
  };
}

/** Host name and port, in the letters that an edge's name may have. */
function defaultName(hostname: string, port: number): string {
  return `${hostname.replace(/[^\w.-]/g, "-").slice(0, 58)}-${port}`;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
