// The shipped files are what the code makes today. Compared by content: the files are formatted like the rest of the project.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { generatedFiles } from "../src/generated.ts";
import { here } from "./support/shipped.ts";

const advice = "run `pnpm --filter @cpg/dashboards generate`";
const generated = generatedFiles();

test.each([...generated])("%s is current", (path, text) => {
  expect(parse(readFileSync(join(here, path), "utf8")), advice).toEqual(parse(text));
});

test("no file lies among the generated ones that the code does not make any more", () => {
  const found = ["grafana", "prometheus/rules"].flatMap((folder) =>
    readdirSync(join(here, folder)).map((name) => `${folder}/${name}`),
  );
  expect(found.sort(), advice).toEqual([...generated.keys()].sort());
});
