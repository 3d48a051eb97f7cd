// What charge points leave behind when they go: a real edge, a route that waits for as long as it may.

import { systemRandom, systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { expect, onTestFinished, test } from "vitest";
import type { CallAnswer, InboundCall } from "../src/integration.ts";
import { createHttpRoute } from "../src/integrations/http.ts";
import type { HttpTarget } from "../src/integrations/http-target.ts";
import { untilDeadline, type Step } from "../src/until-deadline.ts";
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

test("a CALL over HTTP can be ended while it is tried", () => {
  const target = { origin: "http://h", fetch: () => new Promise(() => undefined) } as unknown as HttpTarget;
  const nothing = (): void => undefined;
  const ports = {
    time: systemTime,
    random: systemRandom,
    newTraceparent: () => "",
    onFailure: nothing,
    onAnswer: nothing,
  };
  const options = { name: "r", pathTemplate: "/", headers: new Map(), deadlineMs: 60_000, edge: "e" };
  const station = { identity: "CP1", key: "CP1", version: "1.6", connection: "c", remote: "" };
  const call = { callId: "c:1", messageId: "a", action: "A", payloadJson: "{}", station, patience: "normal" };
  const asked = { ...call, span: undefined, expiry: undefined } as unknown as InboundCall;
  void createHttpRoute(options, target, ports).serve(asked);
  expect(asked.expiry).toBeDefined();
});
