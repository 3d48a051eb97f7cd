import { expect, test } from "vitest";
import { otherApiConnections } from "../src/commands/limits.ts";
import { Lingering, placesFor } from "../src/lingering.ts";
import { defaultConfig } from "./support/test-edge.ts";

const places = 3;

/** Of an edge that is full, unless `connections` says less. */
function start(isDraining = false, connections = () => 40): Lingering {
  return new Lingering({ places, maxConnections: 40, connections, isDraining: () => isDraining });
}

/** Ends as many as may be ended with a close frame, and says how many these were. */
function takeAll(lingering: Lingering): number {
  let taken = 0;
  while (taken < 100 && lingering.take()) taken += 1;
  return taken;
}

function ticks(lingering: Lingering, count: number): void {
  for (let n = 0; n < count; n += 1) lingering.tick();
}

test("while all places are taken none is ended with a close frame: its descriptor would be one too many", () => {
  const lingering = start();
  expect(takeAll(lingering)).toBe(places);
  expect(lingering.take()).toBe(false);
});

test("a place is free at the fifth tick and not before: only then uWebSockets.js has surely swept four times", () => {
  const lingering = start();
  takeAll(lingering);
  ticks(lingering, 4);
  expect(lingering.take()).toBe(false);
  lingering.tick();
  expect(takeAll(lingering)).toBe(places);
});

test("each place comes back by itself, five ticks after it was taken, round after round", () => {
  const lingering = start();
  for (let round = 0; round < 12; round += 1) {
    expect(lingering.take()).toBe(round % 5 < places);
    lingering.tick();
  }
});

test("half of what is spare is lent, and counts as connections until it is free: the sum of descriptors stays (E6)", () => {
  let open = 20;
  const lingering = start(false, () => open);
  expect(takeAll(lingering)).toBe(places + 10);
  expect(lingering.lent).toBe(10);
  open = 40 - lingering.lent; // as many as admission lets in then
  expect(lingering.take()).toBe(false);
  ticks(lingering, 5);
  expect(lingering.lent).toBe(0);
});

test("however many come, go and are superseded, open and lingering sockets have their descriptors (E6)", () => {
  let open = 0;
  const lingering = start(false, () => open);
  let seed = 1;
  const chance = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let lingered: number[] = [];
  for (let step = 0; step < 5_000; step += 1) {
    const choice = chance();
    if (choice < 0.5 && open + lingering.lent < 40) open += 1;
    else if (choice < 0.9 && open > 0) {
      if (lingering.take()) lingered.push(5);
      open -= 1;
    } else if (choice > 0.97) {
      lingering.tick();
      lingered = lingered.map((left) => left - 1).filter((left) => left > 0);
    }
    expect(open + lingered.length).toBeLessThanOrEqual(40 + places);
  }
});

test("a draining edge ends all with a close frame: nobody comes in to want their descriptors", () => {
  expect(takeAll(start(true))).toBe(100);
});

test("who waits for its peer to read is aborted at the fourth tick, before its place is another's", () => {
  const lingering = start();
  const socket = {
    aborted: 0,
    abort() {
      this.aborted += 1;
      lingering.waited(this);
    },
  };
  takeAll(lingering);
  lingering.wait(socket);
  ticks(lingering, 3);
  expect(socket.aborted).toBe(0);
  lingering.tick();
  expect([socket.aborted, lingering.take()]).toEqual([1, false]);
  ticks(lingering, 10);
  expect(socket.aborted).toBe(1);
});

test("who was read in time is left alone", () => {
  const lingering = start();
  const socket = { abort: () => expect.unreachable() };
  lingering.take();
  lingering.wait(socket);
  ticks(lingering, 3);
  lingering.waited(socket);
  ticks(lingering, 10);
});

test("by default charge points, ended sockets and the API leave 400 of 20,000 descriptors to Redis, backends and the scrape", () => {
  const { listen, management } = defaultConfig();
  const api = management.maxPendingCommands + otherApiConnections;
  expect(listen.maxConnections + placesFor(listen.maxConnections) + api).toBeLessThanOrEqual(20_000 - 400);
});

test("a small edge has places enough for what is no outage", () => {
  expect([placesFor(1), placesFor(640), placesFor(680)]).toEqual([16, 16, 17]);
});
