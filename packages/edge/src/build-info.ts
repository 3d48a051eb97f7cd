// Which versions run: read once at the start, from the packages themselves. Reads files.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Versions for the log and for gateway_build_info. */
export interface BuildInfo {
  readonly version: string;
  readonly node: string;
  readonly uws: string;
}

/** Versions of what runs; "unknown" where a package does not say. */
export function buildInfo(): BuildInfo {
  return {
    version: versionIn(findPackageJSON(import.meta.url)),
    node: process.versions.node,
    uws: versionIn(findPackageJSON("uWebSockets.js", import.meta.url)),
  };
}

function versionIn(file: string | undefined): string {
  const found: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  const isTold = typeof found === "object" && found !== null && "version" in found;
  return isTold && typeof found.version === "string" ? found.version : "unknown";
}
