// Reads the file of machine keys: which charge points may connect, as salted hashes. See README, *Authentication*.
//
// K1. Every mistake is reported with its place; a file with one is not used. No hash or salt stands in a report.
// K2. The file is read again when it changes. A new version with mistakes is told and the last good one stays: nobody is
//     locked out by a half-written file.
// K3. How many charge points it has is told at each reading. None is no mistake (a fleet may begin so), but refuses everybody: a warning.

import { readFileSync, statSync } from "node:fs";
import { asIdentity } from "@cpg/ocpp";
import type { Time, Timer } from "@cpg/session-registry";
import { credentialsOf, hashBytes, type Credential, type Credentials } from "./authentication.ts";
import { JsonReader } from "./json-reader.ts";

/** What was read. */
export type CredentialsRead =
  | { readonly kind: "credentials"; readonly credentials: Credentials; readonly count: number }
  | {
      readonly kind: "invalid";
      readonly problems: readonly string[];
      /** It could not be read, which may pass (no descriptor left) though the file stays as it is. */
      readonly isUnread?: true;
    };

// 16 bytes of salt are usual; 8 still make precomputed tables useless.
const saltBytes: readonly [number, number] = [8, 64];
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Reads the text of a credentials file. */
export function readCredentials(text: string): CredentialsRead {
  const reader = new JsonReader();
  const entries = new Map<string, Credential>();
  for (const [identity, entry] of Object.entries(reader.document(text) ?? {})) {
    const checked = asIdentity(identity);
    const at = JSON.stringify(identity);
    if (!checked.ok) reader.problem(at, `not an identity: ${checked.fault}`);
    const credential = readCredential(entry, at, reader);
    if (credential !== undefined) entries.set(identity, credential);
  }
  if (reader.problems.length > 0) return { kind: "invalid", problems: reader.problems };
  return { kind: "credentials", credentials: credentialsOf(entries), count: entries.size };
}

function readCredential(entry: unknown, at: string, reader: JsonReader): Credential | undefined {
  const fields = reader.object(entry, at, ["algorithm", "salt", "hash"]);
  if (fields === undefined) return undefined;
  const algorithm = reader.oneOf(fields["algorithm"] ?? "sha256", `${at}.algorithm`, ["sha256", "scrypt"]);
  const salt = readBytes(fields["salt"], `${at}.salt`, saltBytes, reader);
  const hash = readBytes(fields["hash"], `${at}.hash`, [hashBytes, hashBytes], reader);
  if (algorithm === undefined || salt === undefined || hash === undefined) return undefined;
  return { algorithm, salt, hash };
}

function readBytes(
  value: unknown,
  at: string,
  [min, max]: readonly [number, number],
  reader: JsonReader,
): Uint8Array | undefined {
  const bytes = typeof value === "string" && base64.test(value) ? Buffer.from(value, "base64") : undefined;
  if (bytes !== undefined && bytes.length >= min && bytes.length <= max) return bytes;
  const length = min === max ? String(min) : `${String(min)} to ${String(max)}`;
  return reader.problem(at, `must be ${length} bytes in base64`);
}

/** A file in use. */
export interface CredentialsFile {
  current(): Credentials;
  /** Charge points in it. */
  count(): number;
  /** What stands on the disk is what counts; false while it is gone or has mistakes (K2). */
  isUsable(): boolean;
  close(): void;
}

const lookEveryMs = 2_000;
// Mistakes of a changed file in one line of the log: a file of 100,000 charge points may have as many.
const maxLogged = 20;

/** Reads the file. Its mistakes name it; that it cannot be read is one. */
export function readCredentialsFile(path: string): CredentialsRead {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "invalid", problems: [`auth.file: cannot read ${path}: ${reason}`], isUnread: true };
  }
  const read = readCredentials(text);
  if (read.kind === "credentials") return read;
  return { kind: "invalid", problems: read.problems.map((problem) => `${path}: ${problem}`) };
}

/** The part of pino that is used. */
export interface CredentialsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Opens the file and follows its changes (K2). Errors: the first reading's mistakes, as an Error with one line for each. */
export function openCredentialsFile(
  path: string,
  time: Pick<Time, "every">,
  log: CredentialsLog,
): CredentialsFile {
  let seen = versionOf(path);
  const first = readCredentialsFile(path);
  if (first.kind === "invalid") throw new Error(first.problems.join("\n"));
  tellCount(first.count, "the credentials file was read", log);
  let inForce = first;
  let isUsable = true;
  let unread = ""; // told once, however often it is tried again
  const look = (): void => {
    const version = versionOf(path);
    if (version === seen) return; // so each state is told once
    const next = readCredentialsFile(path);
    const isUnread = next.kind === "invalid" && next.isUnread === true;
    if (isUnread && next.problems[0] === unread) return;
    seen = isUnread ? "" : version;
    unread = isUnread ? (next.problems[0] ?? "") : "";
    isUsable = next.kind === "credentials";
    if (next.kind === "credentials") {
      inForce = next;
      tellCount(next.count, "the credentials file was read again", log);
    } else {
      const problems = next.problems.slice(0, maxLogged);
      const fields = { problems, count: next.problems.length };
      log.error(fields, "the credentials file cannot be used: the last good one stays");
    }
  };
  const timer: Timer = time.every(lookEveryMs, look);
  return {
    current: () => inForce.credentials,
    count: () => inForce.count,
    isUsable: () => isUsable,
    close: () => timer.cancel(),
  };
}

/** K3 */
function tellCount(chargePoints: number, says: string, log: CredentialsLog): void {
  if (chargePoints > 0) log.info({ chargePoints }, says);
  else log.warn({ chargePoints }, `${says}: there is no charge point in it, so every one is refused`);
}

// What changes with the content, or says that there is none to be had.
function versionOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${String(mtimeMs)} ${String(size)} ${String(ino)}`;
  } catch {
    return "unreadable";
  }
}
