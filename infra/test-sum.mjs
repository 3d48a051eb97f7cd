// Adds up what the packages' test runs reported. Pure.
//
// T1. What was not passed is counted: failed, or skipped (also "todo"). A file that does not load is one failure, so is a run
//     that failed outside of its tests, and a package without a report.
// T2. Good is only: something passed, nothing failed, nothing was skipped.

/**
 * @typedef {{ folder: string, passed: number, failed: number, skipped: number, failures: string[] }} Sum
 *   failures: one line for each test that did not pass
 */

/**
 * The sum of one package (T1).
 * @param {string} folder as it is shown
 * @param {string | undefined} text vitest's JSON report; undefined if there is none
 * @param {string} root taken off the paths of test files
 * @returns {Sum}
 */
export function sumOf(folder, text, root) {
  const sum = { folder, passed: 0, failed: 0, skipped: 0, failures: [] };
  const report = parse(text);
  if (report === undefined)
    return { ...sum, failed: 1, failures: ["its tests did not run (see the output above)"] };
  for (const file of report.testResults) addFile(sum, file, file.name.replace(`${root}/`, ""));
  if (report.success === false && sum.failed === 0) {
    sum.failed = 1;
    sum.failures.push("failed outside of any test, or without one (see the output above)");
  }
  return sum;
}

/**
 * The bench's line in the sum: it counts as one.
 * @param {number} code its exit code
 * @returns {Sum}
 */
export function benchSum(code) {
  const sum = { folder: "bench ci", passed: 1, failed: 0, skipped: 0, failures: [] };
  if (code === 0) return sum;
  const why = code === 1 ? "a wrong result" : "it could not run";
  return { ...sum, passed: 0, failed: 1, failures: [`failed: pnpm bench ci: ${why} (see the output above)`] };
}

function addFile(sum, file, path) {
  const failedBefore = sum.failed;
  for (const test of file.assertionResults) {
    if (test.status === "passed") sum.passed++;
    else if (test.status === "failed") sum.failed++;
    else sum.skipped++;
    if (test.status !== "passed") sum.failures.push(`${test.status}: ${path} > ${test.fullName}`);
  }
  if (file.status === "failed" && sum.failed === failedBefore) {
    sum.failed++;
    sum.failures.push(`failed: ${path}: ${String(file.message).split("\n")[0]}`);
  }
}

function parse(text) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off: the run was killed while it wrote
  }
}

/**
 * The last line of `npm test`, and whether all is well (T2).
 * @param {readonly Sum[]} sums
 */
export function total(sums) {
  const add = (name) => sums.reduce((all, sum) => all + sum[name], 0);
  const [passed, failed, skipped] = [add("passed"), add("failed"), add("skipped")];
  const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
  return { passed, failed, skipped, line, good: passed > 0 && failed === 0 && skipped === 0 };
}
