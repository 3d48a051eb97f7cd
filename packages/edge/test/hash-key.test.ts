import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { asIdentity } from "@cpg/ocpp";
import { expect, test } from "vitest";
import { authenticateBy } from "../src/authentication.ts";
import { readCredentials } from "../src/credentials-file.ts";
import { FakePeer } from "./support/fake-peer.ts";

const command = fileURLToPath(new URL("../src/hash-key.ts", import.meta.url));
const run = (...words: string[]) => spawnSync(process.execPath, [command, ...words], { encoding: "utf8" });

test.each([
  ["as text", [], (key: string) => Buffer.from(key)],
  ["as bytes", ["--raw"], (key: string) => Buffer.from(key, "hex")],
] as const)(
  "a key made by the command lets its charge point in, sent %s, and no other key does",
  (_what, flags, wire) => {
    const { stdout, stderr, status } = run("CP1", ...flags);
    expect(status).toBe(0);
    const key = /^key of CP1: ([0-9a-f]{40})\n$/.exec(stderr.replace(/^\(.*\n/gm, ""))?.[1] ?? "";
    expect(stdout).not.toContain(key);
    const read = readCredentials(stdout);
    const identity = asIdentity("CP1");
    if (read.kind === "invalid" || !identity.ok) throw new Error(stdout);
    const authenticate = authenticateBy(() => read.credentials);
    const basic = (bytes: Buffer): string =>
      `Basic ${Buffer.concat([Buffer.from("CP1:"), bytes]).toString("base64")}`;
    const peer = new FakePeer();
    expect(authenticate(identity.identity, "1.6", basic(wire(key)), peer)).toBe("accepted");
    expect(authenticate(identity.identity, "1.6", basic(Buffer.from("other")), peer)).toBe("bad");
  },
);

test("without an identity it says how it is used", () => {
  expect([run().status, run("a", "b").status, run("a/b").status, run("--rwa").status]).toEqual([2, 2, 2, 2]);
  const help = run("--help");
  expect([help.status, help.stdout]).toEqual([0, expect.stringContaining("usage: hash-key <identity>")]);
});
