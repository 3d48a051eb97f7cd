import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeTracing } from "../support/fake-tracing.ts";
import { post, serve, type Served } from "./served.ts";

const reset = { action: "Reset", payload: { type: "Soft" } };
let tracing: FakeTracing;
let served: Served;
beforeEach(async () => {
  tracing = new FakeTracing();
  served = await serve({ tracing });
});
afterEach(() => served.management.stop(1000));

it("a traced command's answer names its trace, success or problem", async () => {
  const offline = await post(served, reset);
  expect([offline.status, offline.headers.get("traceresponse")]).toEqual([
    404,
    tracing.roots[0]?.traceparent,
  ]);
  served.router.command.mockResolvedValue({
    kind: "answered",
    payload: {},
    ownership: "verified",
    edge: "a",
  });
  const answered = await post(served, reset);
  expect([answered.status, answered.headers.get("traceresponse")]).toEqual([
    200,
    tracing.roots[1]?.traceparent,
  ]);
  expect(tracing.told).toEqual([
    "POST /v1/charge-points/{id}/commands: offline",
    "POST /v1/charge-points/{id}/commands: well",
  ]);
});

it("a failure of the gateway stands in the log with the ids of its trace, and ends its span", async () => {
  served.router.command.mockRejectedValue(new Error("inner workings"));
  expect((await post(served, reset)).status).toBe(500);
  const [root] = tracing.roots;
  expect(root?.ends).toEqual(["internal"]);
  expect(served.log.error).toHaveBeenCalledWith(expect.objectContaining(root?.logFields), "request failed");
});

it("what is not traced has no such header, and no ids in the log", async () => {
  tracing.isSampling = false;
  served.router.command.mockRejectedValue(new Error("inner workings"));
  const answer = await post(served, reset);
  expect(answer.headers.get("traceresponse")).toBeNull();
  expect(served.log.error).toHaveBeenCalledWith(
    expect.not.objectContaining({ trace_id: expect.anything() }),
    "request failed",
  );
  expect(tracing.roots).toEqual([]);
});

it("a request that is refused before it is a command is not traced", async () => {
  await post(served, { ...reset, timeoutMs: "soon" });
  expect(tracing.roots).toEqual([]);
});
