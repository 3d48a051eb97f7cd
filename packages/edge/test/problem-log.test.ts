import { expect, test } from "vitest";
import { createProblemLog } from "../src/problem-log.ts";
import { MovedTime } from "./commands/world.ts";

function aLog() {
  const time = new MovedTime();
  const told: object[] = [];
  const tell = createProblemLog({ warn: (fields) => told.push(fields) }, time);
  return { time, told, tell };
}

test("the same words are told once in five minutes, others at once (L1)", async () => {
  const { time, told, tell } = aLog();
  for (let n = 0; n < 3; n += 1) tell("csms", new Error("connect ECONNREFUSED"));
  tell("billing", new Error("connect ECONNREFUSED"));
  tell("csms", new Error("self-signed certificate"));
  expect(told).toEqual([
    { integration: "csms", why: "connect ECONNREFUSED" },
    { integration: "billing", why: "connect ECONNREFUSED" },
    { integration: "csms", why: "self-signed certificate" },
  ]);
  await time.advance(300_000);
  tell("csms", new Error("connect ECONNREFUSED"));
  expect(told).toHaveLength(4);
});

test("words that are new each time fill neither memory nor log (L2)", async () => {
  const { time, told, tell } = aLog();
  for (let port = 0; port < 1_000; port += 1) tell("csms", new Error(`from port ${String(port)}`));
  expect(told).toHaveLength(64);
  await time.advance(300_000);
  tell("csms", new Error("from port 1000"));
  expect(told).toHaveLength(65);
});

test("a code is told where the message lacks it, and nothing else that hangs on the error (L3)", () => {
  const { told, tell } = aLog();
  const failed = (message: string, more: object) => tell("csms", Object.assign(new Error(message), more));
  failed("", { code: "ECONNREFUSED" });
  failed("self-signed certificate", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  failed("WRONGPASS", { command: { name: "auth", args: ["the password"] } });
  expect(told).toEqual([
    { integration: "csms", why: "ECONNREFUSED" },
    { integration: "csms", why: "self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)" },
    {
      integration: "csms",
      why: "WRONGPASS (check redis.username and redis.password, and that user's rights)",
    },
  ]);
});

test("what a node said is told with what the client makes of it", () => {
  const { told, tell } = aLog();
  const lastNodeError = new Error("connect ECONNREFUSED 127.0.0.1:7000");
  tell("streams", Object.assign(new Error("Failed to refresh slots cache."), { lastNodeError }));
  expect(told).toEqual([
    {
      integration: "streams",
      why: "Failed to refresh slots cache. (connect ECONNREFUSED 127.0.0.1:7000)",
    },
  ]);
});
