import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeFrame,
  encodeCall,
  encodeCallError,
  encodeCallResult,
  encodeCallResultError,
  errorCode,
  ocppVersions,
  rpcFaults,
} from "../src/index.ts";

const anyId = fc.string({ minLength: 1, maxLength: 36, unit: "binary" });
const anyText = fc.string({ unit: "binary", maxLength: 400 });

function elements(frame: string): readonly unknown[] {
  return JSON.parse(frame);
}

describe("frames as text", () => {
  test("the plain case, byte for byte", () => {
    expect(encodeCall("19223201", "Reset", '{"type":"Hard"}')).toBe('[2,"19223201","Reset",{"type":"Hard"}]');
    expect(encodeCallResult("19223201", "{}")).toBe('[3,"19223201",{}]');
    expect(encodeCallError("19223201", "NotSupported", "no", "2.0.1")).toBe(
      '[4,"19223201","NotSupported","no",{}]',
    );
    expect(encodeCallError("1", "InternalError", "", "1.6", '{"hint":1}')).toBe(
      '[4,"1","InternalError","",{"hint":1}]',
    );
    expect(encodeCallResultError("1", "FormatViolation", "bad")).toBe('[5,"1","FormatViolation","bad",{}]');
  });

  test("a payload is placed as it is: digits that a number would lose stay", () => {
    const payload = '{"big":12345678901234567890,"precise":1.10}';
    expect(encodeCallResult("1", payload)).toBe(`[3,"1",${payload}]`);
  });

  test("the code is said in the version's own spelling, so a backend need know only one", () => {
    expect(encodeCallError("1", "FormatViolation", "", "1.6")).toContain('"FormationViolation"');
    expect(encodeCallError("1", "OccurenceConstraintViolation", "", "2.0.1")).toContain(
      '"OccurrenceConstraintViolation"',
    );
  });

  test("any id, action and description make well-formed JSON in well-formed Unicode, and read back the same", () => {
    fc.assert(
      fc.property(anyId, anyText, (id, text) => {
        for (const frame of [
          encodeCall(id, text, "{}"),
          encodeCallResult(id, "{}"),
          encodeCallError(id, "GenericError", text, "2.1"),
          encodeCallResultError(id, "GenericError", text),
        ]) {
          expect(Buffer.from(frame, "utf8").toString("utf8")).toBe(frame);
          expect(elements(frame)[1]).toBe(id);
        }
        expect(elements(encodeCall(id, text, "{}"))[2]).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test("a description is cut at 255 characters, never inside a pair", () => {
    const descriptionOf = (text: string) => elements(encodeCallError("1", "GenericError", text, "2.1"))[3];
    expect(descriptionOf("x".repeat(255))).toBe("x".repeat(255));
    expect(descriptionOf("x".repeat(9999))).toBe("x".repeat(255));
    expect(descriptionOf(`${"x".repeat(254)}🔌`)).toBe("x".repeat(254));
    expect(descriptionOf(`${"x".repeat(253)}🔌🔌`)).toBe(`${"x".repeat(253)}🔌`);
  });

  test("what is written here is read here: every error of every version", () => {
    for (const version of ocppVersions) {
      for (const fault of rpcFaults) {
        const code = errorCode(fault, version);
        expect(decodeFrame(encodeCallError("id", code, "why", version, '{"a":1}'), version)).toEqual({
          kind: "error",
          id: "id",
          code,
          description: "why",
          details: { a: 1 },
        });
      }
    }
  });
});
