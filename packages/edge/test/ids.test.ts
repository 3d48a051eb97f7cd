import { expect, test } from "vitest";
import { systemIds } from "../src/ids.ts";

test("no two traces share an id, also where one block of random bytes ends and the next begins", () => {
  const many = Array.from({ length: 1_000 }, () => systemIds.traceparent());
  for (const one of many) expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(new Set(many.map((one) => one.slice(3, 35))).size).toBe(1_000);
  expect(new Set(many.map((one) => one.slice(36, 52))).size).toBe(1_000);
});

test("no two connections share an id, also across blocks", () => {
  const many = Array.from({ length: 2_000 }, () => systemIds.connection());
  for (const one of many) expect(one).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(many).size).toBe(2_000);
});
