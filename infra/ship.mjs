// `npm run ship -- DIR`: a folder with what an edge needs at run time and nothing else. I/O: files, processes.
// Plain JavaScript without dependencies, like what calls it (bootstrap.mjs), which has installed and built.
//
// H1. Versions are the lockfile's: pnpm deploys by it. For this one command it copies the workspace's packages; in the workspace
//     they stay links, so that what a developer builds is what the others import.
// H2. The folder may be moved, packed and given to another user: no symbolic links (`hoisted`), no path of this machine, and no file that is
//     one with a file elsewhere. pnpm hard-links the workspace's packages whatever it is told: the next build would write into what was shipped.
// H3. What stands at DIR is not touched: DIR is new or empty. What fails halfway leaves nothing there. Nor is it in the workspace, which would take
//     it for a package of its own.
// H4. Its documents lead to nothing that is not in it: what they link to is shipped too, and found where it is there.
// H5. It says what it was made from, so that two builds of one version can be told apart (`--version`, gateway_build_info).
// H6. It counts as shipped once its own Node has started its edge: then the binary of uWebSockets.js fits both.

import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";

import { lastLines, pinnedNode, root, run, runPnpm, Stop } from "./workspace.mjs";

// Of H1 and H2. What the store has is not asked of the registry.
const deployOptions = [
  "--prefer-offline",
  "--config.inject-workspace-packages=true",
  "--config.node-linker=hoisted",
  "--config.package-import-method=copy",
];

// pnpm's own notes, with paths of this machine, and programs that nobody calls; the manifest is rewritten with such paths too.
const pnpmsOwn = [
  "pnpm-lock.yaml",
  "node_modules/.bin",
  "node_modules/.modules.yaml",
  "node_modules/.pnpm",
  "node_modules/.pnpm-workspace-state-v1.json",
];

// Links of packages/edge's documents, and where what they name is in the folder (H4); the longer first.
const movedLinks = [
  ["](../../infra/host/", "](host/"],
  ["](../", "](node_modules/@cpg/"],
];
/** Of a commit's name. */
const shownDigits = 12;
/** What they name and a package does not take along by itself. */
const namedDocument = "session-registry/SPEC.md";

/**
 * Ships the built edge.
 * @param {readonly string[]} args the folder; relative ones begin where npm was called
 * @returns {Promise<string>} what to tell the person
 */
export async function ship(args) {
  const [given, ...more] = args;
  if (given === undefined || given.startsWith("-") || more.length > 0)
    throw new Stop(
      "usage: npm run ship -- DIR (outside the project, new or empty: npm run ship -- ../cpg-0.1.0)",
      2,
    );
  const target = resolve(process.env.INIT_CWD ?? process.cwd(), given);
  requireOutside(target);
  requireEmpty(target);
  try {
    await deploy(target);
    for (const name of pnpmsOwn) rmSync(join(target, name), { recursive: true, force: true });
    for (const file of filesOf(target)) if (statSync(file).nlink > 1) makeOwn(file); // H2
    await writeManifest(target);
    copy(join(root, "LICENSE"), join(target, "LICENSE"));
    cpSync(join(root, "infra/host"), join(target, "host"), { recursive: true });
    copy(join(root, "packages", namedDocument), join(target, "node_modules/@cpg", namedDocument));
    for (const file of filesOf(target)) if (isDocument(target, file)) moveLinks(file);
    copy(pinnedNode, join(target, relative(root, pinnedNode)));
    copy(join(root, "node_modules/node/package.json"), join(target, "node_modules/node/package.json"));
    openToAll(target); // H2
    return await described(target);
  } catch (error) {
    rmSync(target, { recursive: true, force: true }); // H3
    throw error;
  }
}

/** @param {string} target */
function requireOutside(target) {
  const way = relative(root, target);
  if (way === "" || (!way.startsWith("..") && !isAbsolute(way)))
    throw new Stop(`${target} is in the project; take a folder outside, for instance ../cpg-0.1.0.`, 2); // H3
}

/**
 * Whatever umask this was called with: another user runs it.
 * @param {string} folder
 */
function openToAll(folder) {
  chmodSync(folder, 0o755);
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    const { mode } = statSync(path);
    chmodSync(path, (mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** @param {string} target */
function requireEmpty(target) {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new Stop(`${target} is a file.`, 2);
  if (readdirSync(target).length > 0)
    throw new Stop(`${target} is not empty; a new version gets a folder of its own.`, 2); // H3
}

/** @param {string} target */
async function deploy(target) {
  const { code, output, interrupted } = await runPnpm(
    [...deployOptions, "--filter", "@cpg/edge", "deploy", "--prod", target],
    { quiet: true },
  );
  if (interrupted) throw new Stop("Interrupted.", 130);
  if (code !== 0) throw new Stop(`pnpm could not deploy the edge:\n${lastLines(output, 20)}`);
}

/**
 * The manifest as it is in the workspace, and the revision (H5).
 * @param {string} target
 */
async function writeManifest(target) {
  const manifest = JSON.parse(readFileSync(join(root, "packages/edge/package.json"), "utf8"));
  const revision = await ownRevision();
  writeFileSync(join(target, "package.json"), `${JSON.stringify({ ...manifest, revision }, null, 2)}\n`);
}

/** The commit, and whether anything differs from it; what the variable REVISION says, where a build has no repository; else undefined. */
async function ownRevision() {
  const git = async (...words) => {
    const { code, output } = await run("git", words, { quiet: true }).catch(() => ({ code: 1, output: "" }));
    return code === 0 ? output : "";
  };
  // Git may say more than was asked for, on standard error.
  const [commit] = /^[\da-f]{40,}$/mu.exec(await git("rev-parse", "HEAD")) ?? [];
  if (commit === undefined) return process.env.REVISION?.slice(0, shownDigits) || undefined;
  const isChanged = /^[ MADRCTU?]{2} /mu.test(await git("status", "--porcelain"));
  return `${commit.slice(0, shownDigits)}${isChanged ? ".changed" : ""}`;
}

/** @param {string} target */
async function described(target) {
  const node = join(target, relative(root, pinnedNode));
  const main = join(target, "dist/main.js");
  const { code, output } = await run(node, [main, "--version"], { quiet: true }); // H6
  if (code !== 0) throw new Stop(`What was shipped does not run:\n${lastLines(output, 20)}`);
  const bytes = filesOf(target).reduce((sum, file) => sum + statSync(file).size, 0);
  const megabytes = Math.round(bytes / 1e6);
  return `Edge ${output.trim()} is in ${target} (${megabytes} MB). It starts with\n  ${node} ${main} --config edge.json`;
}

/** @param {string} folder */
function filesOf(folder) {
  const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, name));
  return paths.filter((path) => statSync(path).isFile());
}

/**
 * @param {string} target
 * @param {string} file
 */
function isDocument(target, file) {
  return dirname(file) === target && file.endsWith(".md");
}

/** @param {string} file */
function moveLinks(file) {
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    movedLinks.reduce((moved, [from, to]) => moved.replaceAll(from, to), text),
  );
}

/** @param {string} file */
function makeOwn(file) {
  const copied = `${file}.own`;
  copyFileSync(file, copied);
  renameSync(copied, file);
}

/**
 * @param {string} from
 * @param {string} to
 */
function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
