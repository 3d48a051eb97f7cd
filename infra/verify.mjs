// `npm test`: lint, types, every package's tests against a real Redis, one sum at the end. I/O: processes, files.
// CI adds `--bench`: then every benchmark once, small (`pnpm bench ci`), which can fail on a wrong result, never on a time.
//
// V1. Nothing is skipped silently: no Redis, no tests, a package without a report, a skipped test: each is a failure.
// V2. The last line is the sum of all packages: `N passed, N failed` (and `, N skipped`). The bench counts as one.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { benchSum, sumOf, total } from "./test-sum.mjs";
import { lastLines, packageFolders, pinnedNode, root, run, runTurbo, Stop } from "./workspace.mjs";

/** Where each package's vitest writes its report, below the package. */
const reportPath = "node_modules/.cache/test-report.json";

// Two at a time: the machine for which this was measured has two cores. Three at a time were quicker and crowded the
// deadlines that some play with. Each package's tests have their own Redis Cluster on free ports, so they do not meet.
const concurrency = "--concurrency=2";

/** Folders of the packages that have tests. */
function testedPackages() {
  return packageFolders().filter((folder) => {
    const { scripts } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    return scripts?.test !== undefined;
  });
}

async function requireRedis() {
  const built = await runTurbo(["build", "--output-logs=errors-only", "--filter=@cpg/infra..."], {
    quiet: true,
  });
  if (built.interrupted) throw new Stop("Interrupted.", 130);
  if (built.code !== 0) throw new Stop(`@cpg/infra does not build:\n${lastLines(built.output, 40)}`);
  const { findRedisServer } = await import("./dist/index.js");
  const search = await findRedisServer({ log: (line) => process.stdout.write(`${line}\n`) });
  if (search.kind === "missing")
    throw new Stop(`The tests need a real Redis. ${search.advice} (${search.reason})`);
  const { version, command } = search.server;
  process.stdout.write(`Redis ${version}: ${command}\n`);
}

/** @param {{ checks: number, tests: number, bench?: number }} codes exit codes of turbo, and of the bench if it was asked for */
function report(codes) {
  const sums = testedPackages().map((folder) => {
    const file = join(root, folder, reportPath);
    return sumOf(folder, existsSync(file) ? readFileSync(file, "utf8") : undefined, root);
  });
  if (codes.bench !== undefined) sums.push(benchSum(codes.bench));
  const print = (line) => process.stdout.write(`${line}\n`);
  print("");
  for (const sum of sums) {
    print(`${sum.folder.padEnd(28)} ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
    for (const failure of sum.failures) print(`    ${failure}`);
  }
  const { good, line, skipped, passed, failed } = total(sums);
  if (codes.checks !== 0) print("Build, types or lint failed: see above.");
  if (codes.tests !== 0 && failed === 0) print("A test run failed outside of its tests: see above.");
  if (skipped > 0) print("A skipped test counts as a failure here.");
  if (passed + failed === 0) print("No test ran.");
  print(line); // V2
  return good && codes.checks === 0 && codes.tests === 0 ? 0 : 1;
}

/** @param {readonly string[]} args */
async function main(args) {
  // `npm run verify` comes here directly, perhaps uninstalled and with the system's Node; bootstrap comes with the word.
  if (args[0] !== "--bootstrapped")
    return (await run(process.execPath, ["infra/bootstrap.mjs", "verify", ...args])).code;
  const [unknown] = args.slice(1).filter((each) => each !== "--bench");
  if (unknown !== undefined)
    throw new Stop(`npm test knows no ${unknown}; there is -- --bench (as CI runs it)`, 2);
  await requireRedis();
  for (const folder of testedPackages()) rmSync(join(root, folder, reportPath), { force: true });
  const checks = await runTurbo([
    "build",
    "types",
    "lint",
    "--continue=dependencies-successful",
    concurrency,
  ]);
  if (checks.interrupted) return checks.code;
  const vitest = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`];
  // `--only`: all is built, and turbo would build it again because of the arguments behind `--`.
  const tests = await runTurbo(["test", "--only", "--continue", concurrency, "--", ...vitest]);
  if (tests.interrupted) return tests.code;
  if (!args.includes("--bench")) return report({ checks: checks.code, tests: tests.code });
  // Not under turbo: its lines are shown as they come, and it has the machine for itself.
  const bench = await run(pinnedNode, ["bench/dist/main.js", "ci"]);
  if (bench.interrupted) return bench.code;
  return report({ checks: checks.code, tests: tests.code, bench: bench.code });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
