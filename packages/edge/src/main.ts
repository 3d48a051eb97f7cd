// The process: arguments, environment, signals, exit codes. Everything else is gateway.ts.
//
// Exit codes: 0 help, version, or a drain that ended · 1 a bug or a second signal · 2 what a person has to mend.

import { setFlagsFromString } from "node:v8";
import { loadConfig, type GatewayConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { startGateway, StartError, type Gateway } from "./gateway.ts";

const version = "0.1.0";

// What V8 is told about the life of an edge, which rests for hours and is then met by a storm (bench/README.md, *History*):
// - its old generation may double before all of it is marked again, for as much memory at most as lives at the time. At rest V8 lets it
//   grow by a fifth or so, and every storm paid for a collection or two;
// - it is not collected for having nothing to do, and what has not run lately stays compiled: such a collection drops the optimized code
//   of all that is not in use at that moment, and the next storm meets the interpreter. It is told not to begin any such collection:
//   whether it watches for a chance to (`--no-memory-reducer`) is settled before this is read.
for (const flag of ["--heap-growing-percent=100", "--memory-reducer-gc-count=0", "--no-flush-bytecode"])
  setFlagsFromString(flag);

async function main(): Promise<void> {
  const loaded = loadConfig({ argv: process.argv.slice(2), env: process.env });
  switch (loaded.kind) {
    case "help":
      process.stdout.write(`${loaded.text}\n`);
      return;
    case "version":
      process.stdout.write(`${version}\n`);
      return;
    case "invalid":
      refuse(loaded.problems);
      return;
    case "config":
      await run(loaded.config, loaded.masked);
  }
}

async function run(config: GatewayConfig, masked: object): Promise<void> {
  let gateway: Gateway;
  try {
    gateway = await startGateway(config, { time: systemTime, random: systemRandom });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    refuse(error.problems);
    process.exit(2); // what was opened is closed, but a library may hold a handle
  }
  gateway.telemetry.logger.info({ settings: masked }, "settings");
  dieOfBugs(gateway);
  obeySignals(gateway);
}

function refuse(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}

function obeySignals(gateway: Gateway): void {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    const { logger } = gateway.telemetry;
    signals += 1;
    if (signals > 1) {
      logger.warn({ signal }, "a second signal: ending at once");
      void gateway.stop().finally(() => process.exit(1));
      return;
    }
    logger.info({ signal }, "leaving in order; a second signal ends at once");
    void gateway.drain().finally(() => process.exit(signals > 1 ? 1 : 0));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

// A state that nobody foresaw is not worth keeping: the fleet reconnects to an edge that knows what it does.
function dieOfBugs(gateway: Gateway): void {
  const die = (error: unknown): void => {
    gateway.telemetry.logger.fatal({ err: error }, "unhandled: this is a bug");
    process.exit(1);
  };
  process.on("unhandledRejection", die);
  process.on("uncaughtException", die);
}

await main();
