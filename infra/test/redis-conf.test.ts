// infra/redis/redis.conf: the values that issues and measurements ask for, and a reason for each line.
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { redisConfPath } from "../src/paths.ts";

const text = readFileSync(redisConfPath, "utf8");
const lines = text.split("\n");
const settings = lines.filter((line) => line !== "" && !line.startsWith("#"));

test.each([
  "maxclients 10000",
  "tcp-backlog 511",
  "tcp-keepalive 300",
  "timeout 0",
  "maxmemory-policy noeviction",
  "cluster-enabled yes",
  "cluster-node-timeout 2000",
  "cluster-require-full-coverage no",
  "appendonly yes",
  "repl-diskless-sync-delay 0",
])("it says `%s`", (line) => {
  expect(settings).toContain(line);
});

test("every line has its reason above it: a comment, or a line of the same subject that has one", () => {
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const above = lines.slice(0, index).findLast((each) => each === "" || each.startsWith("#"));
    expect(above, `the reason for "${line}"`).toMatch(/^# ./u);
  }
});

test("no setting stands twice, so that the one a reader finds is the one that counts", () => {
  const names = settings.map((line) =>
    line
      .split(" ")
      .slice(0, line.startsWith("client-output") ? 2 : 1)
      .join(" "),
  );
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
