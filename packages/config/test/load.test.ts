import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../src/index.ts";
import type { GatewayConfig, LoadInput } from "../src/index.ts";

const none = ["--auth-mode=none"];

function load(input: Partial<LoadInput>) {
  return loadConfig({ argv: none, env: {}, hostname: "host", ...input });
}

function config(input: Partial<LoadInput>): GatewayConfig {
  const loaded = load(input);
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

function problems(input: Partial<LoadInput>): readonly string[] {
  const loaded = load(input);
  if (loaded.kind !== "invalid") throw new Error(`expected problems, got ${loaded.kind}`);
  return loaded.problems;
}

const withFile = (text: string): Partial<LoadInput> => ({
  argv: [...none, "--config", "g.json"],
  readFile: () => text,
});

describe("values", () => {
  test.each(["0", "no", "OFF", "false", "False"])(
    "the flag %s is false, not true as convict has it",
    (text) => {
      expect(config({ env: { CPG_METRICS_ENABLED: text } }).metrics.enabled).toBe(false);
    },
  );

  test.each(["1", "yes", "On", "TRUE"])("the flag %s is true", (text) => {
    expect(config({ env: { CPG_LISTEN_SHARE_PORT: text, CPG_EDGE_NAME: "a" } }).listen.sharePort).toBe(true);
  });

  test.each(["", " ", "12abc", "1e3", "0x10", "1.5", "70000", "-1", "99999999999999999999", "１２", "NaN"])(
    "the port %j is refused as a whole",
    (text) => {
      expect(problems({ env: { CPG_LISTEN_PORT: text } })).toEqual([
        `listen.port from CPG_LISTEN_PORT: ${JSON.stringify(text)} is not allowed; ` +
          "allowed is a port from 1 to 65535, or 0 (any free port)",
      ]);
    },
  );

  test.each([
    ["CPG_LISTEN_IDLE_TIMEOUT_SECONDS", ["0", "8", "960"], ["1", "7", "961"]], // outside, uWebSockets.js aborts
    ["CPG_LISTEN_MAX_PAYLOAD_BYTES", ["65536", "16777216"], ["65535", "16384"]], // 64 KB must pass
    ["CPG_LISTEN_PATH", ["/", "/ocpp/1.6/"], ["ocpp/", "/ocpp", "/a b/", "/%2F/"]],
    [
      "CPG_REDIS_NODES",
      ["h:1", "[::1]:7000"],
      ["h", "h:0", "h:65536", "h:1,", "h:1,h:1", "redis://h:1", "::1:7000"],
    ],
    ["CPG_REDIS_KEY_PREFIX", ["", "a:"], ["{a}", "a b", "a".repeat(33)]],
    ["CPG_OCPP_VERSIONS", ["2.1"], ["", "1.5", "1.6,1.6"]],
    ["CPG_EDGE_NAME", ["a.b-c_1"], ["a b", "a/b", "a".repeat(65)]],
    ["CPG_TELEMETRY_TRACES_SAMPLE_RATIO", ["0", "0.5", "1"], ["1.01", "-0.1", ".5x", ""]],
    ["CPG_MANAGEMENT_TOKEN", ["0123456789abcdef"], ["short", "0123456789 abcdef", "0123456789abcdeé"]],
    [
      "CPG_TELEMETRY_OTLP_ENDPOINT",
      ["http://h", "https://h:4318/otlp/"],
      [
        "h:4318",
        "http://u@h",
        "http://h/otlp?k=1",
        "http://h?",
        "http://h/#",
        "http://h/otlp#k",
        "http://h ",
      ], // "/v1/traces" is added
    ],
    ["CPG_LISTEN_HOST", ["0.0.0.0", "::", "fe80::1%eth0"], ["", "a b", "host:80", "[::1]", "http://x"]],
  ])("%s takes %j and refuses %j", (name, taken, refused) => {
    for (const text of taken) expect(load({ env: { [name]: text } }).kind, text).toBe("config");
    for (const text of refused) expect(load({ env: { [name]: text } }).kind, text).toBe("invalid");
  });

  test("an empty text means that an optional setting is not set", () => {
    const { redis, routes } = config({ env: { CPG_REDIS_PASSWORD: "", CPG_ROUTES_FILE: "" } });
    expect([redis.password, routes.file]).toEqual([undefined, undefined]);
  });

  test.each<[string, Partial<LoadInput>]>([
    ["variable", { env: { CPG_MANAGEMENT_TOKEN: "" } }],
    ["argument", { argv: [...none, "--config=g.json", "--management-token="] }],
  ])("an empty %s does not take away what the file gives", (_, input) => {
    const file = withFile('{"management":{"token":"0123456789abcdef"}}');
    expect(config({ ...file, ...input }).management.token).toBe("0123456789abcdef");
  });

  test("the variables of Kubernetes' service links are nobody's settings and nobody's mistake", () => {
    const links = (service: string) => ({
      [`CPG_${service}_SERVICE_HOST`]: "10.96.1.2",
      [`CPG_${service}_SERVICE_PORT`]: "9464",
      [`CPG_${service}_SERVICE_PORT_HTTP_ALT`]: "9464",
      [`CPG_${service}_PORT`]: "tcp://10.96.1.2:9464",
      [`CPG_${service}_PORT_9464_TCP`]: "tcp://10.96.1.2:9464",
      [`CPG_${service}_PORT_9464_TCP_ADDR`]: "10.96.1.2",
    });
    const env = { ...links("EDGE"), ...links("METRICS"), ...links("LISTEN") };
    expect(config({ env: { ...env, CPG_LISTEN_PORT: "9001" } })).toMatchObject({
      metrics: { port: 9464 },
      listen: { port: 9001 }, // a setting that is given all the same
    });
    expect(problems({ env: { ...env, CPG_EDGE_PORTS: "x", CPG_METRICS_PORT: "x" } })).toHaveLength(2);
    expect(problems({ env: { CPG_EDGE_PORT: "tcp://10.96.1.2:9464" } })).toHaveLength(1); // no such Service
  });

  test("a file's values keep JSON's types: a number in quotes is no number", () => {
    expect(config(withFile('\uFEFF{"listen":{"port":9100}}')).listen.port).toBe(9100);
    expect(
      problems(withFile('{"listen":{"port":"9100","sharePort":1,"host":null},"redis":{"nodes":"a:1"}}')),
    ).toHaveLength(4);
  });

  test.each([
    ['{"listen":{"port":"9100"}}', 'listen.port from g.json: "9100" is not allowed; write it as 9100'],
    ['{"metrics":{"enabled":"no"}}', 'metrics.enabled from g.json: "no" is not allowed; write it as false'],
    [
      '{"redis":{"nodes":"a:1,b:2"}}',
      'redis.nodes from g.json: "a:1,b:2" is not allowed; write it as ["a:1","b:2"]',
    ],
    [
      '{"listen":{"port":"x"}}',
      'listen.port from g.json: "x" is not allowed; allowed is a port from 1 to 65535, or 0 (any free port)',
    ],
  ])("in a file %s is told with what to write", (text, problem) => {
    expect(problems(withFile(text))).toEqual([problem]);
  });

  test("the edge is named after host and port, in letters that a name may have", () => {
    expect(config({ hostname: "föhr (new).local" }).edge.name).toBe("f-hr--new-.local-9000");
    expect(config({ hostname: "x".repeat(300) }).edge.name).toHaveLength(63);
    expect(config({ hostname: "a", argv: [...none, "--listen-port", "9001"] }).edge.name).toBe("a-9001");
  });

  test("nobody can change a configuration that others read", () => {
    const { redis } = config({});
    expect(() => Object.assign(redis.breaker, { windowMs: 1 })).toThrow(TypeError);
    expect(() => (redis.nodes as string[]).push("x:1")).toThrow(TypeError);
  });
});

describe("arguments", () => {
  test.each([
    [["--metrics-enabled"], true],
    [["--no-metrics-enabled"], false],
    [["--metrics-enabled=no"], false],
    [["--metrics-enabled", "false", "--listen-port", "1"], false],
    [["--metrics-enabled", "--listen-port", "1"], true],
  ])("%j sets the flag to %s", (argv, expected) => {
    expect(config({ argv: [...none, ...argv] }).metrics.enabled).toBe(expected);
  });

  test("a value stands behind a blank or an equals sign, and keeps every character", () => {
    const argv = [...none, "--redis-username=a=b", "--redis-password", "-1.10=x"];
    expect(config({ argv: [...argv, "--", "--listen-port", "1"] })).toMatchObject({
      redis: { username: "a=b", password: "-1.10=x" },
      listen: { port: 1 },
    });
  });

  test.each([
    [["--listen-port"], "listen.port from --listen-port: the value is missing"],
    [["--listen-port", "--no-metrics-enabled"], "listen.port from --listen-port: the value is missing"],
    [["--no-metrics-enabled=true"], "metrics.enabled from --no-metrics-enabled: takes no value"],
    [["--no-listen-port"], "--no-listen-port: unknown argument; did you mean --listen-port?"],
    [["--listen-port=1", "--listen-port=2"], "--listen-port: given more than once"],
    [["--metrics-enabled", "--metrics-enabled"], "--metrics-enabled: given more than once"],
    [["--config"], "--config: the name of the file is missing"],
    [
      ["redis-password", "hunter2"],
      "argument 2 stands alone: options begin with --; did you mean --redis-password?",
    ],
    [["--lisen-port", "1"], "--lisen-port: unknown argument; did you mean --listen-port?"],
    [["--listen-share-port", "--lisen-port"], "--lisen-port: unknown argument; did you mean --listen-port?"],
    [["--redis-password:hunter2"], "argument 2 is unknown; put = between an option and its value"],
    [["--redis-password", "--x"], "argument 3 is unknown; put = between an option and its value"],
  ])("%j is a mistake", (argv, problem) => {
    expect(problems({ argv: [...none, ...argv] }).some((text) => text.startsWith(problem))).toBe(true);
  });

  test("--check is told to whoever would start; it has no value and is no secret's", () => {
    expect(load({ argv: [...none, "--listen-port=1", "--check"] })).toMatchObject({
      kind: "config",
      isCheck: true,
      config: { listen: { port: 1 } },
    });
    expect(load({})).toMatchObject({ isCheck: false });
    expect(problems({ argv: [...none, "--check=no"] })).toEqual([
      expect.stringContaining("--check: unknown argument"),
    ]);
    expect(problems({ argv: [...none, "--check", "x"] })).toHaveLength(1);
  });

  test("--version is a value, not an exit", () => {
    expect(load({ argv: ["--version"] })).toEqual({ kind: "version" });
  });
});

describe("mistakes", () => {
  test("of all sources are reported together, with source, value and what is allowed", () => {
    const found = problems({
      argv: [...none, "--config=g.json", "--listen-port", "x", "--lisen-host", "y"],
      env: { CPG_REDIS_PERMITS: "3", cpg_listen_port: "1", CPG_DRAIN_DEADLINE_MS: "soon", HOME: "/root" },
      readFile: () =>
        '{"redis":{"conectTimeoutMs":1,"retry":5},"rediss":{"a":{"b":1}},"ocpp":{"callTimeoutMs":1}}',
    });
    expect(found).toEqual([
      "redis.conectTimeoutMs from g.json: unknown key; did you mean redis.connectTimeoutMs?",
      "redis.retry from g.json: must be a JSON object of settings",
      "rediss from g.json: unknown key; did you mean redis?",
      "ocpp.callTimeoutMs from g.json: 1 is not allowed; allowed is a whole number from 1000 to 120000, in ms",
      "CPG_REDIS_PERMITS: unknown variable; did you mean CPG_REDIS_NODES?",
      "cpg_listen_port: unknown variable; did you mean CPG_LISTEN_PORT?",
      'drain.deadlineMs from CPG_DRAIN_DEADLINE_MS: "soon" is not allowed; allowed is a whole number from 0 to 3600000, in ms',
      'listen.port from --listen-port: "x" is not allowed; allowed is a port from 1 to 65535, or 0 (any free port)',
      "--lisen-host: unknown argument; did you mean --listen-host?",
    ]);
  });

  test("are reported even where a better source overrules them", () => {
    expect(
      problems({ ...withFile('{"listen":{"port":0.5}}'), env: { CPG_LISTEN_PORT: "9000" } }),
    ).toHaveLength(1);
  });

  test.each(["", "{", '{"a":1,}', "[]", "5", "null", '"x"', "{'a':1}"])("the file %j is refused", (text) => {
    expect(problems(withFile(text))).toHaveLength(1);
  });

  test.each(["__proto__", "constructor", "toString"])("the key %s is unknown, not inherited", (key) => {
    expect(problems(withFile(`{"${key}":{"x":1},"redis":{"${key}":1}}`))).toHaveLength(2);
  });

  test.each([
    ['{"":{"auth":{"mode":"none"}}}', '""'],
    ['{"":1}', '""'],
    ['{"":{"":{}}}', '""'],
    ['{"redis":{"":{"nodes":["a:1"]}}}', "redis."],
  ])("in %s the empty key is unknown, not the top once more", (text, key) => {
    expect(problems(withFile(text))).toEqual([
      expect.stringMatching(`^${key} from g.json: unknown key; did you mean `),
    ]);
  });

  test.each([
    [
      '{"redis.nodes":["a:1"],"redis":{"nodes":["b:2"]}}',
      'redis.nodes from g.json: write it as {"redis":{"nodes":…}}',
    ],
    [
      '{"redis":{"retry.maxMs":1}}',
      'redis.retry.maxMs from g.json: write it as {"redis":{"retry":{"maxMs":…}}}',
    ],
    ['{"redis.retry":{}}', 'redis.retry from g.json: write it as {"redis":{"retry":…}}'],
    ['{"management.host":"0.0.0.0"}', 'management.host from g.json: write it as {"management":{"host":…}}'],
    [
      '{"listen":{"sharePort":true},"edge.name":"a"}',
      'edge.name from g.json: write it as {"edge":{"name":…}}',
    ],
    ['{"redis.nods":["a:1"]}', "redis.nods from g.json: unknown key; did you mean redis.nodes?"],
    ['{"redis":{"nodes":["a:1"]},"redis":{}}', "redis from g.json: given more than once"],
    ['{"redis":{"nodes":["a:1"],"n\\u006fdes":["b:2"]}}', "redis.nodes from g.json: given more than once"],
  ])("in %s: a setting stands in one place, and once", (text, problem) => {
    expect(problems(withFile(text))).toEqual([problem]);
  });

  test("in the file's place name the place", () => {
    expect(problems(withFile('{\n  "listen": {"port": 1},\n}'))).toEqual([
      "g.json: is not valid JSON (line 3 column 1)",
    ]);
  });

  test.each([["{"], ["[]"], [undefined]])(
    "a file of which nothing is known (%j) is no reason to complain of what may stand in it",
    (text) => {
      const readFile = (): string => {
        if (text === undefined) throw new Error("ENOENT");
        return text;
      };
      const loaded = loadConfig({ argv: ["--config=g.json"], env: {}, readFile }); // auth.mode may stand there
      expect(loaded).toMatchObject({ kind: "invalid", problems: [expect.stringContaining("g.json")] });
    },
  );

  test("beside mistakes stand the files that understood settings name, and no secret", () => {
    const text = '{"auth":{"mode":"file","file":"a.json"},"redis":{"tls":{"enabled":true,"caFile":7}}}';
    const env = { CPG_REDIS_PASSWORD: "hunter2 hunter2", CPG_ROUTES_FILE: "r.json" };
    const loaded = loadConfig({ argv: ["--config=g.json", "--listen-prot=1"], env, readFile: () => text });
    expect(loaded).toMatchObject({
      kind: "invalid",
      problems: [expect.stringContaining("redis.tls.caFile"), expect.stringContaining("--listen-prot")],
      files: {
        routes: { file: "r.json" },
        auth: { file: "a.json" },
        redis: { tls: { enabled: true, caFile: undefined } },
      },
    });
    expect(JSON.stringify(loaded)).not.toContain("hunter2");
  });

  test("a file that cannot be read is a problem of the source that named it", () => {
    const found = problems({ env: { CPG_CONFIG: "/nowhere/g.json" } });
    expect(found).toEqual([expect.stringMatching(/^CPG_CONFIG: cannot read \/nowhere\/g.json: ENOENT/)]);
  });

  test("a real file is read, and --config overrules CPG_CONFIG", () => {
    const folder = mkdtempSync(join(tmpdir(), "cpg-config-"));
    try {
      writeFileSync(join(folder, "a.json"), '{"listen":{"port":9123}}');
      const argv = [...none, "--config", join(folder, "a.json")];
      expect(config({ argv, env: { CPG_CONFIG: "/nowhere" } }).listen.port).toBe(9123);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("secrets", () => {
  const secret = "hunter2 hunter2";

  test.each<[string, Partial<LoadInput>]>([
    ["a refused value", { env: { CPG_MANAGEMENT_TOKEN: secret } }],
    ["a refused argument", { argv: [...none, "--management-token", secret] }],
    ["a refused value of a file", withFile(`{"management":{"token":["${secret}"]}}`)],
    ["a misspelt variable", { env: { CPG_REDIS_PASWORD: secret } }],
    ["a misspelt argument", { argv: [...none, "--redis-pasword", secret] }],
    ["a misspelt argument with =", { argv: [...none, `--redis-pasword=${secret}`] }],
    ["a value that begins with --", { argv: [...none, "--redis-password", "--hunter2"] }],
    ["a value that begins with -- and has a =", { argv: [...none, "--redis-password", "--hunter2=x"] }],
    [
      "a value that begins with --, in two words",
      { argv: [...none, "--redis-password", "--a", "--hunter2"] },
    ],
    ["a value that begins with --, behind --", { argv: [...none, "--redis-password", "--", "--hunter2"] }],
    ["a misspelt argument's value that begins with --", { argv: [...none, "--redis-pasword", "--hunter2"] }],
    ["a word that stands alone", { argv: [...none, "redis-password", secret] }],
    ["a misspelt key", withFile(`{"redis":{"pasword":"${secret}"}}`)],
    ["an object", withFile('{"redis":{"username":{"password":"hunter2"}}}')],
    ["a list of objects", withFile('{"redis":{"nodes":[{"host":"a","password":"hunter2"}]}}')],
    ["a broken file", withFile(`{"redis":{"password":${secret}}}`)],
    ["a URL with a password", { env: { CPG_TELEMETRY_OTLP_ENDPOINT: `http://u:${secret}@host` } }],
  ])("%s is reported without its value", (_, input) => {
    const text = problems(input).join("\n");
    expect(text).not.toBe("");
    expect(text).not.toContain("hunter2");
  });

  test.each([
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "https://user:hun@ter2@host", '"[masked]@host"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "https://user:hun/ter2@host", '"[masked]@host"'],
    ["CPG_REDIS_NODES", "user:hunter2@10.0.0.1:7000", '"[masked]@10.0.0.1:7000"'],
    ["CPG_REDIS_NODES", "redis://:hun/ter2@10.0.0.1:7000", '"[masked]@10.0.0.1:7000"'],
    ["CPG_REDIS_NODES", "u:hunter2@a:1,u:ter2@b:2", '"[masked]@b:2"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "http://h/otlp?api_key=hunter2", '"http://h/otlp?[masked]"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "http://h/otlp#hunter2", '"http://h/otlp#[masked]"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "http://u:hun@ter2@h/?k=hunter2", '"[masked]@h/?[masked]"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "http://h/?to=a@b&key=hunter2", '"[masked]"'],
    ["CPG_TELEMETRY_OTLP_ENDPOINT", "http://u:hun?ter2@h", '"[masked]"'],
  ])("%s=%s is shown from its last @ on, and up to its ?", (name, value, shown) => {
    const text = problems({ env: { [name]: value } }).join("\n");
    expect(text).toContain(` ${shown} is not allowed`);
    expect(text).not.toMatch(/hun|ter2/);
  });

  test("before an @ are masked in a list of a file too", () => {
    const text = problems(withFile('{"redis":{"nodes":["u:hunter2@a:1","u:hun/ter2@b:2"]}}')).join("\n");
    expect(text).toContain(" [masked]@b:2");
    expect(text).not.toMatch(/hun|ter2/);
  });

  test("are masked in what may be logged, and whole in the configuration", () => {
    const loaded = load({ env: { CPG_REDIS_PASSWORD: "hunter2", CPG_MANAGEMENT_TOKEN: "hunter2-hunter2-" } });
    if (loaded.kind !== "config") throw new Error(loaded.kind);
    expect(loaded.config.redis.password).toBe("hunter2");
    expect(JSON.stringify(loaded.masked)).not.toContain("hunter2");
    expect(loaded.masked).toMatchObject({
      listen: { port: 9000 },
      edge: { name: "host-9000" },
      redis: { password: "[masked]", tls: { enabled: false } },
      management: { token: "[masked]" },
    });
  });

  test("that nobody gave are not shown as given", () => {
    const loaded = load({ env: { CPG_REDIS_PASSWORD: "" } });
    expect(JSON.stringify(loaded)).not.toContain("[masked]");
    if (loaded.kind !== "config") throw new Error(loaded.kind);
    expect(loaded.masked).toHaveProperty("management.host");
    for (const secret of ["management.token", "redis.password"]) {
      expect(loaded.masked, "a logger masks whatever stands under such a key").not.toHaveProperty(secret);
    }
    expect(loaded).toMatchObject({
      masked: { management: { host: "127.0.0.1" }, ocpp: { versions: ["1.6", "2.0.1", "2.1"] } },
    });
  });
});
