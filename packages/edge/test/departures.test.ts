import { expect, test } from "vitest";
import { Departures, type Party } from "../src/departures.ts";

/** A clock that the test moves, and who has left by then: each departure's time and names. */
function station(gatherMs: number): {
  departures: Departures;
  come: (atMs: number, ...names: string[]) => void;
  waitUntil: (atMs: number) => void;
  now: () => number;
  left: string[];
  bugs: unknown[];
} {
  let nowMs = 0;
  const bugs: unknown[] = [];
  let timers: { atMs: number; run: () => void }[] = [];
  const left: string[] = [];
  const time = {
    monotonicMs: () => nowMs,
    after(delayMs: number, run: () => void) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
    },
  };
  const departures = new Departures(gatherMs, time, (error) => bugs.push(error));
  const waitUntil = (atMs: number): void => {
    for (;;) {
      const due = timers.filter((timer) => timer.atMs <= atMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      timers = timers.filter((timer) => timer !== due);
      nowMs = due.atMs;
      due.run();
    }
    nowMs = atMs;
  };
  const come = (atMs: number, ...names: string[]): void => {
    waitUntil(atMs);
    for (const name of names) departures.add(() => left.push(`${name} at ${String(nowMs)}`));
  };
  return { departures, come, waitUntil, now: () => nowMs, left, bugs };
}

test("a quiet edge never makes anybody wait", () => {
  const { come, left } = station(5);
  for (let atMs = 0; atMs < 40; atMs += 2) come(atMs, "one");
  expect(left).toEqual(Array.from({ length: 20 }, (_, n) => `one at ${String(2 * n)}`));
});

test("in a crowd those that come within gatherMs of the last departure leave together, in their order", () => {
  const { come, waitUntil, left } = station(5);
  come(0, "a", "b", "c"); // nobody came before them
  expect(left).toEqual(["a at 0", "b at 0", "c at 0"]);
  come(1, "d");
  come(4, "e", "f");
  expect(left).toHaveLength(3);
  waitUntil(20);
  expect(left.slice(3)).toEqual(["d at 5", "e at 5", "f at 5"]);
});

test("nobody waits for longer than gatherMs, however many come", () => {
  const { departures, waitUntil, now } = station(5);
  let longestMs = 0;
  let count = 0;
  for (let atMs = 0; atMs < 100; atMs += 0.5) {
    waitUntil(atMs);
    const cameAtMs = atMs;
    departures.add(() => {
      count += 1;
      longestMs = Math.max(longestMs, now() - cameAtMs);
    });
  }
  waitUntil(200);
  expect(count).toBe(200);
  expect(longestMs).toBeLessThanOrEqual(5);
});

test("with gatherMs 0 nobody waits in any crowd", () => {
  const { come, left } = station(0);
  come(0, "a", "b", "c", "d", "e", "f");
  expect(left).toHaveLength(6);
});

test("one that throws is told as a bug, and the others leave all the same", () => {
  const { departures, come, waitUntil, left, bugs } = station(5);
  const bug = new Error("a bug");
  const broken = (): void => {
    throw bug;
  };
  departures.add(broken);
  come(0, "a", "b");
  come(1, "c");
  departures.add(broken);
  come(2, "d");
  waitUntil(20);
  expect(left).toEqual(["a at 0", "b at 0", "c at 5", "d at 5"]);
  expect(bugs).toEqual([bug, bug]);
});

/** Lets `count` leave together at 5 ms; their party, and who went on from there and when. */
function together(
  count: number,
): ReturnType<typeof station> & { party: Party; wentOn: string[]; cameBack: (name: string) => void } {
  const all = station(5);
  all.come(0, "a", "b", "c");
  let party: Party | undefined;
  all.waitUntil(1);
  for (let n = 0; n < count; n++) {
    all.departures.add((its) => {
      party = its;
      its?.expect();
    });
  }
  all.waitUntil(5);
  if (party === undefined) throw new Error("nobody left with anybody");
  const wentOn: string[] = [];
  const its = party;
  return {
    ...all,
    party,
    wentOn,
    cameBack: (name) => its.cameBack(() => wentOn.push(`${name} at ${String(all.now())}`)),
  };
}

test("who left together comes back together, in the order of coming back", () => {
  const { cameBack, waitUntil, wentOn } = together(3);
  cameBack("a");
  waitUntil(6);
  cameBack("c");
  expect(wentOn).toEqual([]);
  waitUntil(7);
  cameBack("b");
  expect(wentOn).toEqual(["a at 7", "c at 7", "b at 7"]);
  waitUntil(50);
  expect(wentOn).toHaveLength(3);
});

test("a slow one holds the others up until gatherMs after they left, and who is back later goes on at once", () => {
  const { cameBack, waitUntil, wentOn } = together(4);
  cameBack("a");
  waitUntil(9);
  cameBack("b");
  expect(wentOn).toEqual([]);
  waitUntil(30);
  cameBack("c");
  waitUntil(40);
  cameBack("d");
  expect(wentOn).toEqual(["a at 10", "b at 10", "c at 30", "d at 40"]);
});

test("who leaves alone has nobody to wait for", () => {
  const { departures, come, waitUntil } = station(5);
  const parties: (Party | undefined)[] = [];
  departures.add((party) => parties.push(party));
  come(0, "a", "b");
  waitUntil(1);
  departures.add((party) => parties.push(party)); // in a crowd, but nobody else comes until it leaves
  waitUntil(20);
  expect(parties).toEqual([undefined, undefined]);
});

test("one that throws on its way back is told as a bug, and the others go on all the same", () => {
  const { party, cameBack, bugs, wentOn } = together(3);
  const bug = new Error("a bug");
  cameBack("a");
  party.cameBack(() => {
    throw bug;
  });
  cameBack("c");
  expect(wentOn).toEqual(["a at 5", "c at 5"]);
  expect(bugs).toEqual([bug]);
});
