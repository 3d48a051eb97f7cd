import { describe, expect, it } from "vitest";
import { calledReply, encodeBody, readClose, readCommand, readReply } from "../../src/commands/peer-words.ts";

describe("what edges say to each other", () => {
  it("carries a payload as its text, so numbers arrive as they were written", () => {
    const body = { action: "Reset", payload: '{"x":1.0,"big":12345678901234567890}', budgetMs: 10 };
    expect(readCommand(encodeBody(body))).toEqual(body);
  });

  it("carries every outcome of a call", () => {
    for (const outcome of [
      { kind: "answered", payload: { a: [1, null] } },
      { kind: "rejected", code: "NotSupported", description: "", details: {} },
      { kind: "timeout", delivery: "sent" },
      { kind: "gone", delivery: "notSent" },
      { kind: "lineFull" },
    ] as const) {
      const reply = calledReply("e1", true, outcome);
      expect(readReply(encodeBody(reply))).toEqual({
        kind: "called",
        edge: "e1",
        isConfirmed: true,
        outcome,
      });
    }
  });

  it("makes null of what JSON cannot carry, or the other edge would not understand the reply", () => {
    const reply = calledReply("e1", true, { kind: "answered", payload: undefined });
    expect(readReply(encodeBody(reply))).toMatchObject({ outcome: { kind: "answered", payload: null } });
    const rejected = calledReply("e1", true, {
      kind: "rejected",
      code: "x",
      description: "",
      details: undefined,
    });
    expect(readReply(encodeBody(rejected))).toMatchObject({ outcome: { kind: "rejected", details: null } });
  });

  it.each([
    ["not JSON", "{"],
    ["nothing", ""],
    ["another type", "[]"],
    ["null", "null"],
    ["an empty object", "{}"],
    ["an empty action", '{"action":"","payload":"{}","budgetMs":1}'],
    ["a payload that is no text", '{"action":"Reset","payload":{},"budgetMs":1}'],
    ["a negative budget", '{"action":"Reset","payload":"{}","budgetMs":-1}'],
    ["an unknown kind", '{"kind":"nonsense"}'],
    ["an unknown outcome", '{"kind":"called","edge":"e","isConfirmed":true,"outcome":{"kind":"maybe"}}'],
  ])("reads nothing out of %s, and does not throw", (_what, text) => {
    expect(readCommand(text)).toBeUndefined();
    expect(readReply(text)).toBeUndefined();
    if (!text.includes("budgetMs")) expect(readClose(text)).toBeUndefined();
  });
});
