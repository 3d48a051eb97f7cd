// The process: settings, signals, exit codes. Everything else is gateway.ts.
//
// Exit codes: 0 help, version, a check without mistakes (also with a warning), or a drain that ended · 1 a bug or a second signal ·
//   2 what a person has to mend.

import { loadConfig, type GatewayConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { buildInfo } from "./build-info.ts";
import { ownDescriptors, tooFewDescriptors } from "./descriptors.ts";
import { startGateway, StartError, type Gateway } from "./gateway.ts";
import { mistakesInFiles, readNamedFiles } from "./named-files.ts";
import { tellV8 } from "./v8-settings.ts";

/** Runs until the process is told to end. */
export async function runEdge(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  tellV8();
  const loaded = loadConfig({ argv, env });
  const extraCaFile = env["NODE_EXTRA_CA_CERTS"];
  switch (loaded.kind) {
    case "help":
      process.stdout.write(`${loaded.text}\n`);
      return;
    case "version":
      process.stdout.write(`${buildInfo().version}\n`);
      return;
    case "invalid":
      refuse([...loaded.problems, ...mistakesInFiles(loaded.files, extraCaFile)]);
      return;
    case "config":
      if (loaded.isCheck) check(loaded.config, extraCaFile);
      else await run(loaded.config, loaded.masked, extraCaFile);
  }
}

/** What could be wrong before anything is opened. Whether ports are free and Redis is there, only a start tells. */
function check(config: GatewayConfig, extraCaFile: string | undefined): void {
  const files = readNamedFiles(config, extraCaFile);
  if (files.kind === "invalid") refuse(files.problems);
  else process.stdout.write("the settings and the files they name are right\n");
  const tooFew = tooFewDescriptors(config.listen.maxConnections, ownDescriptors());
  if (tooFew !== undefined) process.stderr.write(`warning: ${tooFew.says}\n`);
}

async function run(config: GatewayConfig, masked: object, extraCaFile: string | undefined): Promise<void> {
  let gateway: Gateway;
  try {
    const descriptors = ownDescriptors();
    const ports = { time: systemTime, random: systemRandom, extraCaFile, descriptors };
    gateway = await startGateway(config, ports);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    refuse(error.problems);
    process.exit(2); // what was opened is closed, but a library may hold a handle
  }
  gateway.telemetry.logger.info({ settings: masked }, "settings");
  dieOfBugs(gateway);
  obeySignals(gateway);
  bearHangUps(gateway);
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

// Whoever sends it to have files read again must not cut off a fleet. A terminal that is closed sends it too, and must end us: nobody reads what
// we write there, and each line of the log would fail.
function bearHangUps({ telemetry }: Gateway): void {
  if ([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) return;
  process.on("SIGHUP", () => {
    const says =
      "SIGHUP: auth.file is followed without it; all else is read at the start only (SIGTERM drains)";
    telemetry.logger.warn({ signal: "SIGHUP" }, says);
  });
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
