import { describe, expect, test } from "vitest";
import { meaningOf, type HttpReply } from "../../src/integrations/http-reply.ts";

const replyOf = (status: number, body: string, isOpenEnded = false): HttpReply => ({
  status,
  body,
  isOpenEnded,
  isUtf8: true,
});

describe("an answer that did not say how long it is", () => {
  const cutOff = { kind: "failure", as: "badAnswer", why: expect.stringContaining("cut off?") };
  test.each([
    [200, "", cutOff],
    [200, "\n", cutOff],
    [200, '{"a":', { kind: "failure", as: "badAnswer" }],
    [422, "", cutOff],
    [422, '{"code":"Secur', cutOff],
    [200, "{}\n", { answer: { kind: "result", payloadJson: "{}" } }],
    [422, '{"code":"SecurityError"}', { answer: { kind: "callError", code: "SecurityError" } }],
  ])("%i %j is believed if it is whole", (status, body, meaning) => {
    expect(meaningOf(replyOf(status, body, true), "1.6", false)).toMatchObject(meaning);
  });

  test("with a length, nothing is an empty object, and a 422 without a code a refusal", () => {
    expect(meaningOf(replyOf(200, "\n"), "1.6", false)).toMatchObject({ answer: { payloadJson: "{}" } });
    expect(meaningOf(replyOf(422, '{"code":"Secur'), "1.6", false)).toMatchObject({ as: "refused" });
  });
});

test("what is refused, and what is not known, is counted as that; a 404 is told, for a path may be wrong", () => {
  expect(meaningOf(replyOf(401, ""), "1.6", false)).toMatchObject({ as: "refused", why: "status 401" });
  expect(meaningOf(replyOf(404, ""), "1.6", false)).toMatchObject({
    as: "notImplemented",
    why: "status 404: no such action, or no such path",
  });
  const notKnown = meaningOf(replyOf(501, ""), "1.6", false);
  expect(notKnown).toMatchObject({ as: "notImplemented", answer: { fault: "notImplemented" } });
  expect("why" in notKnown && notKnown.why).toBeUndefined();
  expect(meaningOf(replyOf(404, ""), "1.6", true)).toMatchObject({ kind: "failure", as: "httpError" }); // held
});
