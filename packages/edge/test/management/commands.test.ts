import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CommandOutcome } from "../../src/commands/outcomes.ts";
import { ask, post, serve, type Served } from "./served.ts";

const reset = { action: "Reset", payload: { type: "Soft" } };
let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.management.stop(1000));

describe("POST /v1/charge-points/{id}/commands", () => {
  it("hands the command to the router as it was written, with the default time limit", async () => {
    await post(served, reset);
    expect(served.router.command).toHaveBeenCalledWith({
      identity: "CP1",
      action: "Reset",
      payloadJson: '{"type":"Soft"}',
      timeoutMs: 30_000,
    });
    await post(served, { ...reset, timeoutMs: 500 });
    expect(served.router.command).toHaveBeenLastCalledWith(expect.objectContaining({ timeoutMs: 500 }));
  });

  it("refuses a payload that nests deeper than can be written again, as the caller's fault and not as one of ours", async () => {
    const nested = (levels: number): string =>
      `{"action":"DataTransfer","payload":${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}}`;
    expect((await post(served, nested(100))).status).toBe(404);
    for (const levels of [101, 9_000]) {
      expect(await post(served, nested(levels))).toMatchObject({
        status: 400,
        body: { detail: "body.payload must not nest deeper than 100 levels." },
      });
    }
    expect(served.router.command).toHaveBeenCalledTimes(1);
    expect(served.log.error).not.toHaveBeenCalled();
  });

  it("refuses a number that would arrive as null, and one that is null goes on", async () => {
    const of = (value: string): string => `{"action":"DataTransfer","payload":{"a":[{"b":${value}}]}}`;
    for (const value of ["1e999", "-1e999"])
      expect(await post(served, of(value))).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining("numbers that a double cannot") as string },
      });
    expect(served.router.command).not.toHaveBeenCalled();
    expect((await post(served, of("null"))).status).toBe(404);
  });

  it("refuses a payload that grows beyond what a request may have when it is written again", async () => {
    const small = await serve({ maxBodyBytes: 200 });
    const numbers = (count: number): string =>
      `{"action":"A","payload":{"a":[${Array(count).fill("1e20").join()}]}}`;
    expect((await post(small, numbers(5))).status).toBe(404);
    expect((await post(small, numbers(20))).status).toBe(413);
    await small.management.stop(500);
  });

  it.each([
    '{"constructor":{"prototype":1}}',
    '{"__proto__":{"toJSON":1,"payload":{}}}',
    '{"data":[{"__proto__":null,"constructor":{"prototype":{}}}]}',
  ])(
    "hands on %s as it came: a name that means something to JavaScript means nothing in JSON",
    async (payload) => {
      await post(served, `{"action":"DataTransfer","payload":${payload}}`);
      expect(served.router.command.mock.lastCall?.[0].payloadJson).toBe(payload);
      expect({}).not.toHaveProperty("payload");
    },
  );

  it("answers with the charge point's payload", async () => {
    served.router.command.mockResolvedValue({
      kind: "answered",
      payload: { status: "Accepted", extra: [1, { a: null }] },
      ownership: "verified",
      edge: "edge-b",
    });
    expect(await post(served, reset)).toMatchObject({
      status: 200,
      body: {
        status: "answered",
        payload: { status: "Accepted", extra: [1, { a: null }] },
        ownership: "verified",
        edge: "edge-b",
      },
    });
  });

  it("answers 200 with the charge point's CALLERROR: it was asked, and it did answer", async () => {
    const details = { why: "no" };
    served.router.command.mockResolvedValue({
      kind: "rejected",
      code: "NotSupported",
      description: "d",
      details,
      ownership: "unverified",
      edge: "edge-a",
    });
    const answer = await post(served, reset);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      status: "rejected",
      error: { code: "NotSupported", description: "d", details },
      ownership: "unverified",
      edge: "edge-a",
    });
  });

  const table: [CommandOutcome, number, string, Record<string, unknown>, string | null][] = [
    [{ kind: "offline" }, 404, "offline", {}, null],
    [{ kind: "noAnswer", delivery: "notSent" }, 504, "no-answer", { delivery: "notSent" }, null],
    [{ kind: "noAnswer", delivery: "sent" }, 504, "no-answer", { delivery: "sent" }, null],
    [{ kind: "noAnswer", delivery: "unknown" }, 504, "no-answer", { delivery: "unknown" }, null],
    [{ kind: "lineFull", retryAfterMs: 2000 }, 429, "line-full", {}, "2"],
    [{ kind: "edgeBusy", retryAfterMs: 1 }, 429, "edge-busy", {}, "1"],
    [{ kind: "registryAway", retryAfterMs: 1001 }, 503, "registry-away", {}, "2"],
    [{ kind: "leaving", retryAfterMs: 2000 }, 503, "leaving", {}, "2"],
    [{ kind: "stopping", retryAfterMs: 0 }, 503, "stopping", {}, "1"],
  ];
  it.each(table)("answers %o as %i %s", async (...[outcome, status, problem, members, retryAfter]) => {
    served.router.command.mockResolvedValue(outcome);
    const answer = await post(served, reset);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toBe(retryAfter);
    expect(answer.body).toMatchObject({ type: `urn:cpg:problem:${problem}`, status, ...members });
  });

  it.each([
    ["nothing", "", "body"],
    ["no JSON", "{", "JSON"],
    ["a list", "[]", "body"],
    ["null", "null", "body"],
    ["no action", { payload: {} }, "action"],
    ["an empty action", { action: "", payload: {} }, "body.action"],
    ["an action of 65 characters", { action: "a".repeat(65), payload: {} }, "body.action"],
    ["an action that is a number, not taken for text", { action: 5, payload: {} }, "body.action"],
    ["no payload", { action: "Reset" }, "payload"],
    ["a payload that is a list", { action: "Reset", payload: [] }, "body.payload"],
    ["a payload that is null", { action: "Reset", payload: null }, "body.payload"],
    ["a payload that is text", { action: "Reset", payload: "{}" }, "body.payload"],
    ["a time limit of nothing", { ...reset, timeoutMs: 0 }, "body.timeoutMs"],
    ["a time limit over the bound", { ...reset, timeoutMs: 120_001 }, "body.timeoutMs"],
    ["half a millisecond", { ...reset, timeoutMs: 1000.5 }, "body.timeoutMs"],
    ["a time limit in quotes, not taken for a number", { ...reset, timeoutMs: "500" }, "body.timeoutMs"],
    ["an unknown field, named, not dropped", { ...reset, timeout: 500 }, "unknown fields: timeout"],
    ["a __proto__ beside the fields", '{"action":"Reset","payload":{},"__proto__":{}}', "fields: __proto__"],
    ["fields that only a __proto__ has", '{"__proto__":{"action":"Reset","payload":{}}}', "lacks: action"],
  ])("refuses %s, and says what is wrong", async (_what, body, said) => {
    const answer = await post(served, body);
    expect(answer).toMatchObject({ status: 400, body: { type: "urn:cpg:problem:invalid-request" } });
    expect(answer.body?.["detail"]).toContain(said);
    expect(served.router.command).not.toHaveBeenCalled();
  });

  it("tells an unknown field once, by its name", async () => {
    const answer = await post(served, { ...reset, timeout: 500 });
    expect(answer.body?.["detail"]).toBe("The body has unknown fields: timeout.");
  });

  it("refuses what is not JSON by its type: a browser's form cannot command a charge point", async () => {
    const answer = await post(served, JSON.stringify(reset), { headers: { "content-type": "text/plain" } });
    expect(answer).toMatchObject({ status: 415, body: { type: "urn:cpg:problem:unsupported-media-type" } });
  });

  it("refuses a body over the limit before reading it, and takes one of 64 KB", async () => {
    const small = await post(served, { action: "DataTransfer", payload: { data: "x".repeat(65_536) } });
    expect(small.status).toBe(404); // offline: it went to the router
    const large = await post(served, { action: "DataTransfer", payload: { data: "x".repeat(1_100_000) } });
    expect(large).toMatchObject({ status: 413, body: { type: "urn:cpg:problem:body-too-large" } });
  });

  it("refuses an Idempotency-Key rather than pretend to keep it", async () => {
    const answer = await post(served, reset, { headers: { "idempotency-key": "k1" } });
    expect(answer.status).toBe(400);
    expect(answer.body?.["detail"]).toContain("Idempotency-Key is not supported");
    expect(served.router.command).not.toHaveBeenCalled();
  });

  it("names the failure of the gateway only in its log", async () => {
    served.router.command.mockRejectedValue(new Error("secret inner workings"));
    const answer = await post(served, reset);
    expect(answer).toMatchObject({ status: 500, body: { type: "urn:cpg:problem:internal" } });
    expect(JSON.stringify(answer.body)).not.toContain("secret");
    expect(served.log.error).toHaveBeenCalledOnce();
  });

  it("lets the command go on when the caller hangs up, and serves the next one", async () => {
    let answer: (outcome: CommandOutcome) => void = () => {};
    served.router.command.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    const hangUp = new AbortController();
    const gone = fetch(`${served.base}/v1/charge-points/CP1/commands`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(reset),
      signal: hangUp.signal,
    });
    await expect.poll(() => served.router.command.mock.calls.length).toBe(1);
    hangUp.abort();
    await expect(gone).rejects.toThrow("aborted");
    answer({ kind: "answered", payload: {}, ownership: "verified", edge: "edge-a" });
    expect((await post(served, reset)).status).toBe(404);
    expect(served.log.error).not.toHaveBeenCalled();
  });
});

describe("the {id} of a path", () => {
  it.each([
    ["CP%2041", "CP 41"],
    ["%2541", "%41"], // decoded once
    ["%252F", "%2F"], // decoded once: this one is a percent sign, 2 and F
    ["CP%3A1%3F%23", "CP:1?#"],
    ["CP;a=b", "CP;a=b"],
    ["CP+1", "CP+1"],
    ["%C3%BC", "ü"],
    ["a".repeat(255), "a".repeat(255)],
  ])("%s is %s", async (id, identity) => {
    await post(served, reset, { id });
    expect(served.router.command).toHaveBeenCalledWith(expect.objectContaining({ identity }));
  });

  it.each([
    ["a%2Fb", "slash"],
    ["%00", "NUL"],
    ["%0A", "control"],
    ["%FF", "UTF-8"],
    ["%zz", "%"],
    ["a".repeat(256), "255"],
    ["a".repeat(3000), "255"],
  ])("%s is refused with the reason", async (id, said) => {
    const answer = await post(served, reset, { id });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body?.["detail"]).toContain(said);
    expect(served.router.command).not.toHaveBeenCalled();
  });

  it("an empty one is refused", async () => {
    expect((await ask(served, "/v1/charge-points//commands", { method: "POST" })).status).toBe(400);
  });
});
