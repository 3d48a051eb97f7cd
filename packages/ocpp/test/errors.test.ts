import { describe, expect, test } from "vitest";
import { codeForVersion, errorCode, errorCodes, faultOfCode, ocppVersions, rpcFaults } from "../src/index.ts";

// Typed from the tables of valid error codes in the specifications, so that a slip in the source shows.
const table16 = [
  "NotImplemented",
  "NotSupported",
  "InternalError",
  "ProtocolError",
  "SecurityError",
  "FormationViolation",
  "PropertyConstraintViolation",
  "OccurenceConstraintViolation",
  "TypeConstraintViolation",
  "GenericError",
];
const table2x = [
  "FormatViolation",
  "GenericError",
  "InternalError",
  "MessageTypeNotSupported",
  "NotImplemented",
  "NotSupported",
  "OccurrenceConstraintViolation",
  "PropertyConstraintViolation",
  "ProtocolError",
  "RpcFrameworkError",
  "SecurityError",
  "TypeConstraintViolation",
];

describe("the tables of error codes", () => {
  test.each([
    ["1.6", table16],
    ["2.0.1", table2x],
    ["2.1", table2x],
  ] as const)("%s has exactly its own words", (version, words) => {
    expect(new Set(Object.values(errorCodes[version]))).toEqual(new Set(words));
  });

  test("1.6 keeps the misspellings that its errata decline to mend", () => {
    expect(errorCode("formatViolation", "1.6")).toBe("FormationViolation");
    expect(errorCode("occurrenceConstraintViolation", "1.6")).toBe("OccurenceConstraintViolation");
  });
});

describe("a word on the wire", () => {
  test("names the same fault in every version's spelling", () => {
    for (const version of ocppVersions) {
      for (const fault of rpcFaults) {
        const word = errorCode(fault, version);
        expect(codeForVersion(word, version)).toBe(word);
      }
    }
    expect(faultOfCode("OccurenceConstraintViolation")).toBe("occurrenceConstraintViolation");
    expect(faultOfCode("FormationViolation")).toBe("formatViolation");
    expect(faultOfCode("GenericError")).toBe("genericError");
  });

  test.each([
    ["FormatViolation", "1.6", "FormationViolation"],
    ["FormationViolation", "2.0.1", "FormatViolation"],
    ["OccurenceConstraintViolation", "2.1", "OccurrenceConstraintViolation"],
    ["RpcFrameworkError", "1.6", "FormationViolation"],
    ["MessageTypeNotSupported", "1.6", "GenericError"],
    ["SomethingOfTheVendor", "2.1", "GenericError"],
    ["", "1.6", "GenericError"],
    ["constructor", "2.0.1", "GenericError"],
  ] as const)("%s is said in %s as %s", (word, version, said) => {
    expect(codeForVersion(word, version)).toBe(said);
  });

  test("of no table names no fault", () => {
    expect(faultOfCode("toString")).toBeUndefined();
    expect(faultOfCode("genericError")).toBeUndefined();
  });
});
