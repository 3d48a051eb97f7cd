import { describe, expect, test } from "vitest";
import { loadConfig, settingList } from "../src/index.ts";
import { rules } from "../src/rules.ts";

function problems(values: Readonly<Record<string, string>>): readonly string[] {
  const env = Object.fromEntries(
    Object.entries(values).map(([path, text]) => [
      settingList.find((named) => named.path === path)?.env ?? path,
      text,
    ]),
  );
  const loaded = loadConfig({ argv: [], env, hostname: "host" });
  return loaded.kind === "invalid" ? loaded.problems : [];
}

const open = { "auth.mode": "none" };

/** For each rule, by the settings it relates: values that break this rule and no other. */
const breaking: readonly [rule: string, values: Readonly<Record<string, string>>][] = [
  ["auth.mode, auth.file: auth.mode file needs", {}],
  ["auth.mode, auth.file: auth.mode none would", { ...open, "auth.file": "a.json" }],
  ["management.token, management.host, edge.environment", { ...open, "management.host": "0.0.0.0" }],
  ["redis.username, redis.password", { ...open, "redis.username": "u" }],
  ["redis.tls.certFile, redis.tls.keyFile", { ...open, "redis.tls.enabled": "1", "redis.tls.certFile": "c" }],
  ["redis.tls.enabled, redis.tls.caFile", { ...open, "redis.tls.caFile": "c" }],
  ["listen.sharePort, edge.name", { ...open, "listen.sharePort": "1" }],
  ["listen.port, management.port, metrics.port", { ...open, "metrics.port": "8080" }],
  ["redis.retry.baseMs, redis.retry.maxMs", { ...open, "redis.retry.baseMs": "501" }],
  ["redis.retry.maxMs, redis.operationDeadlineMs", { ...open, "redis.retry.maxMs": "10001" }],
  ["redis.connectTimeoutMs, redis.operationDeadlineMs", { ...open, "redis.connectTimeoutMs": "10001" }],
  [
    "redis.commandTimeoutMs, redis.operationDeadlineMs",
    {
      ...open,
      "redis.commandTimeoutMs": "10001",
      "redis.socketTimeoutMs": "20000",
      "redis.breaker.windowMs": "20000",
      "redis.maxWaiters": "50000",
    },
  ],
  ["redis.acquireTimeoutMs, redis.operationDeadlineMs", { ...open, "redis.acquireTimeoutMs": "10001" }],
  ["redis.commandTimeoutMs, redis.socketTimeoutMs", { ...open, "redis.socketTimeoutMs": "999" }],
  ["redis.commandTimeoutMs, redis.breaker.windowMs", { ...open, "redis.breaker.windowMs": "999" }],
  ["redis.breaker.resetMs, redis.operationDeadlineMs", { ...open, "redis.breaker.resetMs": "10001" }],
  ["redis.slotsRefreshMs, redis.operationDeadlineMs", { ...open, "redis.slotsRefreshMs": "10001" }],
  ["routes.stream.waitTimeoutMs, routes.http.timeoutMs", { ...open, "routes.stream.waitTimeoutMs": "25001" }],
  ["routes.http.timeoutMs, ocpp.callTimeoutMs", { ...open, "routes.http.timeoutMs": "30001" }],
  [
    "registry.leaseMs, registry.leaseRenewMs, redis.operationDeadlineMs",
    { ...open, "registry.leaseMs": "12999" },
  ],
  [
    "registry.leaseMs, registry.leaseRenewMs: ",
    { ...open, "registry.leaseMs": "20000", "registry.leaseRenewMs": "7000" },
  ],
  ["registry.leaseMs, registry.leasePollMs", { ...open, "registry.leasePollMs": "3751" }],
  ["registry.tombstoneMs, redis.operationDeadlineMs", { ...open, "registry.tombstoneMs": "25999" }],
  ["drain.deadlineMs, drain.sliceSize", { ...open, "drain.sliceSize": "10" }],
  ["redis.breaker.minimumCalls, redis.permitsPerShard", { ...open, "redis.breaker.minimumCalls": "65" }],
  [
    "redis.connectionsPerShard, redis.permitsPerShard",
    { ...open, "redis.permitsPerShard": "20", "redis.connectionsPerShard": "21" },
  ],
  ["redis.maxWaiters, redis.permitsPerShard", { ...open, "redis.maxWaiters": "1000" }],
  ["registry.maxOwed, listen.maxConnections", { ...open, "registry.maxOwed": "17999" }],
  ["ocpp.maxOutboxBytes, routes.http.maxResponseBytes", { ...open, "management.maxBodyBytes": "131073" }],
  [
    "routes.http.connectionsPerTarget, routes.http.maxConcurrent",
    { ...open, "routes.http.maxConcurrent": "63" },
  ],
];

describe("settings together", () => {
  test.each(breaking)("%s … is said, and nothing else", (rule, values) => {
    const found = problems(values);
    expect(found).toHaveLength(1);
    expect(found[0]?.startsWith(rule), found[0]).toBe(true);
  });

  test("every rule has a case that breaks it", () => {
    expect(breaking).toHaveLength(rules.length);
  });

  test("the rules name settings that exist", () => {
    const paths = new Set(settingList.map(({ path }) => path));
    for (const rule of rules) for (const path of rule.of) expect(paths).toContain(path);
  });

  test("a rule is silent about a setting that was refused: its default would mislead", () => {
    expect(problems({ ...open, "registry.leaseMs": "soon" })).toHaveLength(1);
  });

  test.each<[values: Readonly<Record<string, string>>, why: string]>([
    [{ "management.host": "0.0.0.0", "management.token": "0123456789abcdef" }, "a token opens every address"],
    [{ "management.host": "0.0.0.0", "edge.environment": "development" }, "development needs no token"],
    [{ "management.host": "127.9.9.9" }, "all of 127/8 is loopback"],
    [
      { "listen.port": "0", "management.port": "0", "metrics.port": "0" },
      "0 is any free port, each time another",
    ],
    [{ "metrics.port": "8080", "metrics.enabled": "no" }, "a port that is not opened is in nobody's way"],
    [{ "registry.maxOwed": "1", "registry.outagePolicy": "reject" }, "who rejects owes nothing"],
    [{ "drain.deadlineMs": "0" }, "without a drain there is nothing to fit into it"],
  ])("%j is allowed: %s", (values, _why) => {
    expect(problems({ ...open, ...values })).toEqual([]);
  });

  test.each(["127.0.0.1.evil.org", "localhost.evil.org", "0.0.0.0", "::", "10.0.0.1"])(
    "%s is not loopback: it needs a token",
    (host) => expect(problems({ ...open, "management.host": host })).toHaveLength(1),
  );
});
