import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asIdentity } from "@cpg/ocpp";
import type { Time } from "@cpg/session-registry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openCredentialsFile, type CredentialsFile } from "../src/credentials-file.ts";

let folder: string;
let path: string;
let look: () => void;
const logged: string[] = [];
/** The same lines by level and fields. */
const told: (readonly [level: string, fields: object])[] = [];
const log = {
  info: (fields: object, text: string) => logged.push(text) && told.push(["info", fields]),
  warn: (fields: object, text: string) => logged.push(text) && told.push(["warn", fields]),
  error: (fields: object, text: string) => logged.push(text) && told.push(["error", fields]),
};
// The moment to look again is the test's.
const time: Pick<Time, "every"> = {
  every: (_intervalMs, run) => {
    look = run;
    return { cancel: () => logged.push("cancelled") };
  },
};
const entry = { salt: Buffer.alloc(16, 1).toString("base64"), hash: Buffer.alloc(32, 2).toString("base64") };

beforeEach(async () => {
  logged.length = 0;
  told.length = 0;
  folder = await mkdtemp(join(tmpdir(), "cpg-credentials-"));
  path = join(folder, "keys.json");
});
afterEach(() => rm(folder, { recursive: true }));

async function replaceBy(text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
function has(file: CredentialsFile, name: string): boolean {
  const identity = asIdentity(name);
  return identity.ok && file.current().find(identity.identity, "1.6") !== undefined;
}

test("a changed file counts without a restart; one with mistakes or gone leaves the last good one in force", async () => {
  await replaceBy(JSON.stringify({ CP1: entry }));
  const file = openCredentialsFile(path, time, log);
  expect([has(file, "CP1"), has(file, "CP2")]).toEqual([true, false]);
  look();
  expect(logged).toEqual(["the credentials file was read"]);
  await replaceBy(JSON.stringify({ CP2: entry }));
  look();
  expect([has(file, "CP1"), has(file, "CP2")]).toEqual([false, true]);
  expect([file.count(), file.isUsable()]).toEqual([1, true]);
  await replaceBy("{");
  look();
  expect([file.count(), file.isUsable()]).toEqual([1, false]);
  look(); // looked at again and again, a state is told once
  await rm(path);
  look();
  look();
  expect(has(file, "CP2")).toBe(true);
  expect(file.isUsable()).toBe(false);
  await replaceBy(JSON.stringify({ CP2: entry, CP3: entry }));
  look();
  expect([file.count(), file.isUsable()]).toEqual([2, true]);
  expect(logged.map((line) => line.split(":")[0])).toEqual([
    "the credentials file was read",
    "the credentials file was read again",
    "the credentials file cannot be used",
    "the credentials file cannot be used",
    "the credentials file was read again",
  ]);
  file.close();
  expect(logged.at(-1)).toBe("cancelled");
});

test("how many charge points there are is told from the start on: with none a warning, for every one is refused", async () => {
  await replaceBy("{}");
  openCredentialsFile(path, time, log);
  await replaceBy(JSON.stringify({ CP1: entry, CP2: entry }));
  look();
  await replaceBy("{}");
  look();
  expect(told).toEqual([
    ["warn", { chargePoints: 0 }],
    ["info", { chargePoints: 2 }],
    ["warn", { chargePoints: 0 }],
  ]);
  expect(logged[0]).toBe(
    "the credentials file was read: there is no charge point in it, so every one is refused",
  );
});

test("a file that is not there is told with the setting that names it", () => {
  expect(() => openCredentialsFile(path, time, log)).toThrow(`auth.file: cannot read ${path}: ENOENT`);
});

test("at the start every mistake is an error with the file's name", async () => {
  await replaceBy(JSON.stringify({ CP1: {}, CP2: { ...entry, hash: "x" } }));
  expect(() => openCredentialsFile(path, time, log)).toThrow(
    [
      `${path}: "CP1".salt: must be 8 to 64 bytes in base64`,
      `${path}: "CP1".hash: must be 32 bytes in base64`,
      `${path}: "CP2".hash: must be 32 bytes in base64`,
    ].join("\n"),
  );
});

test("a charge point that stands there twice has no key that counts, and what is no JSON is not quoted", async () => {
  const one = JSON.stringify(entry);
  await replaceBy(`{"CP1":${one},"CP2":${one},"CP1":${one}}`);
  expect(() => openCredentialsFile(path, time, log)).toThrow(`${path}: CP1: given more than once`);
  await replaceBy(`{"CP1":{"salt": ${entry.salt}}}`);
  expect(() => openCredentialsFile(path, time, log)).toThrow(/^\S+: the file: not JSON$/);
});

test("a file that cannot be read is told once, however often it is tried", async () => {
  await replaceBy(JSON.stringify({ CP1: entry }));
  const file = openCredentialsFile(path, time, log);
  await replaceBy(JSON.stringify({ CP1: entry, CP2: entry }));
  await rename(path, `${path}.real`);
  await mkdir(path); // EISDIR, as EMFILE would: there is something, and it cannot be read
  look();
  look();
  expect([file.count(), file.isUsable()]).toEqual([1, false]);
  expect(logged.slice(1)).toEqual(["the credentials file cannot be used: the last good one stays"]);
  await rm(path, { recursive: true });
  await rename(`${path}.real`, path);
  look();
  expect([file.count(), file.isUsable()]).toEqual([2, true]);
});
