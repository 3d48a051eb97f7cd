import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { instruments } from "../src/index.ts";
import { unitOf } from "../src/producer.ts";
import { withCurrentTable } from "../src/readme.ts";

const table = Object.entries(instruments);

describe("the table of instruments", () => {
  test("stands in the README as it is declared", () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    expect(withCurrentTable(readme), "run `pnpm --filter @cpg/telemetry instruments`").toBe(readme);
    for (const [name] of table) expect(readme).toContain(`| \`${name}\` |`);
  });

  test.each(table)(
    "%s has a name that Prometheus keeps, and says what it is",
    (name, { kind, help, buckets }) => {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)+$/);
      expect(name.endsWith("_total")).toBe(kind === "counter");
      expect(help).toMatch(/\.$/);
      expect(unitOf(name)).toBe(
        /_seconds(_total)?$/.test(name)
          ? "s"
          : name.endsWith("_bytes")
            ? "By"
            : name.endsWith("_ratio")
              ? "1"
              : "",
      );
      expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
      expect(new Set(buckets).size).toBe(buckets.length);
      expect(buckets.length > 0).toBe(kind === "histogram");
    },
  );

  test("keeps the names that dashboards of this family use", () => {
    expect(instruments.websocket_connections_total.kind).toBe("counter");
    expect(instruments.websocket_connections_active.kind).toBe("gauge");
    expect(instruments.message_processing_duration_seconds.kind).toBe("histogram");
  });

  test("has no label that could hold a charge point", () => {
    const labels = table.flatMap(([, declaration]) => Object.keys(declaration.labels));
    expect(labels.filter((label) => /identity|station|charge|point|^id$/.test(label))).toEqual([]);
  });
});
