// Slow by nature: uWebSockets.js counts no idle time below 8 s.
import { eventually } from "@cpg/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { connect } from "./support/charge-point.ts";
import { settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

const shortest = settingsWith({ listen: { idleTimeoutSeconds: 8 } });

describe("liveness", () => {
  test("a station that answers pings stays, one that does not is ended and counted; a stalled event loop ends nobody", async () => {
    const edge = await startTestEdge({}, { settings: shortest });
    running = edge;
    const alive = await connect(edge.url("ALIVE"));
    const dead = await connect(edge.url("DEAD"), ["ocpp1.6"], { autoPong: false });
    await eventually(() => expect(edge.counts.of("ended idle")).toBe(1), { timeoutMs: 20_000 });
    await eventually(() => expect(dead.closed).toBeDefined()); // the edge ended it; the news has to arrive here
    // Longer than the timeout. The station, in this process, stands still as well, so nobody answers a ping.
    const until = performance.now() + 10_000;
    while (performance.now() < until);
    alive.send("");
    await eventually(() => expect(edge.counts.of("ignored emptyFrame")).toBe(1));
    expect(edge.edge.sessions.size).toBe(1);
  }, 60_000);
});
