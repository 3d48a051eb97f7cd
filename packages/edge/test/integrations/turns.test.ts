import { expect, test } from "vitest";
import { Turns } from "../../src/integrations/turns.ts";
import type { Endable } from "../../src/until-deadline.ts";

/** Permits and their line, on a clock that the test moves, and what its waiters heard. */
function before(max: number) {
  let nowMs = 0;
  let timers: { atMs: number; run: () => void }[] = [];
  const heard: string[] = [];
  const told = { held: Number.NaN, waiting: Number.NaN };
  const time = {
    monotonicMs: () => nowMs,
    after(delayMs: number, run: () => void) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
    },
  };
  const turns = new Turns(max, {
    time,
    onHeld: (permits) => (told.held = permits),
    onWaiting: (messages) => (told.waiting = messages),
  });
  return {
    turns,
    heard,
    told,
    timers: () => timers.length,
    take: (count = 1) => {
      for (let n = 0; n < count; n++) expect(turns.take()).toBe(true);
    },
    release: (count = 1) => {
      for (let n = 0; n < count; n++) turns.release();
    },
    /** `takes`: whether it needs a permit when its turn comes. */
    wait: (name: string, patienceMs = 1_000, takes = true): Endable =>
      turns.wait(lines[name.charAt(0)] ?? "calls", patienceMs, {
        come(waitedMs) {
          if (takes) expect(turns.take()).toBe(true);
          heard.push(`${name} after ${String(waitedMs)}`);
        },
        over: () => heard.push(`not ${name}`),
      }),
    /** Moves the clock; `late`: timers wait meanwhile, as behind a busy event loop. */
    move: (ms: number, late = false) => {
      nowMs += ms;
      if (late) return;
      for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) timer.run();
    },
  };
}

/** By the first letter of a waiter's name. */
const lines: Readonly<Record<string, "retries" | "events">> = { "+": "retries", $: "events" };

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("no more permits are held than there are, and each change is told", () => {
  const { turns, told, take, release, wait } = before(2);
  expect(told).toEqual({ held: 0, waiting: 0 });
  take(2);
  expect([turns.take(), told]).toEqual([false, { held: 2, waiting: 0 }]);
  wait("a").expiry?.end();
  wait("b");
  expect(told).toEqual({ held: 2, waiting: 1 });
  release();
  expect(told).toEqual({ held: 1, waiting: 1 });
});

test("who waits goes in the order of coming, as permits become free, and nobody who comes meanwhile goes before (Y1)", async () => {
  const { turns, heard, take, release, wait, move } = before(2);
  expect(turns.mustWait).toBe(false);
  take(2);
  expect(turns.mustWait).toBe(true);
  for (const name of ["a", "b", "c", "d"]) wait(name);
  move(10);
  release(2);
  expect([heard, turns.mustWait]).toEqual([[], true]); // a permit is free, and not the comer's
  await settled();
  expect(heard).toEqual(["a after 10", "b after 10"]);
  release();
  await settled();
  expect(heard).toEqual(["a after 10", "b after 10", "c after 10"]);
});

test("who has gone waits for nothing any more: no timer is left, and the line is as good as new", async () => {
  const { turns, heard, timers, take, release, wait } = before(1);
  take();
  wait("a");
  release();
  await settled();
  expect([heard, timers(), turns.mustWait]).toEqual([["a after 0"], 0, true]);
  release();
  expect(turns.mustWait).toBe(false);
});

test("one whose patience ends leaves the line, and does not keep those behind it (Y5)", async () => {
  const { turns, heard, take, release, wait, move } = before(1);
  take();
  wait("a", 100);
  wait("b", 1_000);
  move(100);
  expect(heard).toEqual(["not a"]);
  release();
  await settled();
  expect(heard.slice(1)).toEqual(["b after 100"]);
  release();
  expect(turns.mustWait).toBe(false);
});

test("one that is ended leaves at once, and hears of nothing else", async () => {
  const { turns, heard, timers, take, release, wait, move } = before(1);
  take();
  const a = wait("a");
  move(20);
  a.expiry?.end();
  a.expiry?.end();
  expect([heard, timers()]).toEqual([["not a"], 0]);
  release();
  await settled();
  expect([heard.length, turns.mustWait]).toEqual([1, false]);
});

test("one whose turn comes behind a standstill, too late, does not take it (Y5)", async () => {
  const { heard, take, release, wait, move } = before(1);
  take();
  wait("a", 100);
  wait("b", 1_000);
  move(150, true);
  release();
  await settled();
  await settled(); // Y3: one at a time
  expect(heard).toEqual(["not a", "b after 150"]);
  move(0);
  expect(heard).toHaveLength(2);
});

test("where nobody takes a permit, as many as there are permits go in a turn of the event loop, and all of them in the end (Y3)", async () => {
  const { heard, take, release, wait } = before(3);
  take(3);
  for (let n = 0; n < 8; n++) wait(String(n), 1_000, false);
  release();
  await settled();
  expect(heard).toHaveLength(3);
  await settled();
  expect(heard).toHaveLength(6);
  await settled();
  expect(heard).toHaveLength(8);
});

test("one that waits again when its turn comes is behind the others", async () => {
  const { turns, heard, take, release, wait } = before(1);
  take();
  turns.wait("calls", 1_000, { come: () => void wait("a"), over: () => undefined });
  wait("b");
  release();
  await settled();
  await settled(); // Y3: one at a time
  expect(heard).toEqual(["b after 0"]);
});

test("attempts that are tried again take turns with CALLs, so that an action that always fails leaves room for the others (Y1)", async () => {
  const { heard, take, release, wait } = before(1);
  take();
  for (const name of ["+a", "+b", "+c", "+d", "a", "b", "$a"]) wait(name);
  for (let n = 0; n < 7; n++) {
    release();
    await settled();
  }
  const order = ["+a", "a", "+b", "b", "+c", "+d", "$a"];
  expect(heard).toEqual(order.map((name) => `${name} after 0`));
});

test("an event goes behind all CALLs, also those that came later, and is given up at once where four times as many wait as there are permits (Y4)", async () => {
  const { turns, heard, timers, take, release, wait } = before(1);
  take();
  for (const name of ["$a", "$b", "b", "$c", "$d"]) wait(name);
  expect([heard, timers()]).toEqual([[], 5]);
  wait("$e");
  expect([heard, timers()]).toEqual([["not $e"], 5]);
  wait("c");
  release();
  await settled();
  release();
  await settled();
  release();
  await settled();
  expect(heard.slice(1)).toEqual(["b after 0", "c after 0", "$a after 0"]);
  wait("$f"); // there is room again
  for (let n = 0; n < 4; n++) {
    release();
    await settled();
  }
  expect(heard.slice(4)).toEqual(["$b after 0", "$c after 0", "$d after 0", "$f after 0"]);
  release();
  expect(turns.mustWait).toBe(false);
});

test("those whose patience ended keep no event from waiting: they stand in the line no more (Y5)", async () => {
  const { turns, heard, take, release, wait, move } = before(1);
  take();
  for (const name of ["$a", "$b", "$c", "$d"]) wait(name);
  move(1_000);
  wait("$e");
  expect(heard).toEqual(["not $a", "not $b", "not $c", "not $d"]);
  release();
  await settled();
  expect(heard.at(-1)).toBe("$e after 0");
  release();
  expect(turns.mustWait).toBe(false);
});
