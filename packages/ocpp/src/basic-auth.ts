// HTTP Basic authentication as OCPP uses it: the user is the identity, the password raw bytes. Pure.
// B1. The credentials are split at the identity that the URL names, not at a colon: a 1.6 identity may hold `:`, and
//     a 1.6 key is 20 raw bytes (OCPP-J 1.6 §6.2.2) of which any may be `:` or 0x00.
// B2. The password stays bytes; it never becomes a string, and never stands in a fault.

import { foldAscii, type Identity } from "./identity.ts";
import type { OcppVersion } from "./version.ts";

/**
 * Why a header gives no password. `missing`: no header; `scheme`: not Basic; `encoding`: not base64; `user`: the user
 * is not the identity, or no colon follows it; `emptyPassword`. All of them are 401.
 */
export type BasicAuthorizationFault = "missing" | "scheme" | "encoding" | "user" | "emptyPassword";

export type BasicAuthorizationResult =
  | { readonly ok: true; readonly user: string; readonly password: Uint8Array }
  | { readonly ok: false; readonly fault: BasicAuthorizationFault };

const basic = /^basic +/i;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Reads `Authorization` for the station called `identity`. The user is compared with the identity: exactly for 1.6;
 * without regard to ASCII case for 2.x, whose identities have none, and where `version` is not given. That is safe:
 * the password is looked up by the identity, never by the user. Never throws; compares no secret.
 */
export function parseBasicAuthorization(
  header: string | undefined,
  identity: Identity,
  version?: OcppVersion,
): BasicAuthorizationResult {
  if (header === undefined || header === "") return refuse("missing");
  const trimmed = header.trim();
  if (!basic.test(trimmed)) return refuse("scheme");
  const encoded = trimmed.replace(basic, "");
  if (!base64.test(encoded)) return refuse("encoding");
  const credentials = Buffer.from(encoded, "base64");
  const userLength = Buffer.byteLength(identity);
  if (credentials.length <= userLength || credentials[userLength] !== 0x3a) return refuse("user"); // B1
  const user = credentials.toString("utf8", 0, userLength);
  const same = version === "1.6" ? user === identity : foldAscii(user) === foldAscii(identity);
  if (!same) return refuse("user");
  if (credentials.length === userLength + 1) return refuse("emptyPassword");
  // A copy: a small Buffer is a window on a pool that other requests share.
  return { ok: true, user, password: new Uint8Array(credentials.subarray(userLength + 1)) };
}

function refuse(fault: BasicAuthorizationFault): BasicAuthorizationResult {
  return { ok: false, fault };
}
