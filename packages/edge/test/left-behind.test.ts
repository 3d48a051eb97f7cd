// What charge points leave behind when they go: a real edge, a route that waits for as long as it may.

import { systemRandom, systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { expect, onTestFinished, test } from "vitest";
import type { CallAnswer } from "../src/integration.ts";
import { untilDeadline, type Step } from "../src/until-deadline.ts";
import { connect } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge } from "./support/test-edge.ts";

test("of one charge point as many CALLs are left behind as its line holds; for one more the oldest is ended (B2)", async () => {
  const [begun, ended]: [string[], string[]] = [[], []];
  const over: CallAnswer = { kind: "fault", fault: "internalError", description: "over" };
  const route = routeOf(async (call) => {
    begun.push(call.messageId);
    const answer = await untilDeadline<CallAnswer>(
      (expiry) =>
        new Promise<Step<CallAnswer>>((resolve) =>
          expiry.wait(() => resolve({ kind: "again", otherwise: over })),
        ),
      { deadlineMs: 60_000, attempts: "many" },
      { time: systemTime, random: systemRandom },
      call,
    );
    ended.push(call.messageId);
    return answer;
  });
  const settings = settingsWith({ ocpp: { maxInboundCalls: 2 } });
  const test = await startTestEdge({ $default: route }, { settings });
  onTestFinished(() => test.edge.stop());
  const leave = async (identity: string, id: string): Promise<void> => {
    const station = await connect(test.url(identity));
    station.send([2, id, "StatusNotification", {}]);
    await eventually(() => expect(begun).toContain(id));
    station.ws.close();
    await station.ended();
  };
  await leave("CP2", "other");
  for (const id of ["a", "b", "c", "d"]) await leave("CP1", id);
  await eventually(() => expect(ended).toEqual(["a", "b"]));
  expect(test.counts.of("served 1.6 StatusNotification unanswered")).toBe(2);
  const stays = await connect(test.url("CP1"));
  stays.send([2, "e", "StatusNotification", {}]);
  await eventually(() => expect(begun).toContain("e"));
  expect(ended).toEqual(["a", "b"]); // one that is there is not left behind
  expect(test.bugs).toEqual([]);
});
