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

  describe("of an error that ioredis gave its command", () => {
    const refused = () =>
      Object.assign(new Error("WRONGPASS invalid username-password pair"), {
        code: "WRONGPASS",
        command: { name: "auth", args: ["default", "hunter2"] },
      });
    const around = (fields: object, message = "Failed to refresh slots cache.") =>
      Object.assign(new Error(message), fields);
    const deep = around({ lastNodeError: around({ lastNodeError: around({ cause: refused() }) }) });
    const circular = refused();
    Object.assign(circular, { lastNodeError: around({ previousErrors: [circular] }) });

    test.each<readonly [string, unknown]>([
      ["itself", refused()],
      ["lastNodeError", around({ lastNodeError: refused() })],
      ["cause", new Error("away", { cause: refused() })],
      ["a cause's lastNodeError", new Error("away", { cause: around({ lastNodeError: refused() }) })],
      ["errors", new AggregateError([refused()], "all of them")],
      ["errors of a cause", around({ lastNodeError: new AggregateError([refused()]) })],
      ["previousErrors", around({ previousErrors: [refused()] })],
      ["details", around({ details: { attempts: [{ error: refused() }] } })],
      ["four levels", deep],
      ["a circle", circular],
      ["an object that is no error", { nodes: [refused()] }],
    ])("keeps the password back: %s", (_, err) => {
      const { logger, texts } = lines();
      logger.warn({ err }, "said");
      logger.child({ err }).warn("said by a child");
      expect(texts).toHaveLength(2);
      expect(texts.join("")).not.toContain("hunter2");
    });

    test("says what went wrong all the same: type, message, stack, code and the command's name", () => {
      const { logger, texts } = lines();
      const cause = new TypeError("of this");
      const err = around({ cause, lastNodeError: refused(), address: { port: 6379 }, attempts: 3 });
      logger.warn({ err }, "said");
      expect(JSON.parse(texts[0] ?? "")).toMatchObject({
        err: {
          type: "Error",
          message: "Failed to refresh slots cache.: of this",
          stack: expect.stringMatching(/log\.test\.ts[^]*caused by: TypeError: of this/),
          attempts: 3,
          address: { port: 6379 },
          lastNodeError: {
            type: "Error",
            message: "WRONGPASS invalid username-password pair",
            stack: expect.stringContaining("log.test.ts"),
            code: "WRONGPASS",
            command: { name: "auth", args: "[masked]" },
          },
        },
      });
    });

    test("a server that does not know HELLO repeats its arguments in the message: they are cut off", () => {
      const { logger, texts } = lines();
      const text = "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'hunter2' ";
      logger.warn({ err: around({ lastNodeError: new Error(text) }, text) }, "said");
      expect(texts[0]).not.toContain("hunter2");
      expect(texts[0]).toContain("ERR unknown command 'HELLO'");
      expect(texts[0]).toContain("log.test.ts");
    });

    test("the error itself is left as it was: its owner may still want the command", () => {
      const err = around({ lastNodeError: refused() });
      lines().logger.warn({ err }, "said");
      expect(err).toMatchObject({ lastNodeError: { command: { args: ["default", "hunter2"] } } });
      expect(new Set(Reflect.ownKeys(err))).toEqual(new Set(["lastNodeError", "message", "stack"]));
    });
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
