// `npm start`, `npm test`, `npm run bench` and `npm run ship`: from a clone on a machine with Node 20 and npm to a running project, or to
// what runs elsewhere. I/O: files, processes.
// Plain JavaScript without dependencies. Installs what is missing, then hands over to the pinned Node.

const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 20) {
  process.stderr.write(
    `Node 20 or newer is needed; this is ${process.version}. Get it from https://nodejs.org\n`,
  );
  process.exit(1);
}

// Only now: an older Node would stumble over them and say something else.
const { endWithNpm, ensureInstalled, lastLines, pinnedNode, run, runTurbo, Stop } =
  await import("./workspace.mjs");

/**
 * Compiles some packages and what they need; shown only if it fails.
 * @param {readonly string[]} packages
 */
async function build(packages) {
  const filters = packages.map((name) => `--filter=${name}...`);
  const { code, output, interrupted } = await runTurbo(["build", "--output-logs=errors-only", ...filters], {
    quiet: true,
  });
  if (interrupted) throw new Stop("Interrupted.", 130);
  if (code !== 0) throw new Stop(`The build failed:\n${lastLines(output, 40)}`);
}

/**
 * @param {string | undefined} command
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main(command, args) {
  if (command !== "start" && command !== "verify" && command !== "bench" && command !== "ship") {
    throw new Stop(
      "usage: node infra/bootstrap.mjs start|verify|bench|ship [arguments] (that is: npm start, npm test, npm run bench, npm run ship)",
      2,
    );
  }
  endWithNpm();
  await ensureInstalled();
  if (command === "verify")
    return (await run(pinnedNode, ["infra/verify.mjs", "--bootstrapped", ...args])).code;
  if (command === "bench") {
    await build(["@cpg/bench", "@cpg/edge"]);
    return (await run(pinnedNode, ["bench/dist/main.js", ...args])).code;
  }
  if (command === "ship") {
    await build(["@cpg/edge"]);
    const { ship } = await import("./ship.mjs");
    process.stdout.write(`${await ship(args)}\n`);
    return 0;
  }
  await build(["@cpg/infra", "@cpg/edge"]);
  return (await run(pinnedNode, ["infra/dist/start.js", ...args], { ipc: true })).code;
}

try {
  process.exitCode = await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
