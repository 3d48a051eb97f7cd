import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ownDescriptors, tooFewDescriptors } from "../src/descriptors.ts";
import { defaultConfig } from "./support/test-edge.ts";

const byDefault = defaultConfig().listen.maxConnections;

test.each<[descriptors: number | undefined, which: string]>([
  [undefined, "not known"],
  [20_000, "what the default was derived from"],
  [65_536, "what infra/host gives"],
])("%s descriptors are enough for the default: %s", (descriptors) => {
  expect(tooFewDescriptors(byDefault, descriptors)).toBeUndefined();
});

test.each([
  [19_999, 17_999], // a tenth stays
  [7_001, 6_300],
  [7_000, 6_300],
  [4_096, 3_396], // 700 stay
  [1_024, 324],
  [701, 1],
  [256, 1],
])("of %i descriptors %i charge points are let in", (descriptors, maxConnections) => {
  expect(tooFewDescriptors(byDefault, descriptors)).toMatchObject({ maxConnections });
  expect(tooFewDescriptors(maxConnections, Math.max(701, descriptors))).toBeUndefined();
});

test.each([2, 324, 6_299, 6_300, 6_301, 18_000, 58_983])(
  "what it asks for is enough for %i, and nothing less is",
  (maxConnections) => {
    const asked = tooFewDescriptors(maxConnections, 100)?.says ?? "";
    const needed = Number(/Let it open (\d+) /.exec(asked)?.[1]);
    expect(tooFewDescriptors(maxConnections, needed)).toBeUndefined();
    expect(tooFewDescriptors(maxConnections, needed - 1)).toBeDefined();
  },
);

test.skipIf(process.platform !== "linux")("the process' own are its soft limit", () => {
  const [, soft] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  expect(String(ownDescriptors() ?? "unlimited")).toBe(soft);
});
