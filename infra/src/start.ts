// `npm start`: the gateway on one machine, with everything around it. Entry point; runs on the pinned Node (bootstrap.mjs).

import { join } from "node:path";

import { runStart } from "./local/run-start.ts";
import { defaultCacheDir, projectRoot } from "./paths.ts";

process.exitCode = await runStart(process.argv.slice(2), {
  edgeMain: join(projectRoot, "packages/edge/dist/main.js"),
  routesFile: join(projectRoot, "infra/local/routes.json"),
  runsDir: join(defaultCacheDir, "run"),
  cacheDir: defaultCacheDir,
});
// What bootstrap.mjs opened to learn of our end must not keep us.
if (process.connected) process.disconnect();
