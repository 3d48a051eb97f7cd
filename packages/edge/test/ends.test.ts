// What charge points see of an end while ended sockets linger (lingering.ts).

import { systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { afterEach, expect, test } from "vitest";
import { closeTable } from "../src/close-codes.ts";
import { placesFor, tickMs } from "../src/lingering.ts";
import { connect } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

const places = placesFor(1);

/** The system's time, but a lingering socket's four seconds pass when the test says so. */
function heldTime(): { time: typeof systemTime; tick: () => void } {
  const ticks: (() => void)[] = [];
  const time: typeof systemTime = {
    ...systemTime,
    every(intervalMs, run) {
      if (intervalMs !== tickMs) return systemTime.every(intervalMs, run);
      ticks.push(run);
      return { cancel: () => undefined };
    },
  };
  return { time, tick: () => ticks.forEach((run) => run()) };
}

test("beyond the places a socket is ended without a close frame, and counted so; five ticks later with one again", async () => {
  const { time, tick } = heldTime();
  const edge = (running = await startTestEdge(
    {},
    { settings: settingsWith({ listen: { maxConnections: 2 } }), time }, // nothing to lend (E6)
  ));
  const seen: number[] = [];
  let older = await connect(edge.url("CP1"));
  const supersede = async (): Promise<void> => {
    const newer = await connect(edge.url("CP1"));
    seen.push((await older.ended()).code);
    older = newer;
  };
  for (let n = 0; n < places + 3; n += 1) await supersede();
  expect(seen).toEqual([...Array<number>(places).fill(4001), 1006, 1006, 1006]);
  expect([edge.counts.of("ended superseded 4001"), edge.counts.of("ended superseded 1006")]).toEqual([
    places,
    3,
  ]);
  for (let n = 0; n < 5; n += 1) tick();
  await supersede();
  expect(seen.at(-1)).toBe(4001);
});

test("a drain tells all of its stations to come again, more than there are places", async () => {
  const names = Array.from({ length: 3 * places }, (_, n) => `CP${String(n)}`); // full: as few are lent as can be (E6)
  const edge = (running = await startTestEdge(
    {},
    { settings: settingsWith({ listen: { maxConnections: names.length } }) },
  ));
  const stations = await Promise.all(names.map((name) => connect(edge.url(name))));
  await edge.edge.drain();
  for (const station of stations) expect((await station.ended()).code).toBe(1012);
});

test("one that reads nothing after its end is let go at the fourth tick: it would hold its descriptor for as long as it likes", async () => {
  const { time, tick } = heldTime();
  const payloadJson = JSON.stringify({ data: "x".repeat(60_000) });
  const edge = (running = await startTestEdge(
    { DataTransfer: routeOf(() => ({ kind: "result", payloadJson }), "local") },
    { settings: settingsWith({ ocpp: { maxOutboxBytes: 65_536 } }), time },
  ));
  const station = await connect(edge.url("CP1"), ["ocpp1.6"], { perMessageDeflate: false });
  station.ws.pause();
  for (let n = 0; n < 500; n += 1) station.send([2, String(n), "DataTransfer", {}]);
  await eventually(() => expect(edge.counts.of("ended outboxOverflow")).toBe(1));
  expect(edge.ownership.releases).toHaveLength(1); // the session does not wait for it
  for (let n = 0; n < 4; n += 1) tick();
  station.ws.resume();
  expect((await station.ended()).code).toBe(1006);
  expect(edge.counts.of(`ended outboxOverflow ${String(closeTable.outboxOverflow.code)}`)).toBe(1);
});
