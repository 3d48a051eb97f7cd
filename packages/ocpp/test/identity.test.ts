import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asIdentity, identityKey, identityKeyCandidates, isCandidate, parseIdentity } from "../src/index.ts";
import type { Identity, IdentityFault } from "../src/index.ts";

function identity(decoded: string): Identity {
  const result = asIdentity(decoded);
  if (!result.ok) throw new Error(`not an identity: ${result.fault}`);
  return result.identity;
}

const euro = "%E2%82%AC"; // 3 bytes

describe("a raw segment", () => {
  test.each<[string, string, boolean, string]>([
    ["CP001", "CP001", true, "the plain case"],
    ["RDAM%20123", "RDAM 123", false, "OCPP-J 1.6's own example; a space is no 2.x identifierString"],
    ["RDAM%7C123", "RDAM|123", true, "OCPP-J 2.1's own example"],
    ["RDAM|123", "RDAM|123", true, "clients send a bar unescaped"],
    ["%2541", "%41", false, "decoded exactly once"],
    ["%252F", "%2F", false, "decoded exactly once: this is no slash"],
    ["a+b", "a+b", true, "a plus is a plus, this is no form"],
    ["caf%C3%A9", "café", false, "1.6 allows any character"],
    ["AA:BB", "AA:BB", false, "1.6 may hold a colon, 2.x may not"],
    ["%F0%9F%94%8C", "🔌", false, "outside the basic plane"],
    ["*-_=+|@.", "*-_=+|@.", true, "every special character of identifierString"],
    ["__proto__", "__proto__", true, "an ordinary name"],
  ])("%s is the identity %s (2.x: %s): %s", (raw, decoded, validFor2x) => {
    expect(parseIdentity(raw)).toEqual({ ok: true, identity: decoded, validFor2x });
  });

  test.each<[string, IdentityFault]>([
    ["", "empty"],
    ["%", "badEscape"],
    ["a%2", "badEscape"],
    ["%zz", "badEscape"],
    ["%4", "badEscape"],
    ["a b", "badEscape"],
    ["café", "badEscape"],
    ["a\ufffd", "badEscape"],
    ["\ud800", "badEscape"],
    ["a?b", "badEscape"],
    ["a#b", "badEscape"],
    ["a%2Fb", "slash"],
    ["a%2fb", "slash"],
    ["a/b", "slash"],
    ["%00", "nul"],
    ["a%00b", "nul"],
    ["a\u0000b", "nul"],
    ["a\nb", "controlCharacter"],
    ["a%0Ab", "controlCharacter"],
    ["%1B[31m", "controlCharacter"],
    ["%7F", "controlCharacter"],
    ["%C2%85", "controlCharacter"],
    ["%FF", "notUtf8"],
    ["%C3", "notUtf8"],
    ["%C0%AF", "notUtf8"], // a slash in an overlong form
    ["%ED%A0%80", "notUtf8"], // half a surrogate pair
  ])("%j is refused as %s", (raw, fault) => {
    expect(parseIdentity(raw)).toEqual({ ok: false, fault });
  });

  test("255 bytes of UTF-8 pass and 256 do not, however they are escaped; 2.x stops at 48 characters", () => {
    expect(parseIdentity("a".repeat(48))).toMatchObject({ ok: true, validFor2x: true });
    expect(parseIdentity("a".repeat(49))).toMatchObject({ ok: true, validFor2x: false });
    expect(parseIdentity("a".repeat(255))).toMatchObject({ ok: true, validFor2x: false });
    expect(parseIdentity(euro.repeat(85))).toMatchObject({ ok: true, identity: "€".repeat(85) });
    const tooLong = { ok: false, fault: "tooLong" };
    for (const raw of ["a".repeat(256), `${euro.repeat(85)}a`, "%61".repeat(256), "a".repeat(100_000)]) {
      expect(parseIdentity(raw)).toEqual(tooLong);
    }
    expect(asIdentity("🔌".repeat(64))).toEqual(tooLong);
  });

  test("never throws, and what it accepts is clean and fits, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string().map(encodeURI)), (raw) => {
        const result = parseIdentity(raw);
        if (!result.ok) return;
        expect(Buffer.byteLength(result.identity)).toBeLessThanOrEqual(255);
        expect(result.identity).not.toMatch(/[\p{Cc}/]/u);
        expect(result.identity.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  test("an identity survives being percent-encoded, so a client's library cannot change who it is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }), (text) => {
        const decoded = asIdentity(text);
        fc.pre(decoded.ok);
        expect(parseIdentity(encodeURIComponent(text))).toEqual(decoded);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an identity that arrives decoded", () => {
  test("a percent sign stands for itself", () => {
    expect(asIdentity("%41")).toEqual({ ok: true, identity: "%41", validFor2x: false });
  });

  test.each<[string, IdentityFault]>([
    ["", "empty"],
    ["\ud800", "notUtf8"],
    ["a\udc00b", "notUtf8"],
    ["a/b", "slash"],
    ["\u0000", "nul"],
    ["\u009f", "controlCharacter"],
  ])("%j is refused as %s", (decoded, fault) => {
    expect(asIdentity(decoded)).toEqual({ ok: false, fault });
  });
});

describe("the key of an identity", () => {
  test("2.x folds case, because its identities have none", () => {
    expect(identityKey(identity("Cp-001"), "2.0.1")).toBe("cp-001");
    expect(identityKey(identity("CP-001"), "2.1")).toBe(identityKey(identity("cp-001"), "2.0.1"));
  });

  test("1.6 keeps case, because nothing says that CP1 and cp1 are one station", () => {
    expect(identityKey(identity("Cp-001"), "1.6")).toBe("Cp-001");
  });

  test("folding touches ASCII only: İ and the Kelvin sign stay themselves", () => {
    expect(identityKey(identity("İ\u212aK"), "2.1")).toBe("İ\u212ak");
  });

  test.each([
    ["CP1", ["CP1", "cp1"], "1.6, or 2.x"],
    ["cp1", ["cp1"], "both are the same key"],
    ["CP 1", ["CP 1"], "2.x does not allow it, so nothing is registered folded"],
  ])("%s is looked up as %j: %s", (decoded, keys) => {
    expect(identityKeyCandidates(identity(decoded))).toEqual(keys);
  });

  test("what stands under the folded key is the station only if it speaks 2.x: 1.6 has cp1 and CP1", () => {
    expect(isCandidate(0, "1.6")).toBe(true);
    expect(isCandidate(1, "1.6")).toBe(false);
    expect(isCandidate(1, "2.0.1")).toBe(true);
    expect(isCandidate(1, "2.1")).toBe(true);
  });

  test("a look-up without the version finds what any version would have registered", () => {
    const character = fc.constantFrom(...Array.from("abzABZ019*-_=+|@. :é"));
    fc.assert(
      fc.property(fc.string({ unit: character, minLength: 1, maxLength: 60 }), (decoded) => {
        const result = asIdentity(decoded);
        if (!result.ok) throw new Error("every one of these characters is allowed");
        const candidates = identityKeyCandidates(result.identity);
        expect(candidates).toContain(identityKey(result.identity, "1.6"));
        if (result.validFor2x) expect(candidates).toContain(identityKey(result.identity, "2.1"));
      }),
    );
  });
});
