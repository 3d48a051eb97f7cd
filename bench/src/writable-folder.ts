// A folder that a person named, made and tried before anything is measured. I/O: files.

import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { BenchError } from "./scenario.ts";

/** Makes it and what is missing above it; gives its whole path. Errors: BenchError if nothing can be written there. `option`: who asks. */
export function makeWritableFolder(option: string, given: string): string {
  const folder = resolve(given);
  try {
    make(folder);
    rmdirSync(mkdtempSync(join(folder, ".tried-")));
    return folder;
  } catch (error) {
    const { message } = error as Error;
    throw new BenchError(
      `${option} must be a folder to write into, not ${JSON.stringify(given)}: ${message}`,
      {
        cause: error,
      },
    );
  }
}

// Step by step: in /proc, which has no room for new names, mkdir with `recursive` goes round for ever.
function make(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(folder) !== folder) make(dirname(folder));
  mkdirSync(folder);
}
