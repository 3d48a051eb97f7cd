import { expect, test, vi } from "vitest";
import { isoTime } from "../src/iso-time.ts";

test("a moment reads as a Date prints it, whichever was asked for before", () => {
  const second = Date.UTC(2026, 10, 23, 23, 59, 59);
  const moments = [0, 7, 999, 1_000, 1_001, -1, 500, 86_400_000, 42, 0.5, -second, -1 - second].map(
    (ms) => second + ms,
  );
  expect(moments.map(isoTime)).toEqual(moments.map((ms) => new Date(ms).toISOString()));
});

test("within a second no Date is printed, also where the moment has a part of a millisecond", () => {
  const second = Date.UTC(2026, 10, 30, 12);
  isoTime(second);
  const printed = vi.spyOn(Date.prototype, "toISOString");
  expect(isoTime(second + 41.7)).toBe("2026-11-30T12:00:00.041Z");
  expect(isoTime(second + 999.9)).toBe("2026-11-30T12:00:00.999Z");
  expect(printed).not.toHaveBeenCalled();
  printed.mockRestore();
});
