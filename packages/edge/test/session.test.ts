import { eventually } from "@cpg/testkit";
import { systemTime } from "@cpg/session-registry";
import { afterEach, describe, expect, test } from "vitest";
import { closeTable } from "../src/close-codes.ts";
import type { CallAnswer, InboundCall } from "../src/integration.ts";
import { createLocalRoute } from "../src/integrations/local.ts";
import type { LiveSession } from "../src/session-port.ts";
import { connect, type ChargePoint } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

/** A backend whose answers the test gives by hand. */
class ManualBackend {
  readonly calls: InboundCall[] = [];
  readonly #answers: ((answer: CallAnswer) => void)[] = [];
  readonly route = routeOf((call) => {
    this.calls.push(call);
    return new Promise((resolve) => this.#answers.push(resolve));
  });
  async answer(index: number, payload: object = {}): Promise<void> {
    await this.called(index + 1);
    this.#answers[index]?.({ kind: "result", payloadJson: JSON.stringify(payload) });
  }
  fail(index: number): void {
    this.#answers[index]?.({ kind: "fault", fault: "internalError", description: "x" });
  }
  called(times: number): Promise<void> {
    return eventually(() => expect(this.calls.length).toBe(times));
  }
}

async function start(parts: Parameters<typeof startTestEdge>[1] = {}): Promise<{
  backend: ManualBackend;
  test: TestEdge;
}> {
  const backend = new ManualBackend();
  const heartbeat = createLocalRoute("Heartbeat", "heartbeat", systemTime);
  running = await startTestEdge(
    { Heartbeat: heartbeat, Authorize: backend.route, MeterValues: backend.route },
    parts,
  );
  return { backend, test: running };
}

const okay: CallAnswer = { kind: "result", payloadJson: "{}" };

async function sessionOf(edge: TestEdge, identity: string): Promise<LiveSession> {
  const claim = await eventually(() => {
    const found = edge.ownership.claims.findLast((each) => String(each.identity) === identity);
    if (found === undefined) throw new Error("no claim");
    return found;
  });
  const session = edge.edge.sessions.find(claim.key, claim.connection);
  if (session === undefined) throw new Error("no session");
  return session;
}

test.each(["throws", "rejects"])(
  "an integration that %s is a bug: told, answered with InternalError, and the next CALL in line is served",
  async (how) => {
    const bug = new Error("a bug");
    const broken = routeOf(() => {
      if (how === "throws") throw bug;
      return Promise.reject(bug);
    });
    running = await startTestEdge({ Authorize: broken, MeterValues: routeOf(() => okay) });
    const { url, bugs } = running;
    const station = await connect(url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    station.send([2, "b", "MeterValues", {}]);
    await eventually(() =>
      expect(station.frames).toEqual([
        '[4,"a","InternalError","the edge failed to serve it",{}]',
        '[3,"b",{}]',
      ]),
    );
    expect(bugs.splice(0)).toEqual([{ err: bug }]);
  },
);

describe("an answer nested deeper than can be written again is a rejection, and harms neither edge nor socket", () => {
  const nested = (levels: number): string => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);
  test.each([
    ["CALLRESULT", (id: string, levels: number) => `[3,"${id}",${nested(levels)}]`],
    ["CALLERROR", (id: string, levels: number) => `[4,"${id}","GenericError","",${nested(levels)}]`],
  ] as const)("%s", async (_name, answer) => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    for (const [index, levels] of [100, 101, 10_000].entries()) {
      const outcome = session.call("GetConfiguration", "{}", 5_000);
      const { id } = await station.command(index);
      station.send(answer(id, levels));
      const told = await outcome;
      expect(() => JSON.stringify(told)).not.toThrow();
      expect(JSON.stringify(told).includes("payloadTooDeep")).toBe(levels > 100);
    }
    expect(edge.counts.of("malformed payloadTooDeep")).toBe(2);
    expect((await station.call("after", "Heartbeat")).type).toBe(3);
  });
});

describe("malformed input gets what its version prescribes, and the socket stays", () => {
  test.each([
    ["ocpp1.6", "nonsense", "-1", "FormationViolation", "notJson"],
    ["ocpp2.0.1", "nonsense", "-1", "RpcFrameworkError", "notJson"],
    ["ocpp1.6", "{}", "-1", "FormationViolation", "notArray"],
    ["ocpp1.6", '[2,"a"]', "a", "FormationViolation", "wrongArity"],
    ["ocpp2.0.1", `[2,"${"x".repeat(37)}","Heartbeat",{}]`, "x".repeat(37), "RpcFrameworkError", "idTooLong"],
    ["ocpp2.0.1", '[9,"a"]', "a", "MessageTypeNotSupported", "typeUnknown"],
  ])("%s %s", async (...row) => {
    const [protocol, text, id, code, reason] = row;
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"), [protocol]);
    station.send(text);
    const answer = await station.answerTo(id);
    expect([answer.type, answer.code]).toEqual([4, code]);
    expect(edge.counts.of(`malformed ${reason}`)).toBe(1);
    expect((await station.call("after", "Heartbeat")).type).toBe(3);
  });

  test("what the specification says to ignore gets silence: empty frames, unknown types of 1.6, binary frames", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send("");
    station.send('[9,"a"]');
    station.ws.send(Buffer.from([1, 2, 3]), { binary: true });
    station.send('[3,"nobody-asked",{}]');
    expect((await station.call("after", "Heartbeat")).type).toBe(3);
    expect(station.frames.length).toBe(1);
    const { counts } = edge;
    expect(
      ["emptyFrame", "typeUnknown", "binary", "unmatched"].map((reason) => counts.of(`ignored ${reason}`)),
    ).toEqual([1, 1, 1, 1]);
  });

  test("a thousand random byte strings neither throw nor end the session", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    for (let seed = 1; seed <= 1000; seed += 1) {
      const bytes = Array.from({ length: seed % 40 }, (_, at) => (seed * 31 + at * 17) % 128);
      station.send(String.fromCharCode(...bytes));
      station.send(
        `[${String(seed % 8)},"${String(seed)}",${["null", "[]", "{}", '"x"', "1e999"][seed % 5] ?? ""}]`,
      );
    }
    expect((await station.call("after", "Heartbeat")).type).toBe(3);
    expect(edge.edge.sessions.size).toBe(1);
  });

  test("a message of 64 KB and more passes; one over the limit ends the socket, counted", async () => {
    const { backend, test: edge } = await start({
      settings: settingsWith({ listen: { maxPayloadBytes: 100_000 } }),
    });
    const station = await connect(edge.url("CP1"));
    station.send([2, "big", "Authorize", { idTag: "x".repeat(70_000) }]);
    await backend.answer(0);
    expect((await station.answerTo("big")).type).toBe(3);
    expect(backend.calls[0]?.payloadJson.length).toBeGreaterThan(70_000);
    station.send([2, "toobig", "Authorize", { idTag: "x".repeat(100_000) }]);
    await station.ended();
    await eventually(() => expect(edge.counts.of("ended messageTooBig")).toBe(1));
  });

  test("a message split over many WebSocket frames is one message", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    for (const part of ['[2,"sp', 'lit","Heart', "beat"]) station.ws.send(part, { fin: false });
    station.ws.send('",{}]', { fin: true });
    expect((await station.answerTo("split")).type).toBe(3);
  });

  test("invalid UTF-8 ends the socket, as RFC 6455 says, and is counted", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.ws.send(Buffer.from([0xff, 0xfe]), { binary: false });
    await station.ended();
    await eventually(() => expect(edge.counts.of("ended invalidUtf8")).toBe(1));
  });
});

test("an action without a route is NotImplemented", async () => {
  const { test: edge } = await start();
  const station = await connect(edge.url("CP1"));
  const answer = await station.call("a", "DataTransfer");
  expect([answer.type, answer.code]).toEqual([4, "NotImplemented"]);
  expect(edge.counts.of("served 1.6 DataTransfer fault")).toBe(1);
});

test("permessage-deflate is used when offered, in both directions", async () => {
  const { backend, test: edge } = await start();
  const station = await connect(edge.url("CP1"), ["ocpp2.0.1"], { perMessageDeflate: true });
  expect(station.ws.extensions).toContain("permessage-deflate");
  station.send([2, "a", "Authorize", { idToken: "x".repeat(5_000) }]);
  await backend.answer(0, { data: "y".repeat(5_000) });
  expect((await station.answerTo("a")).payload["data"]).toHaveLength(5_000);
});

describe("inbound CALLs are served in order, one at a time", () => {
  test("the next waits for the answer of the one before", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send([2, "1", "Authorize", {}]);
    station.send([2, "2", "Heartbeat", {}]);
    await backend.called(1);
    expect(station.frames).toEqual([]);
    await backend.answer(0);
    await station.answerTo("2");
    expect(station.parsed.map(({ id }) => id)).toEqual(["1", "2"]);
  });

  test("one more than the line holds ends the socket with a reason; the unserved ones are counted", async () => {
    const { backend, test: edge } = await start({ settings: settingsWith({ ocpp: { maxInboundCalls: 2 } }) });
    const station = await connect(edge.url("CP1"));
    for (const id of ["1", "2", "3", "4"]) station.send([2, id, "Authorize", { n: id }]);
    expect(await station.ended()).toEqual({ code: 1008, reason: closeTable.inboundOverflow.reason });
    await eventually(() => expect(edge.counts.of("ended inboundOverflow")).toBe(1));
    expect(edge.counts.of("served 1.6 Authorize unanswered")).toBe(2);
    await backend.answer(0); // the late answer of the one in service harms nobody
    await eventually(() => expect(edge.counts.of("served 1.6 Authorize unanswered")).toBe(3));
  });

  test("what arrived just before the station left is dropped without an exception", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send([2, "1", "Authorize", {}]);
    await backend.called(1);
    station.ws.terminate();
    await eventually(() => expect(edge.counts.of("ended lost")).toBe(1));
    await backend.answer(0);
    await eventually(() => expect(edge.counts.of("served 1.6 Authorize unanswered")).toBe(1));
  });
});

describe("a reused message id is an idempotency key", () => {
  const meter = [2, "m", "MeterValues", { connectorId: 1 }];

  test("the same message again while it is served: one backend call, one answer", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send(meter);
    station.send(meter);
    await backend.answer(0, { n: 1 });
    await station.answerTo("m");
    await station.call("after", "Heartbeat");
    expect(station.parsed.filter(({ id }) => id === "m")).toHaveLength(1);
    expect(backend.calls).toHaveLength(1);
    expect(edge.counts.of("reusedId")).toBe(1);
  });

  test("the same message again after its answer: the same answer, no second backend call", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send(meter);
    await backend.answer(0, { n: 1 });
    await station.answerTo("m");
    station.send(meter);
    await eventually(() => expect(station.frames).toHaveLength(2));
    expect(station.frames[1]).toBe(station.frames[0]);
    expect(backend.calls).toHaveLength(1);
  });

  test("the same id for another payload is another message: some stations use one id for everything", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send(meter);
    await backend.answer(0);
    await station.answerTo("m");
    station.send([2, "m", "MeterValues", { connectorId: 2 }]);
    await backend.called(2);
  });

  test("nor is it a repetition when the edge itself answered something under that id meanwhile", async () => {
    const card = [2, "m", "Authorize", { idTag: "A" }];
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send(card);
    await backend.answer(0);
    await station.answerTo("m");
    station.send([2, "m", "Heartbeat", {}]);
    await eventually(() => expect(station.frames).toHaveLength(2));
    station.send(card);
    await backend.called(2);
  });

  test("after an error the retry is served again, under the same call id, so a backend can recognise it", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    station.send(meter);
    await backend.called(1);
    backend.fail(0);
    await station.answerTo("m");
    station.send(meter);
    await backend.called(2);
    expect(backend.calls[1]?.callId).toBe(backend.calls[0]?.callId);
  });

  test("the memory is bounded: what was answered too many messages ago is served again", async () => {
    const { backend, test: edge } = await start({ settings: settingsWith({ ocpp: { reusedIdMemory: 2 } }) });
    const station = await connect(edge.url("CP1"));
    for (const [at, id] of ["m", "b", "c", "m"].entries()) {
      station.send([2, id, "MeterValues", { connectorId: 1 }]);
      await backend.answer(at);
      await eventually(() => expect(station.frames).toHaveLength(at + 1));
    }
    expect(backend.calls).toHaveLength(4);
  });
});

describe("our CALLs to the station", () => {
  test("are answered, or rejected with the station's CALLERROR", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    const answered = session.call("Reset", '{"type":"Soft"}', 2_000);
    const reset = await station.command(0);
    expect([reset.action, reset.payload]).toEqual(["Reset", { type: "Soft" }]);
    station.send([3, reset.id, { status: "Accepted" }]);
    expect(await answered).toEqual({ kind: "answered", payload: { status: "Accepted" } });
    const rejected = session.call("Reset", "{}", 2_000);
    station.send([4, (await station.command(1)).id, "SecurityError", "no", { why: 1 }]);
    expect(await rejected).toEqual({
      kind: "rejected",
      code: "SecurityError",
      description: "no",
      details: { why: 1 },
    });
    expect(reset.id).not.toBe((await station.command(1)).id);
  });

  test("an answer that cannot be read ends the command at once, as rejected", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const outcome = (await sessionOf(edge, "CP1")).call("Reset", "{}", 2_000);
    station.send([3, (await station.command(0)).id, "not an object"]);
    expect((await outcome).kind).toBe("rejected");
  });

  test("one is open at a time, the others wait, one more is told that the line is full", async () => {
    const { test: edge } = await start({ settings: settingsWith({ ocpp: { maxQueuedCommands: 1 } }) });
    const station = await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    const first = session.call("Reset", "{}", 2_000);
    const second = session.call("ClearCache", "{}", 2_000);
    expect(await session.call("Reset", "{}", 2_000)).toEqual({ kind: "lineFull" });
    station.send([3, (await station.command(0)).id, {}]);
    station.send([3, (await station.command(1)).id, {}]);
    expect([(await first).kind, (await second).kind]).toEqual(["answered", "answered"]);
    expect(station.parsed.map(({ action }) => action)).toEqual(["Reset", "ClearCache"]);
  });

  test("a silent station: the open one was sent, the waiting one was not, and both are told in time", async () => {
    const { test: edge } = await start();
    await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    const first = session.call("Reset", "{}", 50);
    const second = session.call("ClearCache", "{}", 60);
    expect(await first).toEqual({ kind: "timeout", delivery: "sent" });
    expect(await second).toEqual({ kind: "timeout", delivery: "notSent" });
  });

  test("a late answer frees the line and is counted, and is nobody else's answer", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    expect((await session.call("Reset", "{}", 20)).kind).toBe("timeout");
    const next = session.call("ClearCache", "{}", 2_000);
    const late = (await station.command(0)).id;
    station.send([3, late, { late: true }]);
    const second = await station.command(1);
    station.send([3, late, { again: true }]);
    station.send([3, second.id, { own: true }]);
    expect(await next).toEqual({ kind: "answered", payload: { own: true } });
    expect(edge.counts.of("ignored unmatched")).toBe(2);
  });

  test("the socket's end: what was sent is unknown, what waited was not sent", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const session = await sessionOf(edge, "CP1");
    const outcomes = [session.call("Reset", "{}", 5_000), session.call("ClearCache", "{}", 5_000)];
    await station.command(0);
    station.ws.terminate();
    expect(await Promise.all(outcomes)).toEqual([
      { kind: "gone", delivery: "unknown" },
      { kind: "gone", delivery: "notSent" },
    ]);
    expect(await session.call("Reset", "{}", 100)).toEqual({ kind: "gone", delivery: "notSent" });
  });

  test("the two directions may cross", async () => {
    const { backend, test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    const command = (await sessionOf(edge, "CP1")).call("Reset", "{}", 2_000);
    const { id } = await station.command(0);
    station.send([2, "same", "Authorize", {}]);
    await backend.answer(0, { ok: true });
    await station.answerTo("same");
    station.send([3, id, {}]);
    expect((await command).kind).toBe("answered");
  });
});

describe("the newest authenticated socket wins", () => {
  test("the older one of this edge is closed at once, after the claim of the newer; nothing else is released", async () => {
    const { test: edge } = await start();
    edge.ownership.grantsClaims = false; // Redis is away: it does not wait for the registry
    const older = await connect(edge.url("CP1"));
    const newer = await connect(edge.url("CP1"));
    expect(await older.ended()).toEqual({ code: 4001, reason: closeTable.superseded.reason });
    const [first] = edge.ownership.claims;
    expect(edge.ownership.releases).toEqual([{ connection: first?.connection, cause: "superseded" }]);
    expect(edge.ownership.log).toEqual(["claim", "claim", "release"]);
    expect((await newer.call("a", "Heartbeat")).type).toBe(3);
    const session = await sessionOf(edge, "CP1");
    expect(edge.edge.sessions.byKey(session.key)).toBe(session);
  });

  test("the older one's late end does not hide the newer one", async () => {
    const { test: edge } = await start();
    const stations: ChargePoint[] = [];
    for (let n = 0; n < 5; n += 1) stations.push(await connect(edge.url("CP1")));
    await Promise.all(stations.slice(0, 4).map((station) => station.ended()));
    const session = await sessionOf(edge, "CP1");
    expect([edge.edge.sessions.size, edge.edge.sessions.byKey(session.key)]).toEqual([1, session]);
  });

  test("superseded by another edge: closed with the reason, and no release is owed", async () => {
    const { test: edge } = await start();
    const station = await connect(edge.url("CP1"));
    await sessionOf(edge, "CP1");
    const [claim] = edge.ownership.claims;
    if (claim === undefined) throw new Error("no claim");
    edge.ownership.sessions?.superseded(claim, { edge: "other", epoch: 9 });
    expect((await station.ended()).code).toBe(4001);
    await eventually(() => expect(edge.edge.sessions.size).toBe(0));
    expect(edge.ownership.releases).toEqual([]);
  });
});

test("a SEND counts as what became of it: nobody waits for an answer, so none is missing (2.1)", async () => {
  running = await startTestEdge({ NotifyPeriodicEventStream: routeOf(() => Promise.resolve(okay)) });
  const { counts, url } = running;
  const station = await connect(url("CP1"), ["ocpp2.1"]);
  station.send([6, "a", "NotifyPeriodicEventStream", {}]);
  await eventually(() => expect(counts.of("served 2.1 NotifyPeriodicEventStream result")).toBe(1));
  station.send([2, "b", "NotifyPeriodicEventStream", {}]);
  await eventually(() => expect(station.frames).toEqual(['[3,"b",{}]']));
});

test("a slow consumer is ended with a reason when its outbox is full", async () => {
  const payloadJson = JSON.stringify({ data: "x".repeat(60_000) });
  running = await startTestEdge(
    { DataTransfer: routeOf(() => ({ kind: "result", payloadJson }), "local") },
    { settings: settingsWith({ ocpp: { maxOutboxBytes: 65_536 } }) },
  );
  const { counts, url, edge } = running;
  const station = await connect(url("CP1"), ["ocpp1.6"], { perMessageDeflate: false });
  station.ws.pause(); // the station reads no more: the kernel's buffers fill, then the outbox
  for (let n = 0; n < 500; n += 1) station.send([2, String(n), "DataTransfer", {}]);
  await eventually(() => expect(counts.of("ended outboxOverflow")).toBe(1));
  expect([...edge.sessions]).toEqual([]);
  const answered = counts.of("out result");
  expect(answered).toBeLessThan(500);
  station.ws.resume(); // what it was sent before comes, then the reason
  expect(await station.ended()).toEqual({ code: 1008, reason: closeTable.outboxOverflow.reason });
  expect(station.frames).toHaveLength(answered);
});

test("a station that leaves is released exactly once, whoever began it", async () => {
  const { test: edge } = await start();
  const station = await connect(edge.url("CP1"));
  const session = await sessionOf(edge, "CP1");
  session.close("operator");
  session.close("draining");
  station.ws.close();
  expect((await station.ended()).code).toBe(4002);
  await eventually(() => expect(edge.edge.sessions.size).toBe(0));
  expect(edge.ownership.releases).toEqual([{ connection: session.connection, cause: "closed" }]);
  expect(edge.counts.of("ended operator")).toBe(1);
});

test("every reason of the table fits into a close frame", () => {
  for (const { reason, code } of Object.values(closeTable)) {
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(code === 1001 || code === 1002 || (code >= 1008 && code <= 1013) || code >= 4000).toBe(true);
  }
});
