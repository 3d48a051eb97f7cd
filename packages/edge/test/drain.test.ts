import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { eventually } from "@cpg/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { systemTime } from "@cpg/session-registry";
import type { CallAnswer } from "../src/integration.ts";
import { createLocalRoute } from "../src/integrations/local.ts";
import { connect, refused } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

async function start(drain: Parameters<typeof settingsWith>[0]["drain"] = {}): Promise<{
  edge: TestEdge;
  answers: ((answer: CallAnswer) => void)[];
}> {
  const answers: ((answer: CallAnswer) => void)[] = [];
  const held = routeOf(() => new Promise((resolve) => answers.push(resolve)));
  const routes = { Heartbeat: createLocalRoute("Heartbeat", "heartbeat", systemTime), Authorize: held };
  const edge = await startTestEdge(routes, {
    settings: settingsWith({ drain: { sliceIntervalMs: 20, ...drain } }),
  });
  running = edge;
  return { edge, answers };
}

describe("drain", () => {
  test("says so to the others, accepts no more, closes with 1012 and releases as drained", async () => {
    const { edge } = await start();
    const station = await connect(edge.url("CP1"));
    expect(await edge.edge.drain()).toEqual({ closed: 1, forced: 0 });
    expect(edge.edge.isDraining).toBe(true);
    expect((await station.ended()).code).toBe(1012);
    expect(edge.ownership.log).toEqual(["claim", "setDraining", "release"]);
    expect(edge.ownership.releases.map(({ cause }) => cause)).toEqual(["drained"]);
    await expect(refused(edge.url("CP2"))).rejects.toThrow(/ECONNREFUSED/);
  });

  test("sockets leave in slices, so the fleet does not come back in one second", async () => {
    const { edge } = await start({ sliceSize: 2, sliceIntervalMs: 60 });
    await Promise.all(Array.from({ length: 6 }, (_, n) => connect(edge.url(`CP${String(n)}`))));
    const before = performance.now();
    expect(await edge.edge.drain()).toEqual({ closed: 6, forced: 0 });
    expect(performance.now() - before).toBeGreaterThan(110); // two pauses between three slices
  });

  test("what is in flight is finished first: its answer comes before the close", async () => {
    const { edge, answers } = await start();
    const station = await connect(edge.url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    const drained = edge.edge.drain();
    await expect(refused(edge.url("CP2"))).rejects.toThrow(/ECONNREFUSED/);
    station.send([2, "b", "Heartbeat", {}]); // waits for "a"
    await eventually(() => expect(edge.counts.of("in call")).toBe(2));
    answers[0]?.({ kind: "result", payloadJson: "{}" });
    expect(await drained).toEqual({ closed: 1, forced: 0 });
    await station.ended();
    expect(station.parsed.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("who was connected already and asks only now is refused with 503: its next attempt finds another edge", async () => {
    const { edge, answers } = await start();
    const late = connectTcp(edge.edge.listenPort, "127.0.0.1");
    await once(late, "connect");
    late.write("GET /ocpp/CP2 HTTP/1.1\r\nHost: edge\r\nUpgrade: websocket\r\n");
    const station = await connect(edge.url("CP1")); // came in after it: both are accepted
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    const drained = edge.edge.drain();
    late.write("Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    late.write("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n");
    const [head] = (await once(late, "data")) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 503 [^]*Retry-After: \d+[^]*draining\n$/u);
    expect(edge.counts.of("refused draining")).toBe(1);
    await once(late, "close");
    answers[0]?.({ kind: "result", payloadJson: "{}" });
    await drained;
  });

  test("a command that waits for its answer is in flight too", async () => {
    const { edge } = await start();
    const station = await connect(edge.url("CP1"));
    const outcome = [...edge.edge.sessions][0]?.call("Reset", "{}", 5_000);
    const { id } = await station.command(0);
    const drained = edge.edge.drain();
    station.send([3, id, {}]);
    expect((await outcome)?.kind).toBe("answered");
    expect((await drained).forced).toBe(0);
  });

  test("callers that follow one another do not keep a station: the open command is finished, no other is sent", async () => {
    const { edge } = await start({ deadlineMs: 20_000 });
    const station = await connect(edge.url("CP1"));
    const [session] = edge.edge.sessions;
    const open = session?.call("Reset", "{}", 15_000);
    const queued = session?.call("ClearCache", "{}", 15_000);
    const { id } = await station.command(0);
    const drained = edge.edge.drain();
    expect(await queued).toEqual({ kind: "gone", delivery: "notSent" });
    expect(await session?.call("Reset", "{}", 15_000)).toEqual({ kind: "gone", delivery: "notSent" });
    station.send([3, id, {}]);
    expect((await open)?.kind).toBe("answered");
    expect(await drained).toEqual({ closed: 1, forced: 0 });
    expect(station.parsed).toHaveLength(1);
  });

  test("a station whose own CALL is open gets no command either, also if it has had none yet", async () => {
    const { edge, answers } = await start({ deadlineMs: 20_000 });
    const station = await connect(edge.url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    const [session] = edge.edge.sessions;
    const drained = edge.edge.drain();
    expect(await session?.call("Reset", "{}", 15_000)).toEqual({ kind: "gone", delivery: "notSent" });
    answers[0]?.({ kind: "result", payloadJson: "{}" });
    expect(await drained).toEqual({ closed: 1, forced: 0 });
    expect(station.parsed.map(({ id }) => id)).toEqual(["a"]);
  });

  test("the deadline ends it: what is still busy is closed all the same", async () => {
    const { edge, answers } = await start({ deadlineMs: 100 });
    const station = await connect(edge.url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    expect(await edge.edge.drain()).toEqual({ closed: 0, forced: 1 });
    expect((await station.ended()).code).toBe(1012);
  });

  test("hurry is a deadline now: what a second signal does", async () => {
    const { edge, answers } = await start({ deadlineMs: 600_000 });
    const station = await connect(edge.url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    const drained = edge.edge.drain();
    edge.edge.hurry();
    expect(await drained).toEqual({ closed: 0, forced: 1 });
    expect(await edge.edge.drain()).toEqual({ closed: 0, forced: 1 }); // once
  });

  /** An edge to which a station has told something, and left before it was answered. */
  async function startLeft(deadlineMs: number) {
    const { edge, answers } = await start({ deadlineMs });
    const station = await connect(edge.url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(answers).toHaveLength(1));
    station.ws.close();
    await station.ended();
    return { edge, answers };
  }

  test("what a station left behind is waited for: its backend is to hear of it", async () => {
    const { edge, answers } = await startLeft(20_000);
    const ended: string[] = [];
    const drained = edge.edge.drain().finally(() => ended.push("drained"));
    await new Promise((resolve) => setTimeout(resolve, 100)); // five slices
    expect(ended).toEqual([]);
    answers[0]?.({ kind: "result", payloadJson: "{}" });
    expect(await drained).toEqual({ closed: 0, forced: 0 });
  });

  test("for no longer than its deadline", async () => {
    const { edge } = await startLeft(200);
    expect(await edge.edge.drain()).toEqual({ closed: 0, forced: 0 });
  });
});
