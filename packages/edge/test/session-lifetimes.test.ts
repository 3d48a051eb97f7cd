import { eventually } from "@cpg/testkit";
import { afterEach, describe, expect, test } from "vitest";
import type { CallAnswer, InboundCall, RouteTurn, RouteTurns } from "../src/integration.ts";
import { connect } from "./support/charge-point.ts";
import { routeOf, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

/** An edge that tells `$connect` and `$disconnect`, and what it told; `answered` after `backendMs`. */
async function start(
  backendMs = 0,
): Promise<{ edge: TestEdge; told: InboundCall[]; answered: () => number }> {
  const told: InboundCall[] = [];
  let answers = 0;
  const route = routeOf((call) => {
    told.push(call);
    return new Promise<CallAnswer>((resolve) =>
      setTimeout(() => {
        answers += 1;
        resolve({ kind: "result", payloadJson: "{}" });
      }, backendMs),
    );
  });
  running = await startTestEdge({ $connect: route, $disconnect: route });
  return { edge: running, told, answered: () => answers };
}

const summary = (told: readonly InboundCall[]): string[] =>
  told.map(({ action, station }) => `${action} ${station.epoch === undefined ? "without" : "with"} epoch`);

describe("$connect and $disconnect (V3, V4)", () => {
  test("carry the epoch", async () => {
    const { edge, told } = await start();
    const station = await connect(edge.url("CP1"));
    await eventually(() => expect(summary(told)).toEqual(["$connect with epoch"]));
    station.ws.close();
    await eventually(() => expect(summary(told)).toEqual(["$connect with epoch", "$disconnect with epoch"]));
    expect(told[0]?.station.epoch).toBe(told[1]?.station.epoch);
  });

  test("are told without one while the registry grants none, and once if it does later", async () => {
    const { edge, told } = await start();
    edge.ownership.grantsClaims = false;
    await connect(edge.url("CP1"));
    await eventually(() => expect(summary(told)).toEqual(["$connect without epoch"]));
    const [claim] = edge.ownership.claims;
    if (claim !== undefined) edge.ownership.sessions?.granted(claim, 7);
    await connect(edge.url("CP2"));
    await eventually(() => expect(told).toHaveLength(2));
    expect(told.map(({ station }) => String(station.identity))).toEqual(["CP1", "CP2"]);
  });

  test("are both told of a session that ends before its grant", async () => {
    const { edge, told } = await start();
    edge.ownership.grantsClaims = false;
    const station = await connect(edge.url("CP1"));
    station.ws.close();
    await eventually(() =>
      expect(summary(told)).toEqual(["$connect without epoch", "$disconnect without epoch"]),
    );
  });

  test("are not told of a session that the registry refused", async () => {
    const { edge, told } = await start();
    edge.ownership.nextClaim = { kind: "refused", reason: "owed-full" };
    await (await connect(edge.url("CP1"))).ended();
    edge.ownership.nextClaim = { kind: "accepted" };
    await connect(edge.url("CP2"));
    await eventually(() => expect(told.map(({ station }) => String(station.identity))).toEqual(["CP2"]));
  });

  test("are waited for by a drain, but not for ever", async () => {
    const { edge, answered } = await start(300);
    await Promise.all(Array.from({ length: 20 }, (_, n) => connect(edge.url(`CP${n}`))));
    await edge.edge.drain();
    expect(answered()).toBe(40);
  });

  test("wait for their turn behind all CALLs, and a drain for that; one that is given up is over", async () => {
    const [waiting, lines, served]: [RouteTurn[], string[], string[]] = [[], [], []];
    const turns: RouteTurns = {
      mustWait: true,
      wait(line, turn) {
        lines.push(line);
        waiting.push(turn);
        return {};
      },
    };
    const route = routeOf(({ action, waitedMs }) => {
      served.push(`${action} after ${String(waitedMs)}`);
      return { kind: "result", payloadJson: "{}" };
    });
    running = await startTestEdge({ $connect: { ...route, turns }, $disconnect: { ...route, turns } });
    await connect(running.url("CP1"));
    await eventually(() => expect(waiting).toHaveLength(1));
    const drained = running.edge.drain().then(() => served.push("drained"));
    await eventually(() => expect(waiting).toHaveLength(2));
    waiting[0]?.over({ kind: "fault", fault: "internalError", description: "too many" });
    waiting[1]?.come(30);
    await drained;
    expect([lines, served]).toEqual([
      ["events", "events"],
      ["$disconnect after 30", "drained"],
    ]);
  });

  test("end a drain also when the backend is silent", async () => {
    const { edge, answered } = await start(3_600_000);
    await connect(edge.url("CP1"));
    await edge.edge.drain();
    expect(answered()).toBe(0);
  });
});
