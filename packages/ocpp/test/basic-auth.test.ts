import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asIdentity,
  parseBasicAuthorization,
  type BasicAuthorizationFault,
  type Identity,
} from "../src/index.ts";

function identity(decoded: string): Identity {
  const result = asIdentity(decoded);
  if (!result.ok) throw new Error(`not an identity: ${result.fault}`);
  return result.identity;
}

function header(user: string, password: Uint8Array | string): string {
  const bytes = Buffer.concat([Buffer.from(`${user}:`), Buffer.from(password)]);
  return `Basic ${bytes.toString("base64")}`;
}

describe("Basic credentials", () => {
  test("the key of OCPP-J 1.6 §6.2.2 is raw bytes, with NUL and 0xff", () => {
    const key = Buffer.from("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF", "hex");
    const result = parseBasicAuthorization(header("AL1000", key), identity("AL1000"), "1.6");
    expect(result).toEqual({ ok: true, user: "AL1000", password: new Uint8Array(key) });
  });

  test("any identity and any key come back whole, colons and NUL bytes in either included", () => {
    const anyIdentity = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" });
    fc.assert(
      fc.property(anyIdentity, fc.uint8Array({ minLength: 1, maxLength: 40 }), (text, key) => {
        const known = asIdentity(text);
        fc.pre(known.ok);
        const result = parseBasicAuthorization(header(text, key), known.identity, "1.6");
        expect(result).toEqual({ ok: true, user: text, password: key });
      }),
      { numRuns: 500 },
    );
  });

  test("a colon in the identity does not end it", () => {
    const result = parseBasicAuthorization(header("AA:BB", "se:cret"), identity("AA:BB"), "1.6");
    expect(result).toMatchObject({
      ok: true,
      user: "AA:BB",
      password: new Uint8Array(Buffer.from("se:cret")),
    });
  });

  test("2.x compares the user without case, 1.6 with it; without a version the lookup by identity decides anyway", () => {
    const sent = header("cp1", "secret");
    expect(parseBasicAuthorization(sent, identity("CP1"), "2.0.1")).toMatchObject({ ok: true, user: "cp1" });
    expect(parseBasicAuthorization(sent, identity("CP1"))).toMatchObject({ ok: true });
    expect(parseBasicAuthorization(sent, identity("CP1"), "1.6")).toEqual({ ok: false, fault: "user" });
  });

  test("the scheme's name has no case, and padding may be missing", () => {
    const bare = header("CP1", "secret1").replace("Basic", "bAsIc").replaceAll("=", "");
    expect(parseBasicAuthorization(bare, identity("CP1"))).toMatchObject({ ok: true });
  });

  test("the password owns its memory: it is no window on a shared buffer", () => {
    const result = parseBasicAuthorization(header("CP1", "secret"), identity("CP1"));
    if (!result.ok) throw new Error(result.fault);
    expect(result.password.buffer.byteLength).toBe(result.password.length);
  });

  test.each<[string | undefined, BasicAuthorizationFault]>([
    [undefined, "missing"],
    ["", "missing"],
    ["Bearer abc", "scheme"],
    ["Basic", "scheme"],
    ["Basicabc", "scheme"],
    ["Basic !!!!", "encoding"],
    ["Basic a-b_", "encoding"],
    ["Basic YQ==YQ==", "encoding"],
    [header("CP2", "secret"), "user"],
    [header("CP", "1:secret"), "user"],
    [header("CP11", "secret"), "user"],
    [`Basic ${Buffer.from("CP1").toString("base64")}`, "user"],
    [`Basic ${Buffer.from("C").toString("base64")}`, "user"],
    [header("CP1", ""), "emptyPassword"],
  ])("%j is refused: %s", (sent, fault) => {
    expect(parseBasicAuthorization(sent, identity("CP1"), "1.6")).toEqual({ ok: false, fault });
  });

  test("never throws, whatever the header", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.base64String().map((b) => `Basic ${b}`),
        ),
        (sent) => {
          expect(parseBasicAuthorization(sent, identity("CP1")).ok).toBeTypeOf("boolean");
        },
      ),
    );
  });
});
