// infra/src/start.ts with the stand-in edge: node run-start.mjs <runs folder> [arguments of npm start].
import { fileURLToPath } from "node:url";

import { runStart } from "../../dist/local/run-start.js";
import { defaultCacheDir } from "../../dist/paths.js";

const [runsDir, ...argv] = process.argv.slice(2);
process.exitCode = await runStart(argv, {
  edgeMain: fileURLToPath(new URL("fake-edge.mjs", import.meta.url)),
  routesFile: fileURLToPath(new URL("../../local/routes.json", import.meta.url)),
  runsDir,
  cacheDir: process.env.TEST_CACHE_DIR ?? defaultCacheDir,
  path: process.env.TEST_PATH ?? process.env.PATH,
});
if (process.connected) process.disconnect();
