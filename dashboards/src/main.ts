// `pnpm --filter @cpg/dashboards generate`: writes every generated file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedFiles } from "./generated.ts";

for (const [path, text] of generatedFiles()) writeFileSync(join(import.meta.dirname, "..", path), text);
