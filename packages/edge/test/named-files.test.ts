import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@cpg/config";
import { selfSigned } from "@cpg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNamedFiles } from "../src/named-files.ts";

const one = selfSigned();
const other = selfSigned();
const broken = one.cert.replace(/\n.{10}/, "\n!!!!!!!!!!");
const cutOff = one.cert.slice(0, 200);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cpg-files-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Texts = Readonly<Partial<Record<"ca" | "cert" | "key", string | Buffer>>>;

/** What is said of these TLS files, the folder left out. */
function problems(texts: Texts): readonly string[] {
  const words = Object.entries(texts).map(([part, text]) => {
    writeFileSync(join(folder, part), text);
    return `--redis-tls-${part}-file=${join(folder, part)}`;
  });
  const argv = ["--auth-mode=none", "--redis-tls-enabled", ...words];
  const loaded = loadConfig({ argv, env: {} });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  const read = readNamedFiles(loaded.config);
  return read.kind === "files" ? [] : read.problems.map((problem) => problem.replaceAll(`${folder}/`, ""));
}

describe("TLS files that Redis could be spoken to with are taken:", () => {
  test.each<[string, Texts]>([
    ["none", {}],
    ["an authority", { ca: one.cert }],
    [
      "several, with words and a key between them",
      { ca: `ours\n${one.cert}theirs\n${one.key}${other.cert}` },
    ],
    ["a client's certificate and key", { ca: other.cert, cert: one.cert, key: one.key }],
    ["both in one file", { cert: one.cert + one.key, key: one.cert + one.key }],
  ])("%s", (_, texts) => {
    expect(problems(texts)).toEqual([]);
  });
});

describe("TLS files with which no connection would ever come up are told at the start:", () => {
  const noAuthority = /^redis\.tls\.caFile: cannot use ca as certificates in PEM: .+/;
  const noCertificate = /^redis\.tls\.certFile: cannot use cert as certificates in PEM: .+/;
  const noKey = /^redis\.tls\.keyFile: cannot use key as a private key in PEM without a passphrase: .+/;
  const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";

  test.each<[string, Texts, readonly RegExp[]]>([
    ["an authority that is no PEM", { ca: "{}" }, [noAuthority]],
    ["an empty authority, which Node takes for its own list", { ca: "" }, [noAuthority]],
    ["an authority in DER", { ca: Buffer.from(one.cert.split("\n")[1] ?? "", "base64") }, [noAuthority]],
    ["a key as authority", { ca: one.key }, [noAuthority]],
    ["a broken authority", { ca: broken }, [noAuthority]],
    ["a broken authority behind a good one", { ca: other.cert + broken }, [noAuthority]],
    ["an authority that was cut off", { ca: other.cert + cutOff }, [noAuthority]],
    ["a certificate that is no PEM", { cert: "{}", key: one.key }, [noCertificate]],
    ["an empty certificate", { cert: "", key: one.key }, [noCertificate]],
    ["a key that is no PEM", { cert: one.cert, key: "{}" }, [noKey]],
    ["an empty key", { cert: one.cert, key: "" }, [noKey]],
    ["a key with a passphrase", { cert: one.cert, key: encrypted }, [noKey]],
    ["the two mixed up", { cert: one.key, key: one.cert }, [noCertificate, noKey]],
    ["all three", { ca: "a", cert: "b", key: "c" }, [noAuthority, noCertificate, noKey]],
    [
      "another's key",
      { cert: one.cert, key: other.key },
      [/^redis\.tls\.certFile, redis\.tls\.keyFile: cannot be used together: .*key values mismatch$/],
    ],
  ])("%s", (_, texts, expected) => {
    expect(problems(texts)).toEqual(expected.map((line) => expect.stringMatching(line) as string));
    expect(problems(texts).join("")).not.toMatch(/\n|PRIVATE KEY-----/);
  });
});

describe("the file of NODE_EXTRA_CA_CERTS, of which Node only warns, if at all,", () => {
  function said(file: string): readonly string[] {
    const loaded = loadConfig({ argv: ["--auth-mode=none"], env: {} });
    if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
    const read = readNamedFiles(loaded.config, file);
    return read.kind === "files" ? [] : read.problems.map((problem) => problem.replaceAll(`${folder}/`, ""));
  }
  const withText = (text: string): readonly string[] => {
    writeFileSync(join(folder, "extra"), text);
    return said(join(folder, "extra"));
  };

  test("is taken with certificates in it, and where none is named", () => {
    expect(withText(`ours\n${one.cert}theirs\n${other.cert}`)).toEqual([]);
    expect(said("")).toEqual([]);
  });

  test.each([[""], ["{}"], [one.key], [broken], [other.cert + cutOff]])(
    "is refused with %j in it",
    (text) => {
      expect(withText(text)).toEqual([
        expect.stringMatching(/^NODE_EXTRA_CA_CERTS: cannot use extra as certificates in PEM: .+/),
      ]);
    },
  );

  test("is refused when it is not there", () => {
    expect(said(join(folder, "gone"))).toEqual([
      expect.stringMatching(/^NODE_EXTRA_CA_CERTS: cannot read gone: ENOENT/),
    ]);
  });
});

describe("a route to a stream while sessions are in memory", () => {
  const routes = {
    integrations: {
      meter: { type: "stream", partitions: 4 },
      clock: { type: "local", handler: "heartbeat" },
    },
    routes: { Heartbeat: "clock", MeterValues: "meter", "ocpp1.6:StatusNotification": "meter" },
  };

  /** What is said with these words on the command line and these routes. */
  function said(words: readonly string[], text: object = routes): readonly string[] {
    const file = join(folder, "routes.json");
    writeFileSync(file, JSON.stringify(text));
    const loaded = loadConfig({ argv: ["--auth-mode=none", `--routes-file=${file}`, ...words], env: {} });
    if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
    const read = readNamedFiles(loaded.config);
    return read.kind === "files" ? [] : read.problems.map((problem) => problem.replaceAll(`${folder}/`, ""));
  }

  test("is refused unless a cluster is named: it would write to whatever Redis stands at the default", () => {
    expect(said(["--registry-kind=memory"])).toEqual([
      "routes.json: MeterValues, ocpp1.6:StatusNotification: a stream is in Redis Cluster, but registry.kind is memory and " +
        "redis.nodes has its default: name the cluster in redis.nodes (one node of it is enough; just the default is not taken for a name), use registry.kind cluster, or take another integration",
    ]);
  });

  test("is taken where a cluster is named, and where sessions are in it too", () => {
    expect(said(["--registry-kind=memory", "--redis-nodes=10.0.0.5:7000"])).toEqual([]);
    expect(said(["--registry-kind=memory", "--redis-nodes=127.0.0.1:7000"])).toEqual([]);
    expect(said([])).toEqual([]);
  });

  test("a stream to which nothing goes is opened by nobody", () => {
    const { integrations } = routes;
    expect(said(["--registry-kind=memory"], { integrations, routes: { Heartbeat: "clock" } })).toEqual([]);
  });
});
