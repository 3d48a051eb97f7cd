// `npm start` from its arguments to its exit code. I/O: everything below it, signals, the console.
//
// R1. A signal that arrives twice within half a second is one: npm hands on the Ctrl-C that the terminal has sent us already.
// R2. The first ends everything in order, the next one without waiting for drains.
// R3. A closed terminal is a reason to end in order, not to die of a failed write.

import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";

import { findRedisServer, type RedisServer } from "../redis-server.ts";
import { announcement } from "./announcement.ts";
import { LocalStartError, type LocalSurroundings, startLocalGateway } from "./local-gateway.ts";
import { readOptions, type StartOptions } from "./options.ts";
import { planLocal } from "./plan.ts";

/** What start.ts fixes and tests replace. */
export type StartSurroundings = Omit<LocalSurroundings, "say"> & {
  readonly cacheDir: string;
  /** Where to look for redis-server; PATH unless given. */
  readonly path?: string;
};

const sameSignalMs = 500;

/** Runs until it is told to end or fails. Resolves with the exit code; then nothing of it runs. */
export async function runStart(argv: readonly string[], surroundings: StartSurroundings): Promise<number> {
  const read = readOptions(argv, process.env);
  if (read.kind === "print") {
    (read.exitCode === 0 ? process.stdout : process.stderr).write(read.text);
    return read.exitCode;
  }
  const stopSignals = listenForSignals();
  try {
    return await startAndWait(read.options, surroundings, stopSignals);
  } catch (error) {
    if (stopSignals.end.aborted) return 0;
    if (!(error instanceof LocalStartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    stopSignals.forget();
  }
}

async function startAndWait(
  options: StartOptions,
  surroundings: StartSurroundings,
  { end, hurry }: StopSignals,
): Promise<number> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const ownRoutesFile = await readable(options.routesFile);
  const chosen = await chooseRegistry(options, surroundings, say);
  const plan = planLocal(chosen.server === undefined ? "memory" : "cluster", options);
  const gateway = await startLocalGateway(plan, chosen.server, { ...surroundings, ownRoutesFile, say }, end);
  process.stdout.write(announcement(plan, chosen.memoryReason));
  const failure = await Promise.race([gateway.failed, aborted(end)]);
  if (failure !== undefined) process.stderr.write(`\n${failure}\nEnding everything else …\n`);
  else say("Ending: edges drain, then backend, then Redis. Once more Ctrl-C hurries.");
  await gateway.stop(hurry);
  if (failure === undefined) say("Ended; nothing is left running.");
  return failure === undefined ? 0 : 1;
}

// npm runs us in the project's folder and tells in which one it was called.
async function readable(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const path = resolve(process.env["INIT_CWD"] ?? process.cwd(), file);
  await access(path, constants.R_OK).catch((error: unknown) => {
    const [reason] = String(error instanceof Error ? error.message : error).split(", access "); // the path again
    throw new LocalStartError(`The routes file ${path} cannot be read: ${reason}`, { cause: error });
  });
  return path;
}

type Chosen = { readonly server: RedisServer | undefined; readonly memoryReason: string | undefined };

async function chooseRegistry(
  options: StartOptions,
  surroundings: StartSurroundings,
  say: (line: string) => void,
): Promise<Chosen> {
  if (options.registry === "memory") return { server: undefined, memoryReason: undefined };
  const { cacheDir, path } = surroundings;
  const search = await findRedisServer({ cacheDir, log: say, ...(path === undefined ? {} : { path }) });
  if (search.kind === "found") {
    say(`Redis ${search.server.version}: ${search.server.command}`);
    return { server: search.server, memoryReason: undefined };
  }
  const needed = options.registry === "cluster" ? "--registry cluster" : `--edges ${options.edges}`;
  if (options.registry === "cluster" || (options.edges ?? 1) > 1) {
    throw new LocalStartError(`${needed} needs a Redis. ${search.advice} (${search.reason})`);
  }
  return { server: undefined, memoryReason: `For a cluster: ${search.advice} (${search.reason})` };
}

type StopSignals = { readonly end: AbortSignal; readonly hurry: AbortSignal; readonly forget: () => void };

function listenForSignals(): StopSignals {
  const end = new AbortController();
  const hurry = new AbortController();
  let firstAt = 0;
  const heard = (): void => {
    if (!end.signal.aborted) {
      firstAt = performance.now();
      end.abort();
    } else if (performance.now() - firstAt > sameSignalMs) {
      hurry.abort(); // R1, R2
    }
  };
  const ignore = (): void => {};
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, heard);
  process.on("disconnect", heard); // bootstrap.mjs is gone
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignore); // R3
  return {
    end: end.signal,
    hurry: hurry.signal,
    forget: () => {
      for (const name of names) process.off(name, heard);
      process.off("disconnect", heard);
    },
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
