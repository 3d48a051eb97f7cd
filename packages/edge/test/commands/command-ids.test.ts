import { describe, expect, it } from "vitest";
import { createCommandIds } from "../../src/commands/command-ids.ts";
import { defaultCommandLimits, idRetentionMs } from "../../src/commands/limits.ts";
import { defaultConfig } from "../support/test-edge.ts";

describe("the memory of command ids", () => {
  it("admits an id once while it remembers it, so that a copy does not act (R11)", () => {
    const ids = createCommandIds(10);
    expect(ids.admit("a", 0, 1000)).toBe("new");
    expect(ids.admit("a", 0, 1000)).toBe("seen");
    expect(ids.admit("a", 999, 1000)).toBe("seen");
  });

  it("forgets an id when its time is over, and only then", () => {
    const ids = createCommandIds(10);
    ids.admit("a", 0, 1000);
    ids.admit("b", 500, 1000);
    expect(ids.admit("c", 1000, 1000)).toBe("new");
    expect(ids.size).toBe(2); // b, c
    expect(ids.admit("b", 1000, 1000)).toBe("seen");
  });

  it("refuses a new id when it is full rather than forget one that may come again", () => {
    const ids = createCommandIds(2);
    ids.admit("a", 0, 1000);
    ids.admit("b", 1, 1000);
    expect(ids.admit("c", 2, 1000)).toBe("full");
    expect(ids.admit("a", 2, 1000)).toBe("seen");
    expect(ids.size).toBe(2);
    expect(ids.admit("c", 1000, 1000)).toBe("new"); // a's time is over
  });

  it("does not let a repetition prolong its own memory, or a flood of copies would keep it full", () => {
    const ids = createCommandIds(2);
    ids.admit("a", 0, 1000);
    ids.admit("a", 900, 1000);
    expect(ids.admit("b", 1000, 1000)).toBe("new");
    expect(ids.size).toBe(1);
  });

  it("keeps an id at least for its own time, also behind one with a longer", () => {
    const ids = createCommandIds(10);
    ids.admit("long", 0, 5000);
    ids.admit("short", 0, 1000);
    expect(ids.admit("short", 999, 1000)).toBe("seen");
    expect(ids.admit("other", 5000, 1000)).toBe("new");
    expect(ids.size).toBe(1);
  });

  it("remembers longer than a command may take, and carries 5,000 commands a second of the default time limit", () => {
    const { maxTimeoutMs, maxRememberedIds } = defaultCommandLimits;
    expect(idRetentionMs(maxTimeoutMs)).toBeGreaterThan(maxTimeoutMs);
    expect((maxRememberedIds / idRetentionMs(defaultConfig().ocpp.callTimeoutMs)) * 1000).toBeGreaterThan(
      5000,
    );
  });
});
