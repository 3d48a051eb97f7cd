import type { OwnershipHealth } from "@cpg/session-registry";
import { describe, expect, it } from "vitest";
import { judgeHealth, maxLoopDelayMs, type HealthFacts } from "../src/health.ts";

const ownership: OwnershipHealth = {
  isLeaseValid: true,
  leaseAgeMs: 100,
  lastHeardMs: 5,
  isChannelAlive: true,
  owed: 0,
  openCircuits: [],
  problems: [],
};
const good: HealthFacts = { ownership, isDraining: false, sessions: 9, maxSessions: 10, loopDelayMs: 20 };
const codesOf = (facts: Partial<HealthFacts>): string[] =>
  judgeHealth({ ...good, ...facts }).problems.map((problem) => problem.code);

describe("the verdict on health", () => {
  it("is ready when nothing is wrong", () => {
    expect(judgeHealth(good)).toEqual({ ready: true, problems: [] });
  });

  it.each<[string, Partial<HealthFacts>, string]>([
    ["it drains", { isDraining: true }, "draining"],
    ["it is full, to the last place", { sessions: 10 }, "full"],
    ["it holds more than it may", { sessions: 11 }, "full"],
    ["the event loop is late", { loopDelayMs: maxLoopDelayMs + 1 }, "eventLoop"],
    ["nobody could measure the event loop", { loopDelayMs: Number.NaN }, "eventLoop"],
    ["the registry has a problem", { ownership: { ...ownership, problems: ["x"] } }, "registry"],
    [
      "the lease has lapsed, whatever the registry says",
      { ownership: { ...ownership, isLeaseValid: false } },
      "registry",
    ],
    [
      "the channel is dead, whatever the registry says",
      { ownership: { ...ownership, isChannelAlive: false } },
      "registry",
    ],
  ])("is not ready when %s", (_why, facts, code) => {
    expect(judgeHealth({ ...good, ...facts }).ready).toBe(false);
    expect(codesOf(facts)).toEqual([code]);
  });

  it("names every problem at once, so that nobody mends one to find the next", () => {
    expect(codesOf({ isDraining: true, sessions: 10, loopDelayMs: 5000 })).toEqual([
      "draining",
      "full",
      "eventLoop",
    ]);
  });

  it("repeats the registry's own words and does not double them with its own", () => {
    const problems = ["The lease was not renewed for 20 s.", "10.0.0.1:7000 does not answer."];
    const verdict = judgeHealth({ ...good, ownership: { ...ownership, isLeaseValid: false, problems } });
    expect(verdict.problems.map((problem) => problem.detail)).toEqual(problems);
  });
});
