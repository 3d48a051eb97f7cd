// `pnpm --filter @cpg/telemetry instruments`: brings the table in README.md up to date.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withCurrentTable } from "./readme.ts";

const readme = join(import.meta.dirname, "../README.md");
writeFileSync(readme, withCurrentTable(readFileSync(readme, "utf8")));
