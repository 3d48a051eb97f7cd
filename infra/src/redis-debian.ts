// Debian's Redis packages unpacked into the project's cache: no root, no service, nothing in the system.
// I/O: runs apt-get, apt-cache and dpkg-deb with private folders; downloads about 4 MB.
//
// D1. The folder under its final name is complete: it is filled under a name of its own and renamed when it has run.
// D2. Of two processes that do this at once the first rename wins; the other uses the winner's.
// D3. The name tells the distribution's release: after an upgrade the libraries would no longer fit the system's.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { findOnPath } from "./child.ts";
import type { RedisServer } from "./redis-server.ts";

const run = promisify(execFile);
const downloadLimitMs = 120_000;

/** The packages with the programs; their libraries are asked of apt. */
const programPackages = ["redis-server", "redis-tools"];

/** The C library and its kin come from the system: a second one beside the system's loader crashes. */
const systemLibraries = /^(?:libc6|libgcc|libstdc\+\+)/u;

type Options = {
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  /** The server in an unpacked folder, undefined if it does not run. */
  readonly check: (folder: string, libraries: readonly string[]) => Promise<RedisServer | undefined>;
};

type Unpacked =
  | { readonly kind: "found"; readonly server: RedisServer }
  | { readonly kind: "none"; readonly reason: string };

/** The unpacked server from the cache, or unpacked now. Says why if neither is possible. */
export async function unpackDebianRedis(options: Options): Promise<Unpacked> {
  const missing = ["apt-get", "apt-cache", "dpkg-deb"].find((name) => findOnPath(name) === undefined);
  if (missing !== undefined)
    return { kind: "none", reason: `Debian's packages cannot be unpacked here (no ${missing})` };
  const final = join(options.cacheDir, `redis-${await releaseName()}`);
  const cached = await checkFolder(final, options);
  if (cached !== undefined) return { kind: "found", server: cached };
  const work = `${final}.${process.pid}.${randomUUID()}`;
  try {
    await download(work, options.log);
    return await settle(work, final, options);
  } catch (error) {
    return { kind: "none", reason: `Debian's packages could not be fetched (${firstLine(error)})` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function settle(work: string, final: string, options: Options): Promise<Unpacked> {
  const root = join(work, "root");
  if ((await checkFolder(root, options)) === undefined) {
    return { kind: "none", reason: "this distribution's Redis is older than 7 or does not run unpacked" };
  }
  if (!(await renamed(root, final))) {
    const winner = await checkFolder(final, options); // D2
    if (winner !== undefined) return { kind: "found", server: winner };
    // What lies there does not run (half deleted, another architecture): put it aside, it goes away with our work folder.
    await renamed(final, join(work, "broken"));
    await renamed(root, final);
  }
  const server = await checkFolder(final, options);
  return server === undefined
    ? { kind: "none", reason: `the unpacked Redis in ${final} does not run` }
    : { kind: "found", server };
}

async function download(work: string, log: (line: string) => void): Promise<void> {
  log("No redis-server on PATH: unpacking Debian's into the project's cache (about 4 MB, once) …");
  const dirs = { lists: join(work, "lists"), cache: join(work, "cache"), packages: join(work, "packages") };
  const root = join(work, "root");
  for (const folder of [
    join(dirs.lists, "partial"),
    join(dirs.cache, "archives/partial"),
    dirs.packages,
    root,
  ]) {
    await mkdir(folder, { recursive: true });
  }
  const own = ["-o", `Dir::State::Lists=${dirs.lists}`, "-o", `Dir::Cache=${dirs.cache}`];
  const network = [
    "-qq",
    "-o",
    "Acquire::Retries=1",
    "-o",
    "Acquire::http::Timeout=15",
    "-o",
    "Acquire::https::Timeout=15",
  ];
  // One unreachable third-party source is no reason to give up: whether Redis is there shows at the download.
  await quiet("apt-get", [...own, ...network, "update"], dirs.packages).catch(() => {});
  const libraries = await librariesOf(own, dirs.packages);
  await quiet("apt-get", [...own, ...network, "download", ...programPackages, ...libraries], dirs.packages);
  for (const file of await readdir(dirs.packages)) {
    await quiet("dpkg-deb", ["-x", join(dirs.packages, file), root], dirs.packages);
  }
}

async function librariesOf(own: readonly string[], cwd: string): Promise<string[]> {
  const text = await quiet("apt-cache", [...own, "depends", "--important", ...programPackages], cwd);
  const names = [...text.matchAll(/^\s+\|?Depends: (lib[\w.+-]+)/gmu)].map((match) => match[1] ?? "");
  return [...new Set(names)].filter((name) => name !== "" && !systemLibraries.test(name));
}

async function quiet(command: string, args: readonly string[], cwd: string): Promise<string> {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = await run(command, [...args], {
    cwd,
    env,
    timeout: downloadLimitMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

async function checkFolder(folder: string, options: Options): Promise<RedisServer | undefined> {
  return options.check(folder, await libraryFolders(folder));
}

/** `lib` and `usr/lib` with their one folder per architecture (`x86_64-linux-gnu`). */
async function libraryFolders(root: string): Promise<string[]> {
  const bases = [join(root, "usr/lib"), join(root, "lib")];
  const nested = await Promise.all(
    bases.map(async (base) => {
      const entries = await readdir(base, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map((entry) => join(base, entry.name));
    }),
  );
  return [...nested.flat(), ...bases];
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch {
    return false;
  }
}

// D3
async function releaseName(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  const value = (key: string): string =>
    new RegExp(`^${key}="?([\\w.-]+)`, "mu").exec(text)?.[1] ?? "unknown";
  return `${value("ID")}-${value("VERSION_ID")}-${process.arch}`;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => line.startsWith("E:")) ?? lines[0] ?? "unknown reason";
}
