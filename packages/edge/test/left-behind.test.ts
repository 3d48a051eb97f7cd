// What charge points leave behind when they go: a real edge, a route that waits for as long as it may.

import { systemRandom, systemTime, type Time } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CallAnswer, InboundCall, RouteTurn, RouteTurns } from "../src/integration.ts";
import { createHttpRoute } from "../src/integrations/http.ts";
import type { Fetched, HttpTarget } from "../src/integrations/http-target.ts";
import { untilDeadline, type Expiry, type Step } from "../src/until-deadline.ts";
import { connect } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

/** An edge that keeps two CALLs of a charge point that left, of which each waits until it is ended, or answered by hand. */
async function start(gatherMs = 0) {
  const [begun, ended]: [string[], string[]] = [[], []];
  const answers = new Map<string, () => void>();
  const over: CallAnswer = { kind: "fault", fault: "internalError", description: "over" };
  const route = routeOf(async (call) => {
    const { messageId } = call;
    begun.push(messageId);
    const answer = await untilDeadline<CallAnswer>(
      (expiry) =>
        new Promise<Step<CallAnswer>>((resolve) => {
          const value: CallAnswer = { kind: "result", payloadJson: "{}" };
          answers.set(messageId, () => resolve({ kind: "done", value }));
          expiry.wait(() => resolve({ kind: "again", otherwise: over }));
        }),
      { deadlineMs: 60_000, attempts: "many" },
      { time: systemTime, random: systemRandom },
      call,
    );
    if (answer.kind === "fault") ended.push(messageId);
    return answer;
  });
  const { routes } = settingsWith({});
  const settings = settingsWith({ ocpp: { maxInboundCalls: 2 }, routes: { ...routes, gatherMs } });
  const edge = await startTestEdge({ StatusNotification: route }, { settings });
  onTestFinished(() => edge.edge.stop());
  return { edge, begun, ended, answer: (id: string) => answers.get(id)?.() };
}

async function tell({ url }: TestEdge, identity: string, id: string) {
  const station = await connect(url(identity));
  station.send([2, id, "StatusNotification", {}]);
  return station;
}

async function leave({ edge, begun }: Awaited<ReturnType<typeof start>>, identity: string, id: string) {
  const station = await tell(edge, identity, id);
  await eventually(() => expect(begun).toContain(id));
  station.ws.close();
  await station.ended();
}

test("of one charge point as many CALLs are left behind as its line holds; for one more the oldest is ended (B2)", async () => {
  const run = await start();
  const { edge, begun, ended } = run;
  await leave(run, "CP2", "other");
  for (const id of ["a", "b", "c", "d"]) await leave(run, "CP1", id);
  await eventually(() => expect(ended).toEqual(["a", "b"]));
  await eventually(() => expect(edge.counts.of("served 1.6 StatusNotification unanswered")).toBe(2));
  await tell(edge, "CP1", "e");
  await eventually(() => expect(begun).toContain("e"));
  expect(ended).toEqual(["a", "b"]); // one that is there is not left behind
  expect(edge.bugs).toEqual([]);
});

test("what is answered is not left behind any more", async () => {
  const run = await start();
  for (const id of ["a", "b"]) await leave(run, "CP1", id);
  run.answer("b");
  await eventually(() => expect(run.edge.counts.of("served 1.6 StatusNotification unanswered")).toBe(1));
  await leave(run, "CP1", "c");
  await leave(run, "CP2", "other");
  expect(run.ended).toEqual([]);
  await leave(run, "CP1", "d");
  await eventually(() => expect(run.ended).toEqual(["a"]));
});

test("who leaves before its CALL does, in a crowd, leaves it behind as well", async () => {
  const run = await start(1_500);
  const ids = ["a", "b", "c", "d", "e", "f"];
  for (const id of ids) {
    const station = await tell(run.edge, "CP1", id);
    station.ws.close();
    await station.ended();
  }
  await eventually(() => expect(run.begun.toSorted()).toEqual(ids));
  await eventually(() => expect(run.ended).toHaveLength(4));
});

test("CALLs that wait for their turn are left behind as well: those that are ended leave the line, the others are served (B2)", async () => {
  const [waiting, ended, served]: [RouteTurn[], number[], string[]] = [[], [], []];
  const turns: RouteTurns = {
    mustWait: true,
    wait(_line, turn) {
      const place = waiting.push(turn) - 1;
      const end = (): void => {
        ended.push(place);
        turn.over({ kind: "fault", fault: "internalError", description: "over" });
      };
      return { expiry: { end } };
    },
  };
  const route = routeOf((call) => {
    served.push(`${call.messageId} after ${String(call.waitedMs)}`);
    return { kind: "result", payloadJson: "{}" };
  });
  const settings = settingsWith({ ocpp: { maxInboundCalls: 2 } });
  const edge = await startTestEdge({ StatusNotification: { ...route, turns } }, { settings });
  onTestFinished(() => edge.edge.stop());
  for (const id of ["a", "b", "c", "d"]) {
    const before = waiting.length;
    const station = await tell(edge, "CP1", id);
    await eventually(() => expect(waiting).toHaveLength(before + 1));
    station.ws.close();
    await station.ended();
  }
  const unanswered = "served 1.6 StatusNotification unanswered";
  await eventually(() => expect(edge.counts.of(unanswered)).toBe(2));
  expect(ended).toEqual([0, 1]);
  for (const turn of waiting.slice(2)) turn.come(20);
  await eventually(() => expect(edge.counts.of(unanswered)).toBe(4));
  expect(served).toEqual(["c after 20", "d after 20"]);
  const last = await tell(edge, "CP1", "e");
  await eventually(() => expect(waiting).toHaveLength(5));
  last.ws.close();
  await last.ended();
  expect([ended.length, edge.bugs]).toEqual([2, []]); // what was served is not left behind any more
});

test("a station that stays is answered when its turn comes, or told that it did not; a repetition of what was answered waits for none", async () => {
  const waiting: RouteTurn[] = [];
  const turns = {
    mustWait: false,
    wait(_line: unknown, turn: RouteTurn) {
      waiting.push(turn);
      return {};
    },
  };
  const route = routeOf(() => ({ kind: "result", payloadJson: "{}" }));
  const edge = await startTestEdge({ StatusNotification: { ...route, turns } });
  onTestFinished(() => edge.edge.stop());
  const station = await connect(edge.url("CP1"));
  expect((await station.call("a", "StatusNotification")).type).toBe(3);
  turns.mustWait = true;
  expect((await station.call("a", "StatusNotification")).type).toBe(3);
  station.send([2, "b", "StatusNotification", {}]);
  await eventually(() => expect(waiting).toHaveLength(1));
  waiting[0]?.come(1);
  expect((await station.answerTo("b")).type).toBe(3);
  station.send([2, "c", "StatusNotification", {}]);
  await eventually(() => expect(waiting).toHaveLength(2));
  waiting[1]?.over({ kind: "fault", fault: "internalError", description: "too many" });
  expect(await station.answerTo("c")).toMatchObject({ code: "InternalError", description: "too many" });
});

describe("a CALL over HTTP", () => {
  function routeTo(time: Time, fetch: (request: unknown, expiry: Expiry) => Promise<Fetched>) {
    const counted: string[] = [];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that a route asks of its target
    const target = {
      origin: "http://h",
      fetch,
      fetchAgain: fetch,
      patienceOf: () => Infinity,
      count: (as: string, startedMs: number) => counted.push(`${as} since ${String(startedMs)}`),
    } as unknown as HttpTarget;
    const nothing = (): void => undefined;
    const ports = {
      time,
      random: systemRandom,
      newTraceparent: () => "",
      onFailure: nothing,
      onAnswer: nothing,
    };
    const options = { name: "r", pathTemplate: "/", headers: new Map(), deadlineMs: 1_000, edge: "e" };
    return { route: createHttpRoute(options, target, ports), counted };
  }
  const station = { identity: "CP1", key: "CP1", version: "1.6", connection: "c", remote: "" };
  const callOf = (waitedMs: number): InboundCall => {
    const call = {
      callId: "c:1",
      messageId: "a",
      action: "A",
      payloadJson: "{}",
      station,
      patience: "normal",
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names without their brands
    return { ...call, waitedMs, span: undefined, expiry: undefined } as unknown as InboundCall;
  };

  test("can be ended while it is tried", () => {
    const { route } = routeTo(systemTime, () => new Promise(() => undefined));
    const asked = callOf(0);
    void route.serve(asked);
    expect(asked.expiry).toBeDefined();
  });

  test("that waited for its turn has so much less time, and that wait is no part of its attempts", async () => {
    let nowMs = 5_000;
    const timers: number[] = [];
    const time: Time = {
      ...systemTime,
      monotonicMs: () => nowMs,
      after(delayMs, run) {
        timers.push(delayMs);
        return systemTime.after(0, run);
      },
    };
    const timeout: Fetched = { kind: "none", as: "timeout" };
    const { route, counted } = routeTo(time, (_request, expiry) => {
      nowMs += 100;
      if (timers.length > 0) return new Promise((resolve) => expiry.listen(() => resolve(timeout)));
      return Promise.resolve(timeout);
    });
    const answer = await route.serve(callOf(700));
    expect(answer).toMatchObject({ kind: "fault", description: expect.stringContaining("silence") });
    expect(counted).toEqual(["timeout since 5000", "timeout since 5100"]);
    expect(timers.at(-1)).toBe(100); // 1,000 less 700 in line, and 100 for each attempt
  });
});
