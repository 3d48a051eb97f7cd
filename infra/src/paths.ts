// Where things are, seen from the compiled file in infra/dist. Pure: no I/O.

import { fileURLToPath } from "node:url";

/** The project's root folder (absolute). */
export const projectRoot: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/u, "");

/** The configuration every node includes. */
export const redisConfPath: string = fileURLToPath(new URL("../redis/redis.conf", import.meta.url));

/** What this project may keep between runs: unpacked programs, data of running local clusters. Not under version control. */
export const defaultCacheDir: string = fileURLToPath(
  new URL("../../node_modules/.cache/cpg", import.meta.url),
);
