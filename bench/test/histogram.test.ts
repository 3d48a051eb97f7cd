import { describe, expect, it } from "vitest";

import { Histogram, mergeHistograms } from "../src/measure/histogram.ts";

describe("a histogram", () => {
  it("says a quantile at most 2 % too high and never too low, over six decades", () => {
    for (const value of [1, 7, 150, 2_345, 99_999, 12_345_678]) {
      const histogram = new Histogram();
      histogram.record(value);
      expect(histogram.quantile(0.5)).toBeGreaterThanOrEqual(value * 0.9999);
      expect(histogram.quantile(0.5)).toBeLessThanOrEqual(value * 1.021);
    }
  });

  it("says nothing without a sample: a median of zero would look like a fast server", () => {
    expect(new Histogram().quantile(0.5)).toBeUndefined();
  });

  it("adds up over processes as if one had recorded everything", () => {
    const [one, other, all] = [new Histogram(), new Histogram(), new Histogram()];
    for (let n = 1; n <= 1_000; n++) {
      (n % 3 === 0 ? one : other).record(n);
      all.record(n);
    }
    const merged = mergeHistograms([one.toWire(), other.toWire()]);
    expect(merged.total).toBe(1_000);
    for (const q of [0.01, 0.5, 0.99, 1]) expect(merged.quantile(q)).toBe(all.quantile(q));
  });

  it("keeps what is longer than its last bucket instead of losing it", () => {
    const histogram = new Histogram();
    histogram.record(1e15);
    expect(histogram.total).toBe(1);
    expect(histogram.quantile(1)).toBeGreaterThan(1e9);
  });
});
