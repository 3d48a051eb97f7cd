import { describe, expect, it } from "vitest";
import { createCommandIds } from "../../src/commands/command-ids.ts";
import { defaultCommandLimits, idRetentionMs } from "../../src/commands/limits.ts";

describe("the memory of command ids", () => {
  it("admits an id once while it remembers it, so that a copy does not act (R11)", () => {
    const ids = createCommandIds({ capacity: 10, retentionMs: 1000 });
    expect(ids.admit("a", 0)).toBe("new");
    expect(ids.admit("a", 0)).toBe("seen");
    expect(ids.admit("a", 999)).toBe("seen");
  });

  it("forgets an id when its time is over, and only then", () => {
    const ids = createCommandIds({ capacity: 10, retentionMs: 1000 });
    ids.admit("a", 0);
    ids.admit("b", 500);
    expect(ids.admit("c", 1000)).toBe("new");
    expect(ids.size).toBe(2); // b, c
    expect(ids.admit("b", 1000)).toBe("seen");
  });

  it("refuses a new id when it is full rather than forget one that may come again", () => {
    const ids = createCommandIds({ capacity: 2, retentionMs: 1000 });
    ids.admit("a", 0);
    ids.admit("b", 1);
    expect(ids.admit("c", 2)).toBe("full");
    expect(ids.admit("a", 2)).toBe("seen");
    expect(ids.size).toBe(2);
    expect(ids.admit("c", 1000)).toBe("new"); // a's time is over
  });

  it("does not let a repetition prolong its own memory, or a flood of copies would keep it full", () => {
    const ids = createCommandIds({ capacity: 2, retentionMs: 1000 });
    ids.admit("a", 0);
    ids.admit("a", 900);
    expect(ids.admit("b", 1000)).toBe("new");
    expect(ids.size).toBe(1);
  });

  it("remembers longer than the longest command may take", () => {
    expect(idRetentionMs(defaultCommandLimits)).toBeGreaterThan(defaultCommandLimits.maxTimeoutMs);
  });
});
