// Packages of Debian (or a kin of it) unpacked into the project's cache: no root, no service, nothing in the system.
// I/O: runs apt-get, apt-cache and dpkg-deb with private folders; downloads what its caller names.
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

const run = promisify(execFile);
const downloadLimitMs = 120_000;

/**
 * The C library and its kin come from the system: a second one beside the system's loader crashes. `libjs-…` are scripts
 * of web pages, which no program loads.
 */
const notUnpacked = /^(?:libc6|libgcc|libstdc\+\+|libjs-)/u;

/** What to unpack, where, and how to know that it runs. */
export type DebianProgram<T> = {
  /** Begins the folder's name in the cache: `redis`. */
  readonly name: string;
  /** The packages with the programs; their libraries are asked of apt. */
  readonly packages: readonly string[];
  readonly cacheDir: string;
  readonly log: (line: string) => void;
  /** Said before the download: what and how much. */
  readonly announcement: string;
  /** Why not, when the packages came but `check` found nothing in them. */
  readonly unfit: string;
  /** The program in an unpacked folder, undefined if it does not run. */
  readonly check: (folder: string, libraries: readonly string[]) => Promise<T | undefined>;
};

/** The program, or why it cannot be had from packages. */
export type Unpacked<T> =
  { readonly kind: "found"; readonly program: T } | { readonly kind: "none"; readonly reason: string };

/** The unpacked program from the cache, or unpacked now. Says why if neither is possible. */
export async function unpackDebianProgram<T>(options: DebianProgram<T>): Promise<Unpacked<T>> {
  const missing = ["apt-get", "apt-cache", "dpkg-deb"].find((name) => findOnPath(name) === undefined);
  if (missing !== undefined)
    return { kind: "none", reason: `Debian's packages cannot be unpacked here (no ${missing})` };
  const final = join(options.cacheDir, `${options.name}-${await releaseName()}`);
  const cached = await checkFolder(final, options);
  if (cached !== undefined) return { kind: "found", program: cached };
  const work = `${final}.${process.pid}.${randomUUID()}`;
  try {
    await download(work, options);
    return await settle(work, final, options);
  } catch (error) {
    return { kind: "none", reason: `Debian's packages could not be fetched (${firstLine(error)})` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function settle<T>(work: string, final: string, options: DebianProgram<T>): Promise<Unpacked<T>> {
  const root = join(work, "root");
  if ((await checkFolder(root, options)) === undefined) return { kind: "none", reason: options.unfit };
  if (!(await renamed(root, final))) {
    const winner = await checkFolder(final, options); // D2
    if (winner !== undefined) return { kind: "found", program: winner };
    // What lies there does not run (half deleted, another architecture): put it aside, it goes away with our work folder.
    await renamed(final, join(work, "broken"));
    await renamed(root, final);
  }
  const program = await checkFolder(final, options);
  return program === undefined
    ? { kind: "none", reason: `what was unpacked into ${final} does not run` }
    : { kind: "found", program };
}

async function download(work: string, options: DebianProgram<unknown>): Promise<void> {
  const { announcement, packages: wanted } = options;
  options.log(announcement);
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
  // One unreachable third-party source is no reason to give up: whether the packages are there shows at the download.
  await quiet("apt-get", [...own, ...network, "update"], dirs.packages).catch(() => {});
  const libraries = await librariesOf(wanted, own, dirs.packages);
  await quiet("apt-get", [...own, ...network, "download", ...wanted, ...libraries], dirs.packages);
  for (const file of await readdir(dirs.packages)) {
    await quiet("dpkg-deb", ["-x", join(dirs.packages, file), root], dirs.packages);
  }
}

async function librariesOf(
  packages: readonly string[],
  own: readonly string[],
  cwd: string,
): Promise<string[]> {
  const text = await quiet("apt-cache", [...own, "depends", "--important", ...packages], cwd);
  const names = [...text.matchAll(/^\s+\|?Depends: (lib[\w.+-]+)/gmu)].map((match) => match[1] ?? "");
  return [...new Set(names)].filter((name) => name !== "" && !notUnpacked.test(name));
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

async function checkFolder<T>(folder: string, options: DebianProgram<T>): Promise<T | undefined> {
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
