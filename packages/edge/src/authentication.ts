// Who may connect: HTTP Basic against machine keys of which only salted hashes are kept. No I/O.
//
// A1. A key is ≥ 16 random bytes, so one salted SHA-256 (3 µs) is enough; scrypt (43 ms) is there for keys that a
//     person chose. A storm of 13,000 stations is 40 ms of CPU with the first and 9 minutes with the second.
// A2. Hashes are compared in constant time. Neither key nor hash appears in an error or a log line.
// A3. The user must be the identity of the URL (OCPP-J §6.2): parseBasicAuthorization splits there.
// A4. In 2.x an identity is case-insensitive: it is looked up as written, then folded. Two entries of the file that fold
//     to the same are only found as written.

import { hash, scrypt, timingSafeEqual } from "node:crypto";
import { identityKey, parseBasicAuthorization, type Identity, type OcppVersion } from "@cpg/ocpp";

/** How an authentication ended: `unknown` is 404, `bad` is 401. */
export type Authenticated = "accepted" | "unknown" | "bad";

/** Checks credentials: at once where the hash is fast. Never rejects. */
export type Authenticate = (
  identity: Identity,
  version: OcppVersion,
  authorization: string | undefined,
) => Authenticated | Promise<Authenticated>;

/** A stored hash of one charge point's key. */
export interface Credential {
  readonly algorithm: "sha256" | "scrypt";
  readonly salt: Uint8Array;
  /** SHA-256(salt ‖ key), or scrypt(key, salt, N=16384, r=8, p=1, 32 bytes). */
  readonly hash: Uint8Array;
}

/** Finds a credential by identity. */
export interface Credentials {
  find(identity: Identity, version: OcppVersion): Credential | undefined;
}

/** Lets every identity in: `auth.mode none`, only when asked for by name. */
export const authenticateNobody: Authenticate = () => "accepted";

/** Length of a stored hash, bytes. */
export const hashBytes = 32;

const scryptCost = { N: 16_384, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Checks against `credentials`, asked anew for each request so that a reloaded file counts at once. */
export function authenticateBy(credentials: () => Credentials): Authenticate {
  return (identity, version, authorization) => {
    const credential = credentials().find(identity, version);
    if (credential === undefined) return "unknown";
    const basic = parseBasicAuthorization(authorization, identity, version); // A3
    if (!basic.ok) return "bad";
    if (credential.algorithm === "sha256")
      return verdict(credential, sha256(credential.salt, basic.password));
    return slowHash(credential.salt, basic.password).then(
      (slow) => verdict(credential, slow),
      () => "bad",
    );
  };
}

/** Makes a table of entries; see A4. */
export function credentialsOf(entries: ReadonlyMap<string, Credential>): Credentials {
  const folded = new Map<string, Credential | undefined>();
  for (const [identity, credential] of entries) {
    const key = foldedKey(identity);
    folded.set(key, folded.has(key) ? undefined : credential); // A4
  }
  return {
    find(identity, version) {
      const exact = entries.get(identity);
      if (exact !== undefined || version === "1.6") return exact;
      return folded.get(foldedKey(identity));
    },
  };
}

// The folding of 2.x, so that the file may write an identity in any case.
function foldedKey(identity: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of this table only, never of the registry
  return identityKey(identity as Identity, "2.0.1");
}

const digest = Buffer.allocUnsafeSlow(hashBytes);

/**
 * SHA-256(salt ‖ key), in a buffer that the next call writes over. In one call and by way of a text: a Hash object costs more than the hash, and
 * so does a buffer that is made and collected for each.
 */
export function sha256(salt: Uint8Array, key: Uint8Array): Uint8Array {
  const salted = new Uint8Array(salt.length + key.length);
  salted.set(salt);
  salted.set(key, salt.length);
  digest.write(hash("sha256", salted, "binary"), "latin1");
  return digest;
}

function slowHash(salt: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(key, salt, hashBytes, scryptCost, (error, slow) => {
      if (error === null) resolve(slow);
      else reject(error);
    });
  });
}

function verdict(credential: Credential, found: Uint8Array): Authenticated {
  return timingSafeEqual(credential.hash, found) ? "accepted" : "bad"; // A2
}
