// Finds a Prometheus with its promtool to run on this machine. I/O: runs both with `--version`, may download (debian-packages.ts).
//
// P1. Nothing is installed into the system, no root is needed, no service is started.
// P2. Both programs count only after they have answered with their version from the place where they will be run.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { findOnPath } from "./child.ts";
import { unpackDebianProgram } from "./debian-packages.ts";
import { defaultCacheDir } from "./paths.ts";

const run = promisify(execFile);

/** A Prometheus that has answered on this machine. */
export type Prometheus = {
  readonly origin: "path" | "unpacked";
  /** `prometheus`, absolute. */
  readonly command: string;
  /** `promtool` of the same origin, absolute. */
  readonly promtool: string;
  /** What both need in their environment beside ours (where unpacked libraries are). */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
};

/** Found, or why not and what to install: both whole sentences for a person. */
export type PrometheusSearch =
  | { readonly kind: "found"; readonly prometheus: Prometheus }
  | { readonly kind: "missing"; readonly reason: string; readonly advice: string };

/** Where to keep what is unpacked, and who hears what takes time. */
export type PrometheusOptions = {
  readonly cacheDir?: string;
  readonly log?: (line: string) => void;
  /** Where to look first. PATH of the process unless told otherwise. */
  readonly path?: string;
};

/**
 * `prometheus` and `promtool` from PATH, else Debian's package unpacked into `cacheDir` (once, about 5 s and 95 MB; later
 * calls find it there), else why not. Several processes may do this at once. Never rejects for an expected reason.
 */
export async function findPrometheus(options: PrometheusOptions = {}): Promise<PrometheusSearch> {
  const { cacheDir = defaultCacheDir, log = () => {}, path } = options;
  const [command, promtool] = ["prometheus", "promtool"].map((name) => findOnPath(name, path));
  const onPath = await answering({ origin: "path", command, promtool, env: {} });
  if (onPath !== undefined) return { kind: "found", prometheus: onPath };
  const unpacked = await unpackDebianProgram({
    name: "prometheus",
    packages: ["prometheus"],
    cacheDir,
    log,
    announcement: "No prometheus on PATH: unpacking Debian's into the project's cache (about 19 MB, once) …",
    unfit: "this distribution's Prometheus is older than 2 or does not run unpacked",
    check: (folder, libraries) =>
      answering({
        origin: "unpacked",
        command: join(folder, "usr/bin/prometheus"),
        promtool: join(folder, "usr/bin/promtool"),
        env: { LD_LIBRARY_PATH: libraries.join(":") },
      }),
  });
  if (unpacked.kind === "found") return { kind: "found", prometheus: unpacked.program };
  return {
    kind: "missing",
    reason: `no prometheus and promtool that run on PATH; ${unpacked.reason}`,
    advice:
      "Install Prometheus 2 or newer, so that `prometheus --version` and `promtool --version` work " +
      "(Debian, Ubuntu: sudo apt-get install prometheus; macOS: brew install prometheus).",
  };
}

type Candidate = Pick<Prometheus, "origin" | "env"> & {
  readonly command: string | undefined;
  readonly promtool: string | undefined;
};

// P2
async function answering({ origin, env, command, promtool }: Candidate): Promise<Prometheus | undefined> {
  if (command === undefined || promtool === undefined) return undefined;
  const version = await versionOf(command, env);
  if (version === undefined || (await versionOf(promtool, env)) === undefined) return undefined;
  return { origin, command, promtool, env, version };
}

/** `2.42.0` from "prometheus, version 2.42.0+ds (branch: …" or promtool's; undefined below 2. */
async function versionOf(
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ["--version"], {
      env: { ...process.env, ...env },
      timeout: 10_000,
    });
    return /version ((?:[2-9]|\d\d)\.\d+\.\d+)/u.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
