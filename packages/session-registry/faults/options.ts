// The parameters of a run: defaults, --quick, arguments. Pure.

/** All durations in ms, all rates per second. */
export interface Options {
  readonly scenarios: readonly string[];
  readonly isQuick: boolean;
  readonly stations: number;
  readonly stormStations: number;
  readonly heartbeatMs: number;
  readonly commandsPerSecond: number;
  readonly churnPerSecond: number;
  readonly leaseMs: number;
  readonly awayMs: number;
  readonly pauseMs: number;
  readonly slowMs: number;
  readonly calmMs: number;
  readonly claims: number;
  /** cluster-node-timeout; undefined: redis.conf's. */
  readonly nodeTimeoutMs: number | undefined;
}

type NumberName = Exclude<keyof Options, "scenarios" | "isQuick" | "nodeTimeoutMs">;

/** Name, full default, quick value, meaning. */
const parameters: Readonly<Record<NumberName, readonly [full: number, quick: number, meaning: string]>> = {
  stations: [3000, 300, "charge points with steady connections"],
  stormStations: [5000, 600, "charge points of reconnect-storm"],
  heartbeatMs: [10_000, 2000, "each sends a Heartbeat once in this time"],
  commandsPerSecond: [40, 40, "commands to random charge points through random edges"],
  churnPerSecond: [100, 100, "charge points that come, and leave or move on after 2 s, all the while"],
  leaseMs: [15_000, 4500, "registry.leaseMs of the edges; renewals, polls and deadlines follow"],
  awayMs: [60_000, 7000, "redis-away: how long"],
  pauseMs: [30_000, 7000, "edge-paused, redis-cut, master-hung: how long (above the lease)"],
  slowMs: [10_000, 3000, "redis-slow: how long each step"],
  calmMs: [6000, 2000, "traffic before the fault, to compare with"],
  claims: [5000, 5000, "pool-exhaustion: claims at once"],
};

/** Arguments that cannot be understood, in words for people. */
export class UsageError extends Error {}

const flagOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The text of --help. */
export function helpText(
  scenarios: readonly { readonly name: string; readonly summary: string; readonly inQuick: boolean }[],
): string {
  return [
    "pnpm --filter @cpg/session-registry faults [scenario …] [--quick] [--list] [--help] [--name=value …]",
    "",
    "Real faults against a real 6-node Redis Cluster and three edge processes. Without a name: all.",
    "Prints a table and one JSON line for each; exit code 1 when something that must hold does not, 2 for wrong arguments.",
    "",
    ...scenarios.map(({ name, summary, inQuick }) => `${inQuick ? "*" : " "} ${name.padEnd(17)} ${summary}`),
    "",
    `  ${"parameter".padEnd(24)} default   --quick`,
    ...Object.entries(parameters).map(
      ([name, [full, quick, meaning]]) =>
        `  ${flagOf(name).padEnd(24)} ${String(full).padEnd(9)} ${String(quick).padEnd(9)} ${meaning}`,
    ),
    "",
    "--quick shortens times and numbers (and cluster-node-timeout to 1000) and, without a name, runs those marked *: a good",
    "two minutes, for CI.",
  ].join("\n");
}

/** Errors: UsageError. */
export function readOptions(
  args: readonly string[],
  all: readonly { readonly name: string; readonly inQuick: boolean }[],
): Options {
  const known = all.map(({ name }) => name);
  const isQuick = args.includes("--quick");
  const values = Object.fromEntries(
    Object.entries(parameters).map(([name, [full, quick]]) => [name, isQuick ? quick : full]),
  ) as Record<NumberName, number>;
  const scenarios: string[] = [];
  const flags = new Map(Object.keys(parameters).map((name) => [flagOf(name), name as NumberName]));
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--quick" || arg === "--") continue;
    if (!arg.startsWith("--")) {
      if (!known.includes(arg)) throw new UsageError(`no scenario ${arg}; there are: ${known.join(", ")}`);
      scenarios.push(arg);
      continue;
    }
    const [flag = "", inline] = arg.split("=", 2);
    const name = flags.get(flag);
    if (!name) throw new UsageError(`no parameter ${flag}; see --help`);
    const text = inline ?? args[++i] ?? "";
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${flag} wants a whole number above 0, not "${text}"`);
    values[name] = value;
  }
  const unnamed = all.filter(({ inQuick }) => inQuick || !isQuick).map(({ name }) => name);
  return {
    ...values,
    isQuick,
    nodeTimeoutMs: isQuick ? 1000 : undefined,
    scenarios: scenarios.length > 0 ? scenarios : unnamed,
  };
}
