import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFrame, encodeCall, encodeCallResult, ocppVersions } from "../src/index.ts";

const version = fc.constantFrom(...ocppVersions);
const id = fc.string({ minLength: 1, maxLength: 36, unit: "grapheme-ascii" });
const action = fc.string({ minLength: 1, maxLength: 40, unit: "binary" });
// Objects with the keys that trip careless code: `__proto__`, `toString`, empty, with quotes and brackets.
const key = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "", '"', "],", "\\"),
  fc.string(),
);
const payload = fc.dictionary(key, fc.jsonValue(), { noNullPrototype: true });
const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\r", "\n"), maxLength: 3 });

/** Frames that are almost right: every element may be missing, doubled or of the wrong type. */
const almostFrame = fc
  .array(fc.oneof(fc.integer({ min: -1, max: 7 }), id, fc.jsonValue(), payload), { maxLength: 7 })
  .map((parts) => JSON.stringify(parts));
const cutFrame = fc
  .tuple(almostFrame, fc.nat(200))
  .map(([frame, length]) => frame.slice(0, length % (frame.length + 1)));
const anyText = fc.oneof(fc.string({ unit: "binary" }), fc.json(), almostFrame, cutFrame);

describe("whatever arrives", () => {
  test("decoding never throws, and a reply is itself a good frame that gets no reply", () => {
    fc.assert(
      fc.property(anyText, version, (text, version) => {
        const decoded = decodeFrame(text, version);
        if (decoded.kind !== "malformed" || decoded.reply === undefined) return;
        const heard = decodeFrame(decoded.reply, version);
        expect(["error", "resultError", "malformed"]).toContain(heard.kind);
        // Only the echo of a too long id is malformed, and even that ends in silence: no loop.
        if (heard.kind === "malformed")
          expect(heard).toMatchObject({ reason: "idTooLong", reply: undefined });
      }),
      { numRuns: 5000 },
    );
  });

  test("an answer never gets a CALLERROR, whatever is wrong with it", () => {
    const answers = fc.tuple(fc.constantFrom(3, 4, 5, 6), fc.array(fc.jsonValue(), { maxLength: 5 }));
    fc.assert(
      fc.property(answers, fc.nat(60), ([type, rest], cut) => {
        const text = JSON.stringify([type, ...rest]);
        for (const frame of [text, text.slice(0, Math.max(3, text.length - cut))]) {
          const decoded = decodeFrame(frame, "2.1");
          if (decoded.kind === "malformed") expect(decoded.reply ?? "[5,").toMatch(/^\[5,/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("the payload's text is exactly what the station wrote, with white space wherever JSON allows it", () => {
    fc.assert(
      fc.property(
        id,
        action,
        payload,
        fc.array(space, { minLength: 9, maxLength: 9 }),
        (id, action, payload, gaps) => {
          const json = JSON.stringify(payload, undefined, gaps[0]);
          const gap = (at: number) => gaps[at] ?? "";
          const call = `${gap(1)}[${gap(2)}2${gap(3)},${gap(4)}${JSON.stringify(id)}${gap(5)},${gap(6)}${JSON.stringify(action)},${gap(7)}${json}${gap(8)}]${gap(1)}`;
          expect(decodeFrame(call, "1.6")).toMatchObject({ kind: "call", id, action, payloadJson: json });
          const result = `${gap(1)}[3${gap(2)},${gap(3)}${JSON.stringify(id)}${gap(4)},${gap(5)}${json}${gap(6)}]`;
          expect(decodeFrame(result, "1.6")).toMatchObject({ kind: "result", id, payloadJson: json });
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("what is written here reads back the same in every version", () => {
    fc.assert(
      fc.property(id, action, payload, version, (id, action, payload, version) => {
        const payloadJson = JSON.stringify(payload);
        const parsed: unknown = JSON.parse(payloadJson);
        expect(decodeFrame(encodeCall(id, action, payloadJson), version)).toEqual({
          kind: "call",
          id,
          action,
          payload: parsed,
          payloadJson,
        });
        expect(decodeFrame(encodeCallResult(id, payloadJson), version)).toEqual({
          kind: "result",
          id,
          payload: parsed,
          payloadJson,
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe("hostile frames", () => {
  test("nesting of 200,000 levels is read without overflowing the stack, or refused; either way it returns", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    for (const text of [
      deep,
      `[2,"x","Heartbeat",{"a":${deep}}]`,
      "[".repeat(400_000),
      `[2,"x","A",${'{"a":'.repeat(200_000)}`,
    ]) {
      expect(decodeFrame(text, "2.0.1").kind).toMatch(/^(call|malformed)$/);
    }
  });

  test("a deep payload keeps its text, which serialising again could not do", () => {
    const json = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const decoded = decodeFrame(`[2,"x","Heartbeat",${json}]`, "1.6");
    expect(decoded.kind === "call" ? decoded.payloadJson.length : decoded.kind).toBe(json.length);
  });

  test("a key called __proto__ is a key, and changes no prototype", () => {
    const decoded = decodeFrame('[2,"x","Heartbeat",{"__proto__":{"polluted":true}}]', "1.6");
    if (decoded.kind !== "call") throw new Error(decoded.kind);
    expect(Object.getPrototypeOf(decoded.payload)).toBe(Object.prototype);
    expect(Object.keys(decoded.payload)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
  });

  test("a megabyte of id, action, white space, digits or backslashes is refused or read, and nothing of it is echoed", () => {
    const filler = "y".repeat(1_000_000);
    for (const text of [
      `[2,"${filler}","Heartbeat",{}]`,
      `[2,"${filler}`,
      `[${" ".repeat(1_000_000)}2,"x",`,
      `[${"9".repeat(1_000_000)}`,
      `[2,"${"\\\\".repeat(500_000)}","Heartbeat",{}]`,
      `[2,"x","${filler}"]`,
    ]) {
      const decoded = decodeFrame(text, "2.1");
      expect(decoded.kind === "malformed" ? (decoded.reply ?? "").length : 0).toBeLessThan(400);
    }
  });

  test("lone surrogates in an id come back escaped, so the reply is well-formed UTF-8", () => {
    const decoded = decodeFrame('[2,"\\ud800","Heartbeat"]', "2.1");
    if (decoded.kind !== "malformed") throw new Error(decoded.kind);
    expect(decoded.reply).toContain('"\\ud800"');
    expect(decodeFrame('[2,"\ud800","Heartbeat"', "2.1")).toMatchObject({ reason: "notJson" });
  });
});
