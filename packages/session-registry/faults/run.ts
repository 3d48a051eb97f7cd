// Runs the scenarios one after the other and sums up. I/O: standard output (results), standard error (progress).

import { helpText, type Options, readOptions, UsageError } from "./options.ts";
import { Report } from "./report.ts";
import { badRows } from "./scenarios/bad-rows.ts";
import { channelSilent } from "./scenarios/channel-silent.ts";
import { edgeKilled } from "./scenarios/edge-killed.ts";
import { edgePaused } from "./scenarios/edge-paused.ts";
import { masterHung } from "./scenarios/master-hung.ts";
import { masterKilled } from "./scenarios/master-killed.ts";
import { poolExhaustion } from "./scenarios/pool-exhaustion.ts";
import { reaperKilled } from "./scenarios/reaper-killed.ts";
import { reconnectStorm } from "./scenarios/reconnect-storm.ts";
import { redisAway } from "./scenarios/redis-away.ts";
import { redisCut } from "./scenarios/redis-cut.ts";
import { redisSlow } from "./scenarios/redis-slow.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { shardLost } from "./scenarios/shard-lost.ts";
import { slotMigration } from "./scenarios/slot-migration.ts";
import { nowMs } from "./world/time.ts";

const scenarios: readonly Scenario[] = [
  edgeKilled,
  reaperKilled,
  edgePaused,
  reconnectStorm,
  badRows,
  redisSlow,
  redisCut,
  channelSilent,
  slotMigration,
  masterKilled,
  masterHung,
  shardLost,
  redisAway,
  poolExhaustion,
];

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** The exit code: 0 all holds, 1 something does not, 2 wrong arguments. */
export async function runFaults(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    print(helpText(scenarios));
    return 0;
  }
  if (args.includes("--list")) {
    for (const { name } of scenarios) print(name);
    return 0;
  }
  let options: Options;
  try {
    options = readOptions(args, scenarios);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const results: { name: string; isGood: boolean }[] = [];
  for (const scenario of scenarios.filter(({ name }) => options.scenarios.includes(name))) {
    results.push({ name: scenario.name, isGood: await runOne(scenario, options) });
  }
  const bad = results.filter(({ isGood }) => !isGood).map(({ name }) => name);
  print(
    `\n${results.length - bad.length} of ${results.length} scenarios hold${bad.length > 0 ? `; not: ${bad.join(", ")}` : ""}`,
  );
  return bad.length > 0 ? 1 : 0;
}

async function runOne(scenario: Scenario, options: Options): Promise<boolean> {
  const beganAtMs = nowMs();
  const seconds = (): number => (nowMs() - beganAtMs) / 1000;
  const report = new Report(scenario.name);
  const log = (text: string): void =>
    void process.stderr.write(`[${scenario.name} ${seconds().toFixed(1).padStart(5)} s] ${text}\n`);
  try {
    await scenario.run({ options, report, log });
  } catch (error) {
    report.must(
      "the scenario runs to its end",
      false,
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }
  print(`\n${scenario.name}: ${scenario.summary} (${seconds().toFixed(0)} s)\n${report.table()}`);
  print(report.json(seconds()));
  return report.isGood;
}
