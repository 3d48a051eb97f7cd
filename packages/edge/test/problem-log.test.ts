import { expect, test } from "vitest";
import { createProblemLog } from "../src/problem-log.ts";
import { MovedTime } from "./commands/world.ts";

function aLog() {
  const time = new MovedTime();
  const told: object[] = [];
  const well: object[] = [];
  const log = createProblemLog(
    { warn: (fields) => told.push(fields), info: (fields) => well.push(fields) },
    time,
  );
  return { time, told, well, log };
}

test("the same words are told once in five minutes, others at once (L1)", async () => {
  const { time, told, log } = aLog();
  for (let n = 0; n < 3; n += 1) log.failed("csms", new Error("connect ECONNREFUSED"));
  log.failed("billing", new Error("connect ECONNREFUSED"));
  for (let n = 0; n < 3; n += 1) log.failed("csms", "status 500");
  expect(told).toEqual([
    { integration: "csms", why: "connect ECONNREFUSED" },
    { integration: "billing", why: "connect ECONNREFUSED" },
    { integration: "csms", why: "status 500" },
  ]);
  await time.advance(300_000);
  log.failed("csms", new Error("connect ECONNREFUSED"));
  expect(told).toHaveLength(4);
});

test("the action that met it first is told, and is not what makes words new (L1)", () => {
  const { told, log } = aLog();
  log.failed("csms", "status 500", "Authorize");
  log.failed("csms", "status 500", "StartTransaction");
  expect(told).toEqual([{ integration: "csms", action: "Authorize", why: "status 500" }]);
});

test("words that are new each time fill neither memory nor log (L2)", async () => {
  const { time, told, log } = aLog();
  for (let port = 0; port < 1_000; port += 1) log.failed("csms", new Error(`from port ${String(port)}`));
  expect(told).toHaveLength(64);
  await time.advance(300_000);
  log.failed("csms", new Error("from port 1000"));
  expect(told).toHaveLength(65);
});

test("a code is told where the message lacks it, and nothing else that hangs on the error (L3)", () => {
  const { told, log } = aLog();
  const broke = (message: string, more: object) =>
    log.failed("csms", Object.assign(new Error(message), more));
  broke("", { code: "ECONNREFUSED" });
  broke("self-signed certificate", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  broke("WRONGPASS", { command: { name: "auth", args: ["the password"] } });
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
  const { told, log } = aLog();
  const lastNodeError = new Error("connect ECONNREFUSED 127.0.0.1:7000");
  log.failed("streams", Object.assign(new Error("Failed to refresh slots cache."), { lastNodeError }));
  expect(told).toEqual([
    {
      integration: "streams",
      why: "Failed to refresh slots cache. (connect ECONNREFUSED 127.0.0.1:7000)",
    },
  ]);
});

test("that it is over is told once, and of nobody else; what fails then is news (L4)", async () => {
  const { time, told, well, log } = aLog();
  log.answered("csms");
  log.failed("csms", "status 500");
  log.failed("billing", "status 500");
  await time.advance(30_000);
  for (let n = 0; n < 3; n += 1) log.answered("csms");
  expect(well).toEqual([{ integration: "csms" }]);
  log.failed("csms", "status 500");
  log.failed("billing", "status 500");
  expect(told).toHaveLength(3);
});

test("one action that always fails among others that are answered: not over, and not told anew (L4)", async () => {
  const { time, told, well, log } = aLog();
  for (let second = 0; second < 290; second += 29) {
    log.failed("csms", "status 500");
    log.answered("csms");
    await time.advance(29_000);
    log.answered("csms");
  }
  expect([told.length, well.length]).toEqual([1, 0]);
});
