// Who may connect: HTTP Basic against machine keys of which only salted hashes are kept. No I/O.
//
// A1. A key is ≥ 16 random bytes, so one salted SHA-256 (3 µs) is enough; scrypt (43 ms) is there for keys that a
//     person chose. A storm of 13,000 stations is 40 ms of CPU with the first and 9 minutes with the second (A5).
// A2. Hashes are compared in constant time. Neither key nor hash appears in an error or a log line.
// A3. The user must be the identity of the URL (OCPP-J §6.2): parseBasicAuthorization splits there.
// A4. In 2.x an identity is case-insensitive: it is looked up as written, then folded. Two entries of the file that fold
//     to the same are only found as written.
// A5. Slow hashes go through a bounded line (hash-line.ts). libuv's pool has four threads; two are left to name lookups (of which libuv
//     runs two at a time) and to files. Two of 43 ms at a time are 46 a second, and a station waits for 10 s at least before it
//     gives up: so 460 wait. More would only wait in vain, and each holds a descriptor of the tenth that
//     `listen.maxConnections` leaves. One credential has two places: a station's, and that of its socket before, if that
//     broke without a word.

import { hash, scrypt, timingSafeEqual } from "node:crypto";
import { identityKey, parseBasicAuthorization, type Identity, type OcppVersion } from "@cpg/ocpp";
import { HashLine, type HashLineBounds, type Peer } from "./hash-line.ts";

/** How an authentication ended: `unknown` is 404, `bad` 401, `busy` 503 (A5). `gone`: nobody is left to be answered. */
export type Authenticated = "accepted" | "unknown" | "bad" | "busy" | "gone";

/** Checks credentials: at once where the hash is fast. Never rejects. */
export type Authenticate = (
  identity: Identity,
  version: OcppVersion,
  authorization: string | undefined,
  peer: Peer,
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

const slowHashBounds: HashLineBounds = { atATime: 2, waiting: 460, ofOne: 2 }; // A5

/** Computes a slow hash off the event loop. */
export type SlowHash = (salt: Uint8Array, key: Uint8Array) => Promise<Uint8Array>;

/** Checks against `credentials`, asked anew for each request so that a reloaded file counts at once. */
export function authenticateBy(
  credentials: () => Credentials,
  slowHash: SlowHash = scryptHash,
): Authenticate {
  const line = new HashLine(slowHashBounds);
  return (identity, version, authorization, peer) => {
    const credential = credentials().find(identity, version);
    if (credential === undefined) return "unknown";
    const basic = parseBasicAuthorization(authorization, identity, version); // A3
    if (!basic.ok) return "bad";
    if (credential.algorithm === "sha256")
      return verdict(credential, sha256(credential.salt, basic.password));
    const slow = line.compute(credential, peer, () => slowHash(credential.salt, basic.password));
    if (slow === "full") return "busy";
    return slow.then(
      (found) => (found === "gone" ? "gone" : verdict(credential, found)),
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

/** scrypt(key, salt, N=16384, r=8, p=1, 32 bytes), in libuv's pool. */
export function scryptHash(salt: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
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
