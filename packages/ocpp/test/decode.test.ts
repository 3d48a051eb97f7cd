import { describe, expect, test } from "vitest";
import { decodeFrame, ignoredReasons, malformedReasons, ocppVersions } from "../src/index.ts";
import type { Decoded, MalformedReason, OcppVersion } from "../src/index.ts";

const id36 = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
const id37 = `${id36}0`;

/** What goes back: `[type, id, code]` of the reply frame, or silence. */
type Answer = readonly [4 | 5, string, string] | "silence";

function malformed(decoded: Decoded): {
  reason: MalformedReason;
  answers: string | undefined;
  answer: Answer;
} {
  if (decoded.kind !== "malformed") throw new Error(`expected a malformed frame, got ${decoded.kind}`);
  const { reason, reply, answers } = decoded;
  if (reply === undefined) return { reason, answers, answer: "silence" };
  const frame: [4 | 5, string, string, string, object] = JSON.parse(reply);
  expect(frame).toHaveLength(5);
  expect(frame[3]).not.toBe("");
  expect(frame[4]).toEqual({});
  return { reason, answers, answer: [frame[0], frame[1], frame[2]] };
}

/** Short enough for the name of a test. */
function shown(input: string): string {
  return input.length > 60 ? `${input.slice(0, 40)}… (${input.length})` : input;
}

describe("good frames", () => {
  test.each(ocppVersions)("a CALL under %s", (version) => {
    const text = `[2,"${id36}","BootNotification",{"chargePointVendor":"V","n":1.50}]`;
    expect(decodeFrame(text, version)).toEqual({
      kind: "call",
      id: id36,
      action: "BootNotification",
      payload: { chargePointVendor: "V", n: 1.5 },
      payloadJson: '{"chargePointVendor":"V","n":1.50}',
    });
  });

  test.each(ocppVersions)("a CALLRESULT under %s", (version) => {
    expect(decodeFrame(' [ 3 , "a\\"b\\\\" , { "s" : "]," } ] ', version)).toEqual({
      kind: "result",
      id: 'a"b\\',
      payload: { s: "]," },
      payloadJson: '{ "s" : "]," }',
    });
  });

  test.each(ocppVersions)("a CALLERROR under %s", (version) => {
    expect(decodeFrame('[4,"x","NotSupported","no such",{"a":1}]', version)).toEqual({
      kind: "error",
      id: "x",
      code: "NotSupported",
      description: "no such",
      details: { a: 1 },
    });
  });

  test("2.1's CALLRESULTERROR and SEND", () => {
    expect(decodeFrame('[5,"x","FormatViolation","bad tariff",{}]', "2.1")).toEqual({
      kind: "resultError",
      id: "x",
      code: "FormatViolation",
      description: "bad tariff",
      details: {},
    });
    expect(decodeFrame('[6,"x","NotifyPeriodicEventStream",{"id":1}]', "2.1")).toEqual({
      kind: "send",
      id: "x",
      action: "NotifyPeriodicEventStream",
      payload: { id: 1 },
      payloadJson: '{"id":1}',
    });
  });

  test.each(ocppVersions)("null is the other notation for no payload, under %s too", (version) => {
    const nothing = { payload: {}, payloadJson: "{}" };
    expect(decodeFrame('[2,"x","Heartbeat",null]', version)).toMatchObject({ kind: "call", ...nothing });
    expect(decodeFrame('[3,"x",null]', version)).toMatchObject({ kind: "result", ...nothing });
  });

  test("an id of 36 characters passes, and a character outside the basic plane counts as one", () => {
    expect(decodeFrame(`[2,"${id36}","Heartbeat",{}]`, "1.6")).toMatchObject({ kind: "call", id: id36 });
    const plugs = "🔌".repeat(36);
    expect(decodeFrame(`[2,"${plugs}","Heartbeat",{}]`, "1.6")).toMatchObject({ kind: "call", id: plugs });
    expect(decodeFrame(`[2,"${plugs}🔌","Heartbeat",{}]`, "1.6")).toMatchObject({ reason: "idTooLong" });
  });

  test("a repeated id is no fault here: a retry may reuse it, so telling it apart is the session's work", () => {
    const text = '[2,"1","Heartbeat",{}]';
    expect(decodeFrame(text, "2.1")).toEqual(decodeFrame(text, "2.1"));
    expect(decodeFrame(text, "2.1").kind).toBe("call");
  });

  test("an action nobody knows is a good frame: the router answers NotImplemented", () => {
    expect(decodeFrame('[2,"1","constructor",{}]', "1.6")).toMatchObject({
      kind: "call",
      action: "constructor",
    });
  });

  test("a refusal of our CALL is understood without description and details, however ill-worded", () => {
    const bare = { kind: "error", id: "x", code: "Whatever", description: "", details: {} };
    expect(decodeFrame('[4,"x","Whatever"]', "1.6")).toEqual(bare);
    expect(decodeFrame('[4,"x","Whatever",null,null]', "1.6")).toEqual(bare);
    expect(decodeFrame('[4,"x","Whatever",7]', "2.0.1")).toEqual(bare);
    expect(decodeFrame('[4,"x","Whatever","",{},"more"]', "2.1")).toEqual(bare);
    expect(decodeFrame('[4,"-1","RpcFrameworkError","",{}]', "2.1")).toMatchObject({ id: "-1" });
  });
});

describe("frames to ignore", () => {
  test.each(ocppVersions)("an empty frame is a vendor's sign of life, under %s", (version) => {
    for (const text of ["", " ", "\r\n"]) {
      expect(decodeFrame(text, version)).toEqual({ kind: "ignored", reason: "emptyFrame" });
    }
  });

  test("1.6 and 2.1 ignore an unknown message type; so does 1.6 with the types of 2.1", () => {
    const ignored = { kind: "ignored", reason: "typeUnknown" };
    for (const frame of ['[99,"x","Foo",{}]', "[0]", "[-2,1]", '[2.5,"x","Heartbeat",{}]', '[1e999,"x"]']) {
      expect(decodeFrame(frame, "1.6")).toEqual(ignored);
      expect(decodeFrame(frame, "2.1")).toEqual(ignored);
    }
    expect(decodeFrame('[5,"x","a","b",{}]', "1.6")).toEqual(ignored);
    expect(decodeFrame('[6,"x","NotifyPeriodicEventStream",{}]', "1.6")).toEqual(ignored);
  });
});

// Input → reason, and what goes back under 1.6, 2.0.1 and 2.1. The README has the paragraphs.
type Row = readonly [input: string, reason: MalformedReason, in16: Answer, in201: Answer, in21: Answer];

function framework(id: string): [Answer, Answer, Answer] {
  return [
    [4, id, "FormationViolation"],
    [4, id, "RpcFrameworkError"],
    [4, id, "RpcFrameworkError"],
  ];
}

const calls: readonly Row[] = [
  ["}{not json at all!!", "notJson", ...framework("-1")],
  ["2", "notArray", ...framework("-1")],
  ["{}", "notArray", ...framework("-1")],
  ['"[2]"', "notArray", ...framework("-1")],
  ["null", "notArray", ...framework("-1")],
  ['[2,"cut-off","Heartbeat",{', "notJson", ...framework("cut-off")],
  ['[2,"\\u0041","Heartbeat",{]', "notJson", ...framework("A")],
  ['[2,"no-end', "notJson", ...framework("-1")],
  ['[2,"\\x","Heartbeat",{]', "notJson", ...framework("-1")],
  ['[2,"",{', "notJson", ...framework("-1")],
  [`[2,"${"y".repeat(300)}","Heartbeat",{`, "notJson", ...framework("-1")],
  ["[]", "typeNotNumber", ...framework("-1")],
  ['["2","x","Heartbeat",{}]', "typeNotNumber", ...framework("x")],
  ["[2]", "idNotString", ...framework("-1")],
  ['[2,12345,"Heartbeat",{}]', "idNotString", ...framework("-1")],
  ['[2,null,"Heartbeat",{}]', "idNotString", ...framework("-1")],
  ['[2,{"toString":1},"Heartbeat",{}]', "idNotString", ...framework("-1")],
  ['[2,"","Heartbeat",{}]', "idEmpty", ...framework("-1")],
  [`[2,"${id37}","Heartbeat",{}]`, "idTooLong", ...framework(id37)],
  [`[2,"${"y".repeat(255)}","Heartbeat",{}]`, "idTooLong", ...framework("y".repeat(255))],
  [`[2,"${"y".repeat(256)}","Heartbeat",{}]`, "idTooLong", ...framework("-1")],
  ['[2,"x"]', "wrongArity", ...framework("x")],
  ['[2,"x","Heartbeat",{},{}]', "wrongArity", ...framework("x")],
  ['[2,"x",{}]', "actionNotString", ...framework("x")],
  ['[2,"x",7,{}]', "actionNotString", ...framework("x")],
  ['[2,"x","",{}]', "actionNotString", ...framework("x")],
  [
    '[2,"x","Heartbeat"]',
    "payloadMissing",
    [4, "x", "ProtocolError"],
    [4, "x", "ProtocolError"],
    [4, "x", "ProtocolError"],
  ],
  ...['"NotAnObject"', "[]", "7", "true"].map((payload): Row => [
    `[2,"x","Heartbeat",${payload}]`,
    "payloadNotObject",
    [4, "x", "FormationViolation"],
    [4, "x", "FormatViolation"],
    [4, "x", "FormatViolation"],
  ]),
];

describe("malformed requests are answered as their version prescribes", () => {
  const rows = calls.flatMap(([input, reason, ...answers]) =>
    ocppVersions.map(
      (version, at) => [version, shown(input), reason, { input, answer: answers[at] }] as const,
    ),
  );
  test.each(rows)("%s: %s is %s", (version, _shown, reason, { input, answer }) => {
    expect(malformed(decodeFrame(input, version))).toEqual({ reason, answers: undefined, answer });
  });

  test("2.0.1 answers an unknown message type, the only version that wants it", () => {
    const answer = (text: string) => malformed(decodeFrame(text, "2.0.1"));
    const reason = "typeUnknown";
    const code = "MessageTypeNotSupported";
    expect(answer('[99,"x","Foo",{}]')).toMatchObject({ reason, answer: [4, "x", code] });
    expect(answer("[99,12]")).toMatchObject({ reason, answer: [4, "-1", code] });
    expect(answer('[5,"x","FormatViolation","",{}]')).toMatchObject({ reason, answer: [4, "x", code] });
    expect(answer('[6,"x","NotifyPeriodicEventStream",{}]')).toMatchObject({
      reason,
      answer: [4, "x", code],
    });
  });
});

describe("malformed answers never get a CALLERROR, but end the CALL they meant to answer", () => {
  test.each<[string, MalformedReason, string | undefined, Answer]>([
    ['[3,"x"]', "payloadMissing", "x", [5, "x", "ProtocolError"]],
    ['[3,"x","text"]', "payloadNotObject", "x", [5, "x", "FormatViolation"]],
    ['[3,"x",[]]', "payloadNotObject", "x", [5, "x", "FormatViolation"]],
    ['[3,"x",{},1]', "wrongArity", "x", [5, "x", "RpcFrameworkError"]],
    [`[3,"${id37}",{}]`, "idTooLong", id37, [5, id37, "RpcFrameworkError"]],
    ["[3]", "idNotString", undefined, "silence"],
    ["[3,7,{}]", "idNotString", undefined, "silence"],
    ['[3,"",{}]', "idEmpty", undefined, "silence"],
    ['[3,"x",{', "notJson", "x", [5, "x", "RpcFrameworkError"]],
    ['[4,"x"]', "errorCodeNotString", "x", "silence"],
    ['[4,"x",7,"",{}]', "errorCodeNotString", "x", "silence"],
    ["[4,7]", "idNotString", undefined, "silence"],
    ['[4,"x","GenericError","', "notJson", "x", "silence"],
  ])("%s is %s, ends %s, and 2.1 answers %j", (input, reason, answers, in21) => {
    for (const version of ["1.6", "2.0.1"] satisfies OcppVersion[]) {
      expect(malformed(decodeFrame(input, version))).toEqual({ reason, answers, answer: "silence" });
    }
    expect(malformed(decodeFrame(input, "2.1"))).toEqual({ reason, answers, answer: in21 });
  });

  test.each([
    ['[5,"x"]', "errorCodeNotString"],
    ["[5,7]", "idNotString"],
    ['[6,"x","Stream"]', "payloadMissing"],
    ['[6,"x","Stream",[]]', "payloadNotObject"],
    ['[6,7,"Stream",{}]', "idNotString"],
    ['[6,"x","Stream",{', "notJson"],
  ] as const)(
    "2.1: %s is %s, and nothing is said: CALLRESULTERROR and SEND are never answered",
    (input, reason) => {
      expect(malformed(decodeFrame(input, "2.1"))).toEqual({ reason, answers: undefined, answer: "silence" });
    },
  );
});

test("every reason occurs, so no label is dead", () => {
  const seen = new Set<string>();
  const inputs = [...calls.map(([input]) => input), "", '[99,"x"]', '[4,"x"]'];
  for (const input of inputs) {
    for (const version of ocppVersions) {
      const decoded = decodeFrame(input, version);
      if (decoded.kind === "malformed" || decoded.kind === "ignored") seen.add(decoded.reason);
    }
  }
  expect(seen).toEqual(new Set([...malformedReasons, ...ignoredReasons]));
});
