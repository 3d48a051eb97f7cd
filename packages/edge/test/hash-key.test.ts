import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { asIdentity } from "@cpg/ocpp";
import { describe, expect, test } from "vitest";
import { authenticateBy } from "../src/authentication.ts";
import { readCredentials } from "../src/credentials-file.ts";
import { FakePeer } from "./support/fake-peer.ts";

const command = fileURLToPath(new URL("../src/hash-key.ts", import.meta.url));
const run = (...words: string[]) => spawnSync(process.execPath, [command, ...words], { encoding: "utf8" });

async function verdictOf(entry: string, key: Buffer) {
  const read = readCredentials(entry);
  const identity = asIdentity("CP1");
  if (read.kind === "invalid" || !identity.ok) throw new Error(entry);
  const basic = `Basic ${Buffer.concat([Buffer.from("CP1:"), key]).toString("base64")}`;
  return authenticateBy(() => read.credentials)(identity.identity, "1.6", basic, new FakePeer());
}

test.each([
  ["as text", [], (key: string) => Buffer.from(key)],
  ["as bytes", ["--raw"], (key: string) => Buffer.from(key, "hex")],
] as const)(
  "a key made by the command lets its charge point in, sent %s, and no other key does",
  async (_what, flags, wire) => {
    const { stdout, stderr, status } = run("CP1", ...flags);
    expect(status).toBe(0);
    const key = /^key of CP1: ([0-9a-f]{40})\n$/.exec(stderr.replace(/^\(.*\n/gm, ""))?.[1] ?? "";
    expect(stdout).not.toContain(key);
    expect(await verdictOf(stdout, wire(key))).toBe("accepted");
    expect(await verdictOf(stdout, Buffer.from("other"))).toBe("bad");
  },
);

describe("a key that is there already", () => {
  const given = (input: string, ...words: string[]) =>
    spawnSync(process.execPath, [command, "CP1", "--stdin", ...words], { encoding: "utf8", input });

  test.each([
    ["a word: a person's\n", ["--scrypt"], Buffer.from("a word: a person's"), "scrypt"],
    ["0123456789abcdef", [], Buffer.from("0123456789abcdef"), "sha256"], // without the end of a line
    ["00FF3a\r\n", ["--raw"], Buffer.from([0, 255, 58]), "sha256"],
  ] as const)(
    "is read from standard input and written nowhere: %j %j",
    async (input, flags, wire, algorithm) => {
      const { stdout, stderr, status } = given(input, ...flags);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).not.toContain(input.trim());
      expect(JSON.parse(stdout)).toMatchObject({ CP1: { algorithm } });
      expect(await verdictOf(stdout, wire)).toBe("accepted");
      expect(await verdictOf(stdout, Buffer.from("other"))).toBe("bad");
    },
  );

  test.each([
    ["", [], "no key"],
    ["\n", [], "no key"],
    ["xyz", ["--raw"], "hexadecimal"],
    ["abc", ["--raw"], "hexadecimal"],
  ] as const)("%j %j is refused", (input, flags, says) => {
    const { stdout, stderr, status } = given(input, ...flags);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
  });
});

test("without an identity it says how it is used", () => {
  expect([
    run().status,
    run("a", "b").status,
    run("a/b").status,
    run("--rwa").status,
    run("a", "--rwa").status,
  ]).toEqual([2, 2, 2, 2, 2]);
  const help = run("--help");
  expect([help.status, help.stdout]).toEqual([0, expect.stringMatching(/^usage: .* <identity> /)]);
});

test.each([
  ["a/b", '"a/b" is no identity. An identity holds no slash, escaped or not.'],
  ["", '"" is no identity. The identity is empty.'],
  ["a\u0007", '"a\\u0007" is no identity. An identity holds no control characters.'],
  ["ä".repeat(128), `"${"ä".repeat(128)}" is no identity. An identity has at most 255 bytes of UTF-8.`],
])("of %j it says before its usage why it is no identity", (identity, says) => {
  const { status, stdout, stderr } = run(identity);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr.split("\n").slice(0, 2)).toEqual([says, expect.stringMatching(/^usage: /)]);
});

test("its usage names the command as it was typed: the loop for several can be copied", () => {
  const { stdout } = run("--help");
  const loop = /^Entries of several \(needs jq\): (.*) \| jq -s add$/m.exec(stdout)?.[1] ?? "";
  const made = spawnSync("sh", ["-c", loop], { encoding: "utf8" });
  expect(made.stdout.match(/"CP\d"/g)).toEqual(['"CP1"', '"CP2"']);
  expect(made.status).toBe(0);
});
