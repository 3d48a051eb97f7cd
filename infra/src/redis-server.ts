// Finds a Redis server to run on this machine. I/O: runs `redis-server --version`, may download (debian-packages.ts).
//
// S1. Nothing is installed into the system, no root is needed, no service is started.
// S2. A program counts only after it has answered with its version from the place where it will be run.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { findOnPath } from "./child.ts";
import { unpackDebianProgram } from "./debian-packages.ts";
import { defaultCacheDir } from "./paths.ts";

const run = promisify(execFile);

/** The oldest major version that has what the gateway needs (sharded pub/sub, functions, ADDSLOTSRANGE). */
export const oldestRedisMajor = 7;

/** A Redis server that has answered on this machine. */
export type RedisServer = {
  readonly origin: "path" | "unpacked";
  /** `redis-server`, absolute. */
  readonly command: string;
  /** `redis-cli` of the same origin, absolute; undefined if there is none that runs. */
  readonly cli: string | undefined;
  /** What both need in their environment beside ours (where the unpacked libraries are). */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
};

/** No Redis server to be had: why, and what to install. Both are whole sentences for a person. */
export type NoRedisServer = { readonly kind: "missing"; readonly reason: string; readonly advice: string };

/** Either. */
export type RedisServerSearch = { readonly kind: "found"; readonly server: RedisServer } | NoRedisServer;

/** Where to keep an unpacked server, and who hears what takes time. */
export type RedisServerOptions = {
  readonly cacheDir?: string;
  readonly log?: (line: string) => void;
  /** Where to look first. PATH of the process unless told otherwise. */
  readonly path?: string;
};

/**
 * `redis-server` 7 or newer from PATH, else Debian's packages unpacked into `cacheDir` (once, about 3 s and 8 MB;
 * later calls find them there), else why not. Several processes may do this at once. Never rejects for an expected reason.
 */
export async function findRedisServer(options: RedisServerOptions = {}): Promise<RedisServerSearch> {
  const { cacheDir = defaultCacheDir, log = () => {}, path } = options;
  const onPath = await fromPath(path);
  if (onPath.kind === "found") return onPath;
  const unpacked = await unpackDebianProgram({
    name: "redis",
    packages: ["redis-server", "redis-tools"],
    cacheDir,
    log,
    announcement: "No redis-server on PATH: unpacking Debian's into the project's cache (about 4 MB, once) …",
    unfit: `this distribution's Redis is older than ${oldestRedisMajor} or does not run unpacked`,
    check: serverIn,
  });
  if (unpacked.kind === "found") return { kind: "found", server: unpacked.program };
  return {
    kind: "missing",
    reason: `${onPath.reason}; ${unpacked.reason}`,
    advice: installAdvice(process.platform),
  };
}

async function fromPath(
  path: string | undefined,
): Promise<RedisServerSearch | { kind: "none"; reason: string }> {
  const command = findOnPath("redis-server", path);
  if (command === undefined) return { kind: "none", reason: "no redis-server on PATH" };
  const version = await versionOf(command, {});
  if (version === undefined) return { kind: "none", reason: `${command} does not run` };
  if (majorOf(version) < oldestRedisMajor) {
    return {
      kind: "none",
      reason: `${command} is version ${version}, too old (${oldestRedisMajor} or newer is needed)`,
    };
  }
  const cli = findOnPath("redis-cli", path);
  return { kind: "found", server: { origin: "path", command, cli, env: {}, version } };
}

/** The server in a folder of unpacked packages, if it runs from there (S2) and is new enough. */
async function serverIn(folder: string, libraries: readonly string[]): Promise<RedisServer | undefined> {
  const env = { LD_LIBRARY_PATH: libraries.join(":") };
  const command = join(folder, "usr/bin/redis-server");
  const version = await versionOf(command, env);
  if (version === undefined || majorOf(version) < oldestRedisMajor) return undefined;
  const cli = join(folder, "usr/bin/redis-cli");
  const cliRuns = (await versionOf(cli, env)) !== undefined;
  return { origin: "unpacked", command, cli: cliRuns ? cli : undefined, env, version };
}

/** `7.0.15` from "Redis server v=7.0.15 sha=…" or "redis-cli 7.0.15". */
async function versionOf(
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ["--version"], {
      env: { ...process.env, ...env },
      timeout: 10_000,
    });
    return /(?:v=|redis-cli )(\d+\.\d+\.\d+)/u.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function majorOf(version: string): number {
  return Number(version.split(".")[0]);
}

function installAdvice(platform: NodeJS.Platform): string {
  if (platform === "darwin") return "Install Redis 7 or newer: brew install redis";
  if (platform === "win32") return "Redis runs on Windows only inside WSL 2: run this project there.";
  return "Install Redis 7 or newer, so that `redis-server --version` works (Debian, Ubuntu: sudo apt-get install redis-server).";
}
