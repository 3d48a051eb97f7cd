import { Writable } from "node:stream";
import { context, trace, TraceFlags } from "@opentelemetry/api";
import type { ContextManager } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import { createLogger } from "../src/index.ts";
import type { Logger } from "../src/index.ts";

function lines(level: "info" | "silent" = "info"): { readonly logger: Logger; readonly texts: string[] } {
  const texts: string[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      texts.push(String(chunk));
      done();
    },
  });
  return { logger: createLogger({ level, serviceName: "gw", edge: "edge-a", destination }), texts };
}

afterEach(() => {
  context.disable();
});

describe("the log", () => {
  test("is one JSON object a line, with level, time, service and edge", () => {
    const { logger, texts } = lines();
    logger.info({ port: 9000 }, "listening");
    logger.debug("below the level");
    expect(texts).toHaveLength(1);
    expect(JSON.parse(texts[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      service: "gw",
      edge: "edge-a",
      port: 9000,
      msg: "listening",
    });
  });

  test.each([
    [{ password: "hunter2" }],
    [{ redis: { username: "u", password: "hunter2" } }],
    [{ config: { management: { token: "hunter2" } } }],
    [{ req: { headers: { authorization: "Basic hunter2" } } }],
    [{ headers: { Authorization: "Basic hunter2", cookie: "hunter2" } }],
    [{ err: Object.assign(new Error("refused"), { credentials: "hunter2" }) }],
  ])("masks the secret in %j", (fields) => {
    const { logger, texts } = lines();
    logger.warn(fields, "said");
    logger.child({ part: "x" }).warn(fields, "said by a child");
    expect(texts.join("")).not.toContain("hunter2");
    expect(texts.join("").match(/\[masked\]/g)?.length).toBeGreaterThanOrEqual(2);
  });

  test("leaves the key of a charge point readable: it is no secret", () => {
    const { logger, texts } = lines();
    logger.info({ key: "cp-1", identity: "CP-1" }, "claimed");
    expect(JSON.parse(texts[0] ?? "")).toMatchObject({ key: "cp-1", identity: "CP-1" });
  });

  test("carries the ids of the span it is written in, and none outside", () => {
    const { logger, texts } = lines();
    const spanContext = {
      traceId: "0".repeat(31) + "1",
      spanId: "0".repeat(15) + "2",
      traceFlags: TraceFlags.SAMPLED,
    };
    const active = trace.setSpanContext(context.active(), spanContext);
    const manager = { active: () => active, disable: () => manager } as ContextManager;
    logger.info("outside");
    context.setGlobalContextManager(manager);
    logger.info("inside");
    expect(JSON.parse(texts[0] ?? "")).not.toHaveProperty("trace_id");
    expect(JSON.parse(texts[1] ?? "")).toMatchObject({
      trace_id: spanContext.traceId,
      span_id: spanContext.spanId,
    });
  });
});
