import { expect, test } from "vitest";
import { isoTime } from "../src/iso-time.ts";

test("a moment reads as a Date prints it, whichever was asked for before", () => {
  const second = Date.UTC(2026, 10, 23, 23, 59, 59);
  const moments = [0, 7, 999, 1_000, 1_001, -1, 500, 86_400_000, 42, 0.5, -second, -1 - second].map(
    (ms) => second + ms,
  );
  expect(moments.map(isoTime)).toEqual(moments.map((ms) => new Date(ms).toISOString()));
});
