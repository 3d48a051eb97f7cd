// `pnpm --filter @cpg/session-registry faults`: the entry. Everything else is loaded behind the check that the packages are built.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const needed = ["../dist/index.js", "../../testkit/dist/index.js", "../../edge/dist/main.js"];
const missing = needed
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .filter((path) => !existsSync(path));

if (missing.length > 0) {
  process.stderr.write(`Not built: ${missing.join(", ")}\nBuild first: pnpm exec turbo run build\n`);
  process.exitCode = 2;
} else {
  const { runFaults } = await import("./run.ts");
  // The outcome is what was printed: sockets that linger must not keep the process.
  process.exit(await runFaults(process.argv.slice(2)));
}
