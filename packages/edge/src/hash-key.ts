// Command: makes a key for one charge point and the entry of the credentials file that knows its hash.
//
//   node packages/edge/dist/hash-key.js <identity> [--raw]
//
// The key goes to standard error and nowhere else; the entry goes to standard output. `--raw`: the station sends the 20
// bytes themselves, as OCPP-J 1.6 §6.2.2 has it for AuthorizationKey; otherwise their 40 hexadecimal digits, which are a
// BasicAuthPassword of 2.x (16 to 40 characters) and what most 1.6 stations send too.

import { randomBytes } from "node:crypto";
import { asIdentity } from "@cpg/ocpp";
import { sha256 } from "./authentication.ts";

const usage = `usage: hash-key <identity> [--raw]
Makes a key for one charge point: on standard error, and its entry for the file of auth.file on standard output.
The station sends the identity as user name and the key as password (HTTP Basic): its 40 digits, or with --raw the 20 bytes they stand for.`;
const keyBytes = 20;
const saltBytes = 16;

function main(words: readonly string[]): void {
  const isRaw = words.includes("--raw");
  const [identity = "", ...rest] = words.filter((word) => word !== "--raw");
  if (identity === "--help" || identity === "-h") {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const checked = asIdentity(identity);
  if (!checked.ok || rest.length > 0 || identity.startsWith("--")) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const bytes = randomBytes(keyBytes);
  const hex = bytes.toString("hex");
  const salt = randomBytes(saltBytes);
  const hash = Buffer.from(sha256(salt, isRaw ? bytes : Buffer.from(hex)));
  const entry = { salt: salt.toString("base64"), hash: hash.toString("base64") };
  process.stderr.write(`key of ${identity}: ${hex}\n`);
  process.stdout.write(`${JSON.stringify({ [identity]: entry }, null, 2)}\n`);
}

main(process.argv.slice(2));
