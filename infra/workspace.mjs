// The workspace as a newcomer's machine sees it: which pnpm, which Node, is it installed, run a tool. I/O: files, processes.
// Plain JavaScript without dependencies: it runs before anything is installed, on the system's Node (20 or newer).
//
// W1. A signal that reaches us reaches the child, and we end after it and as it did.
//     npm hands on no signal that it gets alone: it ends its shell and leaves us behind, and killed it leaves both. So its end is
//     one for us (endWithNpm).
// W2. "Installed" is said only after an installation has succeeded: one that was interrupted is done again.
// W3. What was installed fits this machine: an optional package that the lockfile lacks, a binary for another processor, is no error to pnpm.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/u, "");

/** The Node that runs everything of this project (its version is pinned in package.json). */
export const pinnedNode = join(
  root,
  "node_modules/node/bin",
  process.platform === "win32" ? "node.exe" : "node",
);

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const marker = join(root, "node_modules/.cache/cpg/installed");

/** `pnpm@10.34.9`, as package.json pins it. */
export const pnpm = manifest.packageManager;

/** An expected failure: its message is the one line a person needs. */
export class Stop extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command and waits for its end (W1).
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ quiet?: boolean, ipc?: boolean, onText?: (text: string) => void }} [options]
 *   quiet: its output is kept and given back instead of shown. ipc: it learns of our end by `disconnect`.
 * @returns {Promise<{ code: number, output: string, interrupted: boolean }>} code: 128 + number of the signal that ended it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...quietTools },
      stdio: options.quiet
        ? ["ignore", "pipe", "pipe"]
        : ["inherit", "inherit", "inherit", ...(options.ipc ? ["ipc"] : [])],
      shell: process.platform === "win32", // npx is npx.cmd there
    });
    let output = "";
    let interrupted = false;
    const keep = (chunk) => {
      output += chunk;
      options.onText?.(String(chunk));
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const forward = (signal) => {
      interrupted = true;
      child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, forward);
    const forget = () => {
      for (const signal of signals) process.off(signal, forward);
    };
    child.once("error", (error) => {
      forget();
      reject(
        error.code === "ENOENT" ? new Stop(`${command} was not found: ${missingAdvice(command)}`) : error,
      );
    });
    child.once("close", (code, signal) => {
      forget();
      resolve({ code: code ?? 128 + (signalNumbers[signal] ?? 0), output, interrupted });
    });
  });
}

/** Where npm (or pnpm) runs us: ends as by SIGTERM when it is gone, or what it started between itself and us (W1). */
export function endWithNpm() {
  const script = process.env.npm_lifecycle_event;
  if (script === undefined || process.platform === "win32") return;
  const steps = stepsToNpm(script);
  const atFirst = ancestors(steps).join(" ");
  const timer = setInterval(() => {
    if (ancestors(steps).join(" ") === atFirst) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
}

/**
 * How many steps above us npm is: its shell, pnpm's shim of `node` and ours may stand between, and they outlive it. Those that
 * npm starts for a script have the script's name in their environment, npm has not. Nobody above npm counts: who started it may end.
 */
function stepsToNpm(script) {
  let pid = process.ppid;
  let steps = 1;
  for (; environmentOf(pid).includes(`npm_lifecycle_event=${script}`); steps++) pid = parentOf(pid);
  return steps;
}

/** Our parent, its parent and so on, `count` of them; beside Linux our parent alone is known. */
function ancestors(count) {
  const pids = [process.ppid];
  while (pids.length < count) pids.push(parentOf(pids.at(-1)));
  return pids;
}

/** `NAME=value`, as the process was given them; none where that is not known (Linux only). */
function environmentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Linux only; elsewhere undefined. */
function parentOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/.*\) \w /su, "")
      .split(" ", 1)[0];
  } catch {
    return undefined;
  }
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

// What the tools would like to tell a person who did not ask them.
const quietTools = {
  npm_config_loglevel: "error",
  npm_config_update_notifier: "false",
  npm_config_fund: "false",
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
};

function missingAdvice(command) {
  return command === "npx"
    ? "install npm (it comes with Node, https://nodejs.org)."
    : "reinstall with `npm test`.";
}

/**
 * Runs the pinned pnpm. npx brings it from the registry once and afterwards from npm's own cache; it also puts pnpm on the
 * PATH of what pnpm runs, which turbo needs.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runPnpm(args, options) {
  return run("npx", ["--yes", pnpm, ...args], options);
}

/**
 * Runs turbo tasks.
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runTurbo(args, options) {
  return runPnpm(["exec", "turbo", "run", ...args], options);
}

/** What an installation is made from: if it changes, install again. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const manifests = packageFolders().map((folder) => join(folder, "package.json"));
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests]) {
    hash.update(readFileSync(join(root, name)));
  }
  return hash.digest("hex");
}

/** Folders of the workspace's packages, relative to the root, as pnpm-workspace.yaml has them. */
export function packageFolders() {
  const nested = readdirSync(join(root, "packages")).map((name) => join("packages", name));
  return ["infra", "bench", "dashboards", ...nested].filter((folder) =>
    existsSync(join(root, folder, "package.json")),
  );
}

/** Whether the workspace is installed as the lockfile says (W2). */
export function isInstalled() {
  return existsSync(pinnedNode) && existsSync(marker) && readFileSync(marker, "utf8") === fingerprint();
}

/** Installs the workspace by its lockfile, unless that is done. Throws Stop with what to do when it fails. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  const before = fingerprint();
  process.stderr.write(
    "Installing the project's dependencies into node_modules (the first time about 15 s, 700 MB) …\n",
  );
  const { code, output, interrupted } = await runPnpm(
    ["install", "--frozen-lockfile", "--config.confirmModulesPurge=false"],
    { quiet: true, onText: showProgress },
  );
  clearProgress();
  if (interrupted) throw new Stop("The installation was interrupted; the next start goes on with it.", 130);
  if (code !== 0)
    throw new Stop(`${installationAdvice(output)}\n\nWhat pnpm said:\n${lastLines(output, 15)}`);
  if (!existsSync(pinnedNode))
    throw new Stop(`The installation left no ${pinnedNode}: remove node_modules and try again.`);
  await requireSockets(pinnedNode); // W3
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, before);
}

/**
 * W3. Throws Stop where this Node has no uWebSockets.js.
 * @param {string} node
 */
export async function requireSockets(node) {
  const load = `require(${JSON.stringify(join(root, "packages/edge/node_modules/uWebSockets.js"))})`;
  const { code, output } = await run(node, ["-e", load], { quiet: true });
  if (code === 0) return;
  const here = `${process.platform} on ${process.arch}`;
  throw new Stop(
    `uWebSockets.js does not load here (${here}). The lockfile has it for Linux on x64 with glibc; for another machine see README.md, Swapping uWebSockets.js.\n\nWhat Node said:\n${lastLines(output, 15)}`,
  );
}

function showProgress(text) {
  const line = text.split("\n").findLast((each) => each.includes("Progress:"));
  if (process.stderr.isTTY && line !== undefined)
    process.stderr.write(`\r\u001B[2K${line.trim().slice(0, 100)}`);
}

function clearProgress() {
  if (process.stderr.isTTY) process.stderr.write("\r\u001B[2K");
}

/**
 * The one line for a failed installation.
 * @param {string} output what pnpm or npx printed
 */
export function installationAdvice(output) {
  if (/ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH/u.test(output)) {
    return `pnpm-lock.yaml does not fit the package.json files: run \`npx ${pnpm} install\` and commit the lockfile.`;
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET|ERR_PNPM_META_FETCH_FAIL/u.test(
      output,
    )
  ) {
    return "The npm registry could not be reached: check the network (and `npm config get registry`), then try again.";
  }
  if (/ENOSPC/u.test(output))
    return "The disk is full: the project and npm's and pnpm's caches need about 700 MB.";
  if (/EACCES|EPERM|EROFS/u.test(output))
    return `No permission to write: ${root} must belong to the user who runs this.`;
  return "The installation failed.";
}

/**
 * The last lines of a text.
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
