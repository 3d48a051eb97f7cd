// Command: the entry of the credentials file for one charge point's key, which it makes, or which is given.
//
//   node packages/edge/dist/hash-key.js <identity> [--stdin] [--raw] [--scrypt]
//
// A key that is made goes to standard error and nowhere else; the entry goes to standard output. `--raw`: the station sends the
// bytes themselves, as OCPP-J 1.6 §6.2.2 has it for AuthorizationKey, and what is written are their hexadecimal digits;
// otherwise it sends what is written: 40 digits are a BasicAuthPassword of 2.x (16 to 40 characters) too.

import { randomBytes } from "node:crypto";
import { relative } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { asIdentity } from "@cpg/ocpp";
import { identityFaults } from "./identity-faults.ts";
import { scryptHash, sha256, type Credential } from "./authentication.ts";

// As the person typed it, for there is no command of this name: what stands in the usage can be copied.
const script = process.argv[1] ?? "hash-key.js";
const fromHere = relative("", script);
const command = `${process.argv0} ${fromHere.startsWith("..") ? script : fromHere}`;
const usage = `usage: ${command} <identity> [--stdin] [--raw] [--scrypt]
Makes a key for one charge point: on standard error, and its entry for the file of auth.file on standard output.
The station sends the identity as user name and the key as password (HTTP Basic): its 40 digits, or with --raw the 20 bytes they stand for.
  --stdin   the key is there already: it is read from standard input, without the end of its line
  --raw     the station sends the bytes for which the hexadecimal digits stand
  --scrypt  a hash for keys that a person chose (43 ms a connect; without it 3 µs, for keys of 16 random bytes and more)
Entries of several (needs jq): for id in CP1 CP2; do ${command} $id; done | jq -s add`;
const keyBytes = 20;
const saltBytes = 16;

async function main(words: readonly string[]): Promise<void> {
  const read = options(words);
  if (read === undefined) return refuse(usage);
  if (typeof read === "string") return refuse(`${read}\n${usage}`);
  if (read.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const written = read.stdin
    ? (await text(process.stdin)).replace(/\r?\n$/, "")
    : randomBytes(keyBytes).toString("hex");
  const key = Buffer.from(written, read.raw ? "hex" : "utf8");
  if (key.length === 0 || (read.raw && key.toString("hex") !== written.toLowerCase()))
    return refuse(
      read.raw ? "--raw: the key must be hexadecimal digits" : "--stdin: there is no key on standard input",
    );
  const salt = randomBytes(saltBytes);
  const algorithm: Credential["algorithm"] = read.scrypt ? "scrypt" : "sha256";
  const hash = Buffer.from(read.scrypt ? await scryptHash(salt, key) : sha256(salt, key));
  const entry = { algorithm, salt: salt.toString("base64"), hash: hash.toString("base64") };
  if (!read.stdin) process.stderr.write(`key of ${read.identity}: ${written}\n`);
  process.stdout.write(`${JSON.stringify({ [read.identity]: entry }, null, 2)}\n`);
}

interface Options {
  readonly identity: string;
  readonly help: boolean;
  readonly stdin: boolean;
  readonly raw: boolean;
  readonly scrypt: boolean;
}

/** What was asked for, or the sentence that says why the identity is none; undefined: it was used otherwise than it is. */
function options(words: readonly string[]): Options | string | undefined {
  const flag = { type: "boolean", default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { help: { ...flag, short: "h" }, stdin: flag, raw: flag, scrypt: flag },
      allowPositionals: true,
    });
    const [identity = ""] = positionals;
    if (!values.help && positionals.length !== 1) return undefined;
    const checked = asIdentity(identity);
    if (values.help || checked.ok) return { ...values, identity };
    return `${JSON.stringify(identity)} is no identity. ${identityFaults[checked.fault]}`;
  } catch {
    return undefined; // an option that there is not
  }
}

function refuse(says: string): void {
  process.stderr.write(`${says}\n`);
  process.exitCode = 2;
}

await main(process.argv.slice(2));
