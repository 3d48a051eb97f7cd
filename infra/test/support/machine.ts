// What tests ask of this machine: temporary folders, running processes, a Redis server.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { findRedisServer, type RedisServer } from "../../src/redis-server.ts";

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cpg-infra-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The one running process whose command line has `text`. */
export function pidNaming(text: string): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/u.test(name) && commandLine(name).includes(text));
  if (pids.length !== 1) throw new Error(`${pids.length} processes name ${text}`);
  return Number(pids[0]);
}

/** Command lines of running processes that name `text` (those that ended and are only not reaped have none). */
export function processesNaming(text: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/u.test(name));
  return pids.map(commandLine).filter((line) => line.includes(text));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** A server, or a failed test that says what to install. */
export async function redisServer(): Promise<RedisServer> {
  const search = await findRedisServer();
  if (search.kind === "missing") throw new Error(`${search.advice} (${search.reason})`);
  return search.server;
}
