import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HttpTarget, type Fetched, type TargetOptions } from "../../src/integrations/http-target.ts";
import { untilDeadline, type Expiry } from "../../src/until-deadline.ts";
import { MovedTime } from "../commands/world.ts";
import { Counts } from "../support/test-edge.ts";

let backend: Server;
let sockets: Socket[];
let asked: string[];
let counts: Counts;
let target: HttpTarget | undefined;

beforeEach(async () => {
  [sockets, asked, counts] = [[], [], new Counts()];
  backend = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.on("data", (bytes) => asked.push(String(bytes).split(" ")[1] ?? "")); // and answers only as told
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  vi.useRealTimers();
  await target?.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => backend.close(resolve));
});

function targetWith(options: Partial<TargetOptions>): HttpTarget {
  const { port }: AddressInfo = Object(backend.address());
  const bounds = { connections: 4, maxConcurrent: 64, attemptTimeoutMs: 8_000, maxResponseBytes: 1_024 };
  return new HttpTarget(
    { origin: `http://127.0.0.1:${String(port)}`, ...bounds, ...options },
    { instruments: counts.integration("backend"), time: systemTime },
  );
}

const to = (path: string) => ({ path, headers: [], body: "{}" });

/** Whose deadline is far away. */
function patient(): Expiry {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    isOver: false,
    listen(run, withinMs) {
      clearTimeout(timer);
      if (run !== undefined && withinMs !== undefined) timer = setTimeout(run, withinMs);
    },
  };
}

// What the setting's text promises: opossum's window less a second, and half of one for a late event loop.
const longestSeenMs = 8_500;

test.each([1, 500, 999])(
  "a burst that hangs opens the circuit, with the longest limit of which that is said and %i ms into a second of its window",
  async (atMs) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    const begun = (target = targetWith({ attemptTimeoutMs: longestSeenMs }));
    vi.advanceTimersByTime(atMs);
    const fetched = Array.from({ length: 10 }, () => begun.fetch(to("/"), patient(), false));
    vi.advanceTimersByTime(longestSeenMs - 1);
    expect(counts.of("circuit backend 2")).toBe(0);
    vi.advanceTimersByTime(1);
    for (const one of fetched) expect(await one).toEqual({ kind: "none", as: "timeout" });
    expect(counts.of("circuit backend 2")).toBe(1);
  },
);

test("who waits its turn for longer than an attempt may last keeps its place, and its attempt lasts from then on", async () => {
  const time = new MovedTime();
  const begun = (target = targetWith({ connections: 1, maxConcurrent: 1 }));
  const ends: string[] = [];
  for (const path of ["/a", "/b", "/c"])
    void untilDeadline<Fetched | undefined>(
      async (expiry) => ({ kind: "done", value: await begun.fetch(to(path), expiry, true) }),
      { deadlineMs: 25_000, attempts: "many", otherwise: undefined },
      { time, random: { next: () => 0 } },
    ).then((fetched) => ends.push(`${path} ${fetched?.kind === "none" ? fetched.as : "ok"}`));
  for (const path of ["/a", "/b"]) {
    await eventually(() => expect(asked.at(-1)).toBe(path));
    await time.advance(7_000);
    sockets[0]?.write("HTTP/1.1 204 No Content\r\n\r\n");
  }
  await eventually(() => expect(asked).toEqual(["/a", "/b", "/c"]));
  await time.advance(7_999);
  expect(ends).toEqual(["/a ok", "/b ok"]);
  await time.advance(1);
  expect(ends).toEqual(["/a ok", "/b ok", "/c timeout"]);
  expect(time.timers).toBe(0);
});
