// Which versions run: read once at the start, from the packages themselves. Reads files.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { isObject } from "./json-reader.ts";

/** Versions for `--version` and for gateway_build_info. */
export interface BuildInfo {
  /** Of a shipped edge with what it was built from: `0.1.0+3f2a1b4c5d6e`. */
  readonly version: string;
  readonly node: string;
  readonly uws: string;
}

/** Versions of what runs; "unknown" where a package does not say. */
export function buildInfo(): BuildInfo {
  const own = manifestAt(findPackageJSON(import.meta.url));
  const uws = manifestAt(findPackageJSON("uWebSockets.js", import.meta.url));
  const unknown = "unknown";
  return {
    // `revision`: npm run ship writes it
    version: [own["version"] ?? unknown, own["revision"]]
      .filter((part) => typeof part === "string")
      .join("+"),
    node: process.versions.node,
    uws: typeof uws["version"] === "string" ? uws["version"] : unknown,
  };
}

function manifestAt(file: string | undefined): Readonly<Record<string, unknown>> {
  const found: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return isObject(found) ? found : {};
}
