// The headers of a CALL, made known to undici.
//
// undici checks the name of each header of each request: two look-ups, a text in lower case, a regular expression. It spares those of its
// own table, and a CALL has a dozen that are not in it. With them there, a CALL takes 0.96 of the CPU (bench/README.md, *History*).
//
// K1. The table is undici's own, no interface of it. Where it cannot be had, nothing is lost but that; a test says so at the next upgrade.
// K2. Only names that are constants of ours: what an operator writes into `routes.json` is checked as ever.

import { createRequire } from "node:module";

/** For the whole process, before the first request. `names`: valid ones, in lower case. */
export function tellUndici(names: readonly string[]): void {
  const table = knownNames();
  if (table === undefined) return; // K1
  for (const name of names) table[name] = name;
}

function knownNames(): Record<string, string> | undefined {
  try {
    const constants: unknown = createRequire(import.meta.url)("undici/lib/core/constants.js");
    return (constants as { headerNameLowerCasedRecord?: Record<string, string> }).headerNameLowerCasedRecord;
  } catch {
    return undefined;
  }
}
