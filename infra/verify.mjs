// `npm test`, which is also what CI runs: lint, types, every package's tests against a real Redis, one sum at the end.
// I/O: processes, files.
//
// V1. Nothing is skipped silently: no Redis, no tests, a package without a report, a skipped test: each is a failure.
// V2. The last line is the sum of all packages: `N passed, N failed` (and `, N skipped`).

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { lastLines, root, run, runTurbo, Stop } from "./workspace.mjs";

/** Where each package's vitest writes its report, below the package. */
const reportPath = "node_modules/.cache/test-report.json";

// Two at a time: the machine for which this was measured has two cores. Each package's tests have their own Redis Cluster
// on free ports, so they do not meet.
const concurrency = "--concurrency=2";

/** Folders of the packages that have tests. */
function testedPackages() {
  const folders = [
    "infra",
    "bench",
    ...readdirSync(join(root, "packages")).map((name) => join("packages", name)),
  ];
  return folders.filter((folder) => {
    const manifest = join(root, folder, "package.json");
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).scripts?.test !== undefined;
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

/**
 * The sum of one package's report (V1).
 * @param {string} folder
 */
function sumOf(folder) {
  const sum = { folder, passed: 0, failed: 0, skipped: 0, failures: [] };
  const file = join(root, folder, reportPath);
  if (!existsSync(file))
    return { ...sum, failed: 1, failures: ["its tests did not run (see the output above)"] };
  const report = JSON.parse(readFileSync(file, "utf8"));
  for (const suite of report.testResults) {
    const path = suite.name.replace(`${root}/`, "");
    let failedHere = 0;
    for (const test of suite.assertionResults) {
      if (test.status === "passed") sum.passed++;
      else if (test.status === "failed") failedHere++;
      else sum.skipped++;
      if (test.status !== "passed") sum.failures.push(`${test.status}: ${path} > ${test.fullName}`);
    }
    // A file that does not even load has no test to blame.
    if (suite.status === "failed" && failedHere === 0) {
      failedHere = 1;
      sum.failures.push(`failed: ${path}: ${String(suite.message).split("\n")[0]}`);
    }
    sum.failed += failedHere;
  }
  if (report.success === false && sum.failed === 0) {
    sum.failed = 1;
    sum.failures.push(`failed outside of any test, or without one (see the output above)`);
  }
  return sum;
}

/** @param {{ checks: number, tests: number }} codes */
function report(codes) {
  const sums = testedPackages().map(sumOf);
  const total = (name) => sums.reduce((all, sum) => all + sum[name], 0);
  const [passed, failed, skipped] = [total("passed"), total("failed"), total("skipped")];
  const print = (line) => process.stdout.write(`${line}\n`);
  print("");
  for (const sum of sums) {
    print(`${sum.folder.padEnd(28)} ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
    for (const failure of sum.failures) print(`    ${failure}`);
  }
  if (codes.checks !== 0) print("Build, types or lint failed: see above.");
  if (skipped > 0) print("A skipped test counts as a failure here.");
  if (passed + failed === 0) print("No test ran.");
  print(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`); // V2
  const good = codes.checks === 0 && codes.tests === 0 && failed === 0 && skipped === 0 && passed > 0;
  return good ? 0 : 1;
}

async function main() {
  // `npm run verify` comes here directly, perhaps uninstalled and with the system's Node; bootstrap comes with the word.
  if (process.argv[2] !== "--bootstrapped")
    return (await run(process.execPath, ["infra/bootstrap.mjs", "verify"])).code;
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
  return report({ checks: checks.code, tests: tests.code });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
