import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig, settingList } from "../src/index.ts";
import type { GatewayConfig, NamedSetting } from "../src/index.ts";
import { withCurrentTable } from "../src/readme.ts";

/** What else must be said so that a value alone breaks no rule. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "auth.file": { "auth.mode": "file" },
  "listen.maxConnections": { "registry.maxOwed": "20000" },
  "listen.sharePort": { "edge.name": "companion" },
  "redis.username": { "redis.password": "companion" },
  "redis.tls.caFile": { "redis.tls.enabled": "true" },
  "redis.tls.serverName": { "redis.tls.enabled": "true" },
  "redis.tls.certFile": { "redis.tls.enabled": "true", "redis.tls.keyFile": "key.pem" },
  "redis.tls.keyFile": { "redis.tls.enabled": "true", "redis.tls.certFile": "cert.pem" },
};

/** Two accepted values of each setting that are not its default; `value` is what the gateway then sees. */
const examples: Readonly<Record<string, readonly [text: string, value: unknown][]>> = {
  "edge.name": [
    ["edge-a", "edge-a"],
    ["edge.b", "edge.b"],
  ],
  "listen.host": [
    ["10.0.0.1", "10.0.0.1"],
    ["::", "::"],
  ],
  "listen.path": [
    ["/", "/"],
    ["/a/b/", "/a/b/"],
  ],
  "ocpp.versions": [
    ["1.6", ["1.6"]],
    ["2.1, 1.6", ["2.1", "1.6"]],
  ],
  "auth.file": [
    ["a.json", "a.json"],
    ["/etc/b.json", "/etc/b.json"],
  ],
  "management.host": [
    ["127.0.0.2", "127.0.0.2"],
    ["::1", "::1"],
  ],
  "management.token": [
    ["0123456789abcdef", "0123456789abcdef"],
    ["1.10000000000000", "1.10000000000000"],
  ],
  "metrics.host": [
    ["0.0.0.0", "0.0.0.0"],
    ["metrics.local", "metrics.local"],
  ],
  "redis.nodes": [
    ["a:1,[::1]:2", ["a:1", "[::1]:2"]],
    ["10.0.0.1:6379", ["10.0.0.1:6379"]],
  ],
  "redis.username": [
    ["gateway", "gateway"],
    ["1.10", "1.10"],
  ],
  "redis.password": [
    ["hunter2", "hunter2"],
    ["007", "007"],
  ],
  "redis.tls.caFile": [
    ["ca.pem", "ca.pem"],
    ["other.pem", "other.pem"],
  ],
  "redis.tls.certFile": [
    ["c.pem", "c.pem"],
    ["d.pem", "d.pem"],
  ],
  "redis.tls.keyFile": [
    ["k.pem", "k.pem"],
    ["l.pem", "l.pem"],
  ],
  "redis.tls.serverName": [
    ["redis.local", "redis.local"],
    ["other.local", "other.local"],
  ],
  "redis.keyPrefix": [
    ["", ""],
    ["site-1:", "site-1:"],
  ],
  "routes.file": [
    ["routes.json", "routes.json"],
    ["b.json", "b.json"],
  ],
  "telemetry.otlpEndpoint": [
    ["http://c:4318", "http://c:4318"],
    ["https://c/x", "https://c/x"],
  ],
  "telemetry.serviceName": [
    ["gw", "gw"],
    ["gw-2", "gw-2"],
  ],
  "telemetry.tracesSampleRatio": [
    ["0.25", 0.25],
    ["1", 1],
  ],
};

function examplesOf({ path, setting }: NamedSetting): readonly [text: string, value: unknown][] {
  const written = examples[path];
  if (written !== undefined) return written;
  const { default: normal } = setting;
  if (typeof normal === "boolean")
    return [
      [String(!normal), !normal],
      [normal ? "no" : "YES", !normal],
    ];
  if (typeof normal === "number")
    return [
      [String(normal + 1), normal + 1],
      [String(normal + 2), normal + 2],
    ];
  const words = setting.allowed
    .replace("one of ", "")
    .split(", ")
    .filter((word) => word !== normal);
  return [words[0] ?? "", words.at(-1) ?? ""].map((word) => [word, word] as [string, unknown]);
}

function at(config: GatewayConfig, path: string): unknown {
  return path.split(".").reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
}

/** `{"a.b": 1}` as the JSON of a settings file. */
function asFile(values: Readonly<Record<string, unknown>>): string {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let node = root;
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
    node[last] = value;
  }
  return JSON.stringify(root);
}

interface Said {
  readonly file?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: Readonly<Record<string, string>>;
}

/** Loads with values given by path to each source. */
function load({ file = {}, env = {}, args = {} }: Said) {
  const names = (path: string) => settingList.find((named) => named.path === path) as NamedSetting;
  return loadConfig({
    hostname: "host",
    argv: [
      "--config=gateway.json",
      ...Object.entries(args).map(([path, text]) => `${names(path).arg}=${text}`),
    ],
    env: Object.fromEntries(Object.entries(env).map(([path, text]) => [names(path).env, text])),
    readFile: () => asFile(file),
  });
}

function valueOf(path: string, said: Said): unknown {
  const isGiven = Object.keys(said).length > 0;
  const needed = isGiven ? { "auth.mode": "none", ...companions[path] } : { "auth.mode": "none" };
  const withoutOwn = Object.fromEntries(Object.entries(needed).filter(([key]) => key !== path));
  const loaded = load({ ...said, env: { ...withoutOwn, ...said.env } });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return at(loaded.config, path);
}

describe("every setting", () => {
  const readable = settingList.filter(({ path }) => path !== "auth.mode");

  test.each(readable.map((named) => [named.path, named] as const))(
    "%s is read from file, environment and argument, each overruling the one before",
    (path, named) => {
      const [[first, firstValue], [second, secondValue]] = examplesOf(named) as [
        [string, unknown],
        [string, unknown],
      ];
      expect(firstValue).not.toEqual(named.setting.default);
      expect(valueOf(path, {})).toEqual(path === "edge.name" ? "host-9000" : named.setting.default);
      expect(valueOf(path, { file: { [path]: firstValue } })).toEqual(firstValue);
      expect(valueOf(path, { env: { [path]: first } })).toEqual(firstValue);
      expect(valueOf(path, { args: { [path]: first } })).toEqual(firstValue);
      expect(valueOf(path, { file: { [path]: firstValue }, env: { [path]: second } })).toEqual(secondValue);
      expect(valueOf(path, { env: { [path]: first }, args: { [path]: second } })).toEqual(secondValue);
    },
  );

  test("auth.mode none is reached from each source, and only by name", () => {
    expect(valueOf("auth.mode", { file: { "auth.mode": "none" } })).toBe("none");
    expect(valueOf("auth.mode", { env: { "auth.mode": "none" } })).toBe("none");
    expect(valueOf("auth.mode", { args: { "auth.mode": "none" } })).toBe("none");
    expect(load({}).kind).toBe("invalid");
  });

  test.each(settingList.map((named) => [named.path, named.setting] as const))(
    "%s says what it means",
    (_, setting) => {
      expect(setting.doc).toMatch(/\.$/);
      expect(setting.allowed).not.toBe("");
      if (typeof setting.default === "number") {
        expect(setting.why).toMatch(/\.$/);
        expect(setting.unit).not.toBe("");
      }
    },
  );

  test("has names of its own in every source", () => {
    for (const name of ["path", "env", "arg"] as const) {
      expect(new Set(settingList.map((named) => named[name])).size).toBe(settingList.length);
    }
    expect(settingList.map(({ arg }) => arg).filter((arg) => arg.startsWith("--no-"))).toEqual([]);
  });

  test("is named as the house names things", () => {
    const named = settingList.find(({ path }) => path === "redis.connectTimeoutMs");
    expect(named).toMatchObject({ env: "CPG_REDIS_CONNECT_TIMEOUT_MS", arg: "--redis-connect-timeout-ms" });
  });

  test("stands in the README as it is declared", () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    expect(withCurrentTable(readme), "run `pnpm --filter @cpg/config settings`").toBe(readme);
    for (const { path } of settingList) expect(readme).toContain(`| \`${path}\` |`);
  });

  test("stands in the answer to --help, whatever else is asked", () => {
    const loaded = loadConfig({ argv: ["--nonsense", "--help"], env: { CPG_NONSENSE: "1" } });
    if (loaded.kind !== "help") throw new Error(loaded.kind);
    for (const { arg, env } of settingList)
      expect(loaded.text).toMatch(new RegExp(`^  ${arg}   ${env}$`, "m"));
    expect(Math.max(...loaded.text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});
