import { describe, expect, it } from "vitest";

import { pairedRatio, slopeOf, spreadOf } from "../src/measure/statistics.ts";

describe("rounds", () => {
  it("are told by their median, so that one disturbed round changes nothing", () => {
    expect(spreadOf([10, 11, 900])).toEqual({ median: 11, min: 10, max: 900, rounds: 3 });
    expect(spreadOf([1, 3]).median).toBe(2);
  });

  it("are compared round by round: a noisy minute hits both halves of a pair", () => {
    expect(pairedRatio([12, 120, 13], [10, 100, 10])).toMatchObject({ median: 1.2, max: 1.3 });
  });

  it("cannot be compared when one side has fewer, nor told when there are none", () => {
    expect(() => pairedRatio([1], [1, 2])).toThrow(RangeError);
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe("a slope", () => {
  it("is what one more station costs, whatever the process weighs without any", () => {
    expect(
      slopeOf([
        [5_000, 100 + 5_000 * 3],
        [10_000, 100 + 10_000 * 3],
        [15_000, 100 + 15_000 * 3],
      ]),
    ).toBeCloseTo(3);
  });

  it("needs two different counts", () => {
    expect(() =>
      slopeOf([
        [5, 1],
        [5, 2],
      ]),
    ).toThrow(RangeError);
  });
});
