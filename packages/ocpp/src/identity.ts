// Identities of charge points: from a raw URL segment, or already decoded, to something that may reach a key. Pure.
// I1. A raw segment is percent-decoded exactly once: `%2541` is the identity `%41`, never `A`.
// I2. Nothing becomes an `Identity` that is empty, not well-formed Unicode, longer than 255 bytes of UTF-8, or that
//     holds a slash, NUL or another control character. So a key, a log line and a URL path can carry any identity.
// I3. Two stations share an `IdentityKey` only if their versions say that they are the same station: 2.x identities
//     are case-insensitive (Part 2, identifierString), so they fold ASCII case; 1.6 sets no such rule and keeps it.

import type { OcppVersion } from "./version.ts";

/** The identity as the station wrote it: percent-decoded exactly once, validated (I2). Show and route by this one. */
export type Identity = string & { readonly __brand: "Identity" };

/** What may stand in a key of the registry: an identity, folded where the version's identities fold (I3, DESIGN R10). */
export type IdentityKey = string & { readonly __brand: "IdentityKey" };

/**
 * Why a segment is no identity. `badEscape`: a `%` without two hexadecimal digits, or an octet that RFC 3986 wants
 * escaped and that was not; `notUtf8`: the escaped octets are not UTF-8, or the decoded text has a lone surrogate.
 */
export type IdentityFault =
  "empty" | "badEscape" | "slash" | "nul" | "controlCharacter" | "tooLong" | "notUtf8";

/**
 * `validFor2x`: at most 48 of `a-zA-Z0-9*-_=+|@.` (OCPP-J 2.0.1 and 2.1 §3.1.1: identifierString without the colon).
 * A station whose identity is not may negotiate 1.6 only.
 */
export type IdentityResult =
  | { readonly ok: true; readonly identity: Identity; readonly validFor2x: boolean }
  | { readonly ok: false; readonly fault: IdentityFault };

/** Longest identity, in bytes of UTF-8. 1.6 sets no limit; 255 is that of a DNS name and of most certificate fields. */
export const maxIdentityBytes = 255;

const identifierString2x = /^[A-Za-z0-9*\-_=+|@.]{1,48}$/;
const escape = /%(?![0-9A-Fa-f]{2})/;
// What can stand unescaped in a segment: visible ASCII. Laxer than RFC 3986 (`|` is legal in a 2.x identity, and
// clients send it raw), but never an octet above 0x7e: by then somebody has already guessed its character set.
const unescapable = /[^\x21-\x7e]|[?#]/;

/**
 * Reads the last path segment of the connection URL, still percent-encoded (OCPP-J §3.1.1), into an identity (I1).
 * The caller has cut off the query. Never throws.
 */
export function parseIdentity(rawSegment: string): IdentityResult {
  if (rawSegment.length > 3 * maxIdentityBytes) return refuse("tooLong");
  if (rawSegment.includes("/")) return refuse("slash");
  if (unescapable.test(rawSegment)) return refuse(faultOfRaw(rawSegment));
  if (!rawSegment.includes("%")) return asIdentity(rawSegment);
  if (escape.test(rawSegment)) return refuse("badEscape");
  try {
    return asIdentity(decodeURIComponent(rawSegment)); // I1
  } catch {
    return refuse("notUtf8"); // every escape is well-formed, so only the octets can be wrong
  }
}

/** Validates an identity that arrives already decoded, as in the management API. Never throws. */
export function asIdentity(decoded: string): IdentityResult {
  const fault = faultOf(decoded);
  if (fault !== undefined) return refuse(fault);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand's one source: just validated
  return { ok: true, identity: decoded as Identity, validFor2x: identifierString2x.test(decoded) };
}

/** The registry's name for this station when it speaks `version` (I3). */
export function identityKey(identity: Identity, version: OcppVersion): IdentityKey {
  const key: string = hasCase(version) ? identity : foldAscii(identity);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand's one source: made of an identity
  return key as IdentityKey;
}

function hasCase(version: OcppVersion): boolean {
  return version === "1.6";
}

/**
 * The keys under which a station may be registered, for a lookup that does not know its version: as written (1.6, or
 * 2.x in lower case), then folded, if that differs and 2.x allows the identity. One or two entries, without repetition.
 * What is found under them may be another station: ask `isCandidate`.
 */
export function identityKeyCandidates(identity: Identity): readonly IdentityKey[] {
  const exact = identityKey(identity, "1.6");
  if (!identifierString2x.test(identity)) return [exact];
  const folded = identityKey(identity, "2.0.1");
  return folded === exact ? [exact] : [exact, folded];
}

/**
 * Whether a station that speaks `version` and stands under the candidate number `at` (from 0) is the one that was looked for: under the
 * folded key a 1.6 station is another one, whose identity is written in lower case (I3).
 */
export function isCandidate(at: number, version: OcppVersion): boolean {
  return at === 0 || !hasCase(version);
}

const upperCase = /[A-Z]/;
const ascii = /^[\x00-\x7f]*$/; // oxlint-disable-line eslint/no-control-regex -- the whole of ASCII is meant

/** ASCII letters to lower case, every other character as it is: 2.x identities are ASCII, and Unicode folding is not stable. */
export function foldAscii(text: string): string {
  if (!upperCase.test(text)) return text;
  if (ascii.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function refuse(fault: IdentityFault): IdentityResult {
  return { ok: false, fault };
}

function faultOfRaw(raw: string): IdentityFault {
  for (let at = 0; at < raw.length; at += 1) {
    const unit = raw.charCodeAt(at);
    if (unit === 0) return "nul";
    if (unit < 0x20 || unit === 0x7f) return "controlCharacter";
  }
  return "badEscape";
}

// I2, in one pass: the first fault found, or undefined.
function faultOf(text: string): IdentityFault | undefined {
  if (text.length === 0) return "empty";
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.codePointAt(at) ?? 0;
    if (code === 0) return "nul";
    if (code === 0x2f) return "slash";
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return "controlCharacter";
    if (code >= 0xd800 && code <= 0xdfff) return "notUtf8"; // a pair would have been read as one code point
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxIdentityBytes) return "tooLong";
    if (code >= 0x10000) at += 1;
  }
  return undefined;
}
