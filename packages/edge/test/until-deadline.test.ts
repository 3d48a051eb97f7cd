import { expect, test } from "vitest";
import { untilDeadline, type Endable, type Expiry, type Patience, type Step } from "../src/until-deadline.ts";
import { MovedTime } from "./commands/world.ts";

const again: Step<string> = { kind: "again", otherwise: "over" };
const many: Patience = { deadlineMs: 25_000, attempts: "many" };

/** Begins; `attempt` hears its number. Says when each attempt began, and what came of them when. */
function begin(
  attempt: (expiry: Expiry, nth: number) => Promise<Step<string>>,
  patience = many,
  chance = 0.5,
  tried: Endable = {},
) {
  const time = new MovedTime();
  const [begun, ended]: [number[], string[]] = [[], []];
  const tryIt = (expiry: Expiry): Promise<Step<string>> => attempt(expiry, begun.push(time.monotonicMs()));
  void untilDeadline(tryIt, patience, { time, random: { next: () => chance } }, tried).then((value) =>
    ended.push(`${value} at ${String(time.monotonicMs())}`),
  );
  return { time, begun, ended };
}

/** Hangs until its expiry, at most for `ms`. */
const hangs = (expiry: Expiry, ms?: number): Promise<Step<string>> =>
  new Promise((resolve) => expiry.listen(() => resolve(again), ms));

test("attempts that hang end at their own limit and are made again, the last one to the deadline", async () => {
  const { time, begun, ended } = begin((expiry) => hangs(expiry, 8_000));
  await time.advance(24_999);
  expect(begun).toEqual([0, 8_050, 16_150, 24_350]);
  expect(ended).toEqual([]);
  await time.advance(1);
  expect(ended).toEqual(["over at 25000"]);
  expect(time.timers).toBe(0);
});

test("an attempt without a limit of its own, or with a longer one, ends at the deadline", async () => {
  for (const limitMs of [undefined, 25_000, 60_000]) {
    const { time, begun, ended } = begin((expiry) => hangs(expiry, limitMs));
    await time.advance(60_000);
    expect([begun, ended]).toEqual([[0], ["over at 25000"]]);
  }
});

test("once is one attempt, which ends at the smaller of both", async () => {
  for (const [limitMs, endMs] of [
    [8_000, 8_000],
    [30_000, 25_000],
  ] as const) {
    const { time, begun, ended } = begin((expiry) => hangs(expiry, limitMs), { ...many, attempts: "once" });
    await time.advance(60_000);
    expect([begun, ended]).toEqual([[0], [`over at ${String(endMs)}`]]);
  }
});

test("a pause ends at the deadline too, and no attempt follows it", async () => {
  const { time, begun, ended } = begin(async () => again, { ...many, deadlineMs: 1_000 }, 1);
  await time.advance(60_000);
  expect(begun).toEqual([0, 100, 300, 700]);
  expect(ended).toEqual(["over at 1000"]);
  expect(time.timers).toBe(0);
});

test("one timer at a time is all it takes, and none is left of what is done", async () => {
  const { time, ended } = begin(async (expiry, nth) => {
    if (nth < 3) return hangs(expiry, 1_000);
    expiry.listen(() => expect.unreachable(), 1_000);
    expiry.listen(undefined); // its answer came
    return { kind: "done", value: "done" };
  });
  for (const timers of [1, 1, 1, 0]) {
    expect(time.timers).toBe(timers);
    await time.advance(1_000);
  }
  expect(ended).toEqual(["done at 2150"]);
});

test("who is ended before its deadline ends at once where it waits, and what is under way by itself; neither is tried again (D5)", async () => {
  const waits = (expiry: Expiry): Promise<Step<string>> =>
    new Promise((resolve) => expiry.wait(() => resolve(again)));
  const pauses = async (): Promise<Step<string>> => again;
  for (const [attempt, endMs] of [
    [waits, 50],
    [pauses, 50],
    [(expiry: Expiry) => hangs(expiry, 8_000), 8_000],
  ] as const) {
    const tried: Endable = {};
    const { time, begun, ended } = begin(attempt, many, 1, tried);
    await time.advance(50);
    tried.expiry?.end();
    await time.advance(60_000);
    expect([begun, ended]).toEqual([[0], [`over at ${String(endMs)}`]]);
    expect(tried.expiry).toBeUndefined();
  }
});

test("no attempt begins behind the deadline, also where the event loop stood still over a pause and the deadline (D1)", async () => {
  const { time, begun, ended } = begin(async () => again, { ...many, deadlineMs: 2_000 }, 1);
  await time.advance(0);
  await time.standStill(2_500);
  expect([begun, ended]).toEqual([[0], ["over at 2500"]]);
});
