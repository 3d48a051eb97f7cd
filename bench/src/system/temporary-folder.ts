// Folders of a run in the system's temporary folder. I/O: files.
//
// D1. None is left, however the run ends: with a result, an error, or a signal that main.ts ends at. Only SIGKILL leaves them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is there. */
export interface TemporaryFolder {
  readonly path: string;
  /** Removes it with all that is in it. */
  remove(): void;
}

const living = new Set<string>();

/** Makes one. At once: a signal finds it either not made or known (D1). */
export function makeTemporaryFolder(): TemporaryFolder {
  if (living.size === 0) process.once("exit", removeLiving);
  const path = mkdtempSync(join(tmpdir(), "cpg-bench-"));
  living.add(path);
  return { path, remove: () => remove(path) };
}

// D1
function removeLiving(): void {
  for (const path of living) remove(path);
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  living.delete(path);
  if (living.size === 0) process.off("exit", removeLiving);
}
