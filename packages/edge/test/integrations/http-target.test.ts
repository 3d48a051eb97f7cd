import { createSecureServer, type Http2SecureServer } from "node:http2";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemTime } from "@cpg/session-registry";
import { eventually, selfSigned } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { HeaderBlock } from "../../src/integrations/header-block.ts";
import { HttpTarget, type Fetched, type TargetOptions } from "../../src/integrations/http-target.ts";
import { sharedLookup } from "../../src/integrations/shared-lookup.ts";
import { untilDeadline, type Endable, type Expiry } from "../../src/until-deadline.ts";
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

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

function targetWith(options: Partial<TargetOptions>): HttpTarget {
  const bounds = { connections: 4, maxConcurrent: 64, attemptTimeoutMs: 8_000, maxResponseBytes: 1_024 };
  return new HttpTarget(
    { origin: `http://127.0.0.1:${String(portOf(backend))}`, ...bounds, ...options },
    { instruments: counts.integration("backend"), time: systemTime, lookup: sharedLookup() },
  );
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a block of one header
const headers = "application/json" as HeaderBlock;
const to = (path: string) => ({ path, headers, body: "{}" });

/** Whose deadline is far away. */
function patient(): Expiry {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listen: Expiry["listen"] = (run, withinMs) => {
    clearTimeout(timer);
    if (run !== undefined && withinMs !== undefined) timer = setTimeout(run, withinMs);
  };
  return { isOver: false, leftMs: 60_000, listen, wait: listen, begin: () => undefined };
}

const ok = { kind: "reply", reply: { status: 204, body: "", isOpenEnded: false, isUtf8: true } };
const answerOf = (status: number): string => `HTTP/1.1 ${String(status)} -\r\ncontent-length: 0\r\n\r\n`;

const longer = (status: number): string => `HTTP/1.1 ${String(status)} -\r\ncontent-length: 2\r\n\r\n{}`;
const tooLong = { kind: "none", as: "badAnswer" };
const answered = (status: number) => ({ kind: "reply", reply: { status } });

test.each([
  ["500: the backend is there, and has its reasons", { text: answerOf(500), end: answered(500), times: 0 }],
  ["503: nobody stands behind the proxy", { text: answerOf(503), end: answered(503), times: 1 }],
  ["200, too long: there was an answer", { text: longer(200), end: tooLong, times: 0 }],
  ["503, too long: it says the same", { text: longer(503), end: tooLong, times: 1 }],
])(
  "a row of answers opens the circuit only if they say that nobody is there (H3): %s",
  async (_what, row) => {
    const begun = (target = targetWith({ connections: 1, maxResponseBytes: 1 }));
    for (let n = 1; n <= 12 && counts.of("circuit backend 2") === 0; n += 1) {
      const fetched = begun.fetch(to("/"), patient());
      await eventually(() => expect(asked).toHaveLength(n));
      sockets.at(-1)?.write(row.text);
      expect(await fetched).toMatchObject(row.end);
    }
    expect(counts.of("circuit backend 2")).toBe(row.times);
  },
);

describe("an answer that does not say how long it is ends with its connection", () => {
  const ends: readonly (readonly [string, (socket: Socket) => void])[] = [
    ["an end", (socket) => socket.end()],
    ["a reset", (socket) => socket.resetAndDestroy()],
  ];
  const answers = [
    ["HTTP/1.1 200 OK\r\n\r\n", { status: 200, body: "", isOpenEnded: true }],
    ["HTTP/1.0 422 -\r\n\r\n", { status: 422, body: "", isOpenEnded: true }],
    ["HTTP/1.0 200 OK\r\n\r\n{}", { status: 200, body: "{}", isOpenEnded: true }],
    ["HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "", isOpenEnded: false }],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", { status: 200, body: "", isOpenEnded: false }],
  ] as const;
  test.each(answers.flatMap(([text, reply]) => ends.map(([how, end]) => [text, how, end, reply] as const)))(
    "%j and %s (E4)",
    async (text, _how, end, reply) => {
      const begun = (target = targetWith({}));
      const fetched = begun.fetch(to("/"), patient());
      await eventually(() => expect(asked).toHaveLength(1));
      const [socket] = sockets;
      socket?.write(text, () => setTimeout(() => end(socket), 20));
      expect(await fetched).toEqual({ kind: "reply", reply: { ...reply, isUtf8: true } });
    },
  );
});

test.each([
  [Buffer.from('{"a":"M\u00fcller"}', "latin1"), false],
  [Buffer.from('{"a":"\ufffd"}'), true],
])(
  "a body that is no UTF-8 is told as such, and the character that stands for it is one: %j (E5)",
  async (body, isUtf8) => {
    const begun = (target = targetWith({}));
    const fetched = begun.fetch(to("/"), patient());
    await eventually(() => expect(asked).toHaveLength(1));
    sockets[0]?.write(
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`), body]),
    );
    expect(await fetched).toMatchObject({ reply: { status: 200, isUtf8 } });
  },
);

test("an answer in very many pieces is put together, up to the longest (E3)", async () => {
  const begun = (target = targetWith({ maxResponseBytes: 1_000 }));
  const fetched = begun.fetch(to("/"), patient());
  await eventually(() => expect(asked).toHaveLength(1));
  const text = `{"a":"${"x".repeat(991)}"}`;
  const chunks = text
    .split("")
    .map((letter) => `1\r\n${letter}\r\n`)
    .join("");
  sockets[0]?.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  expect(await fetched).toMatchObject({ kind: "reply", reply: { status: 200, body: text } });
});

test("after a standstill of the event loop what has arrived counts, though its time is over (H6)", async () => {
  const attemptTimeoutMs = 50;
  const begun = (target = targetWith({ attemptTimeoutMs }));
  const fetched = begun.fetch(to("/"), patient());
  await eventually(() => expect(asked).toHaveLength(1));
  await new Promise((resolve) => setImmediate(resolve)); // the timers are looked at next
  sockets[0]?.write(answerOf(204));
  const untilMs = systemTime.monotonicMs() + 2 * attemptTimeoutMs;
  while (systemTime.monotonicMs() < untilMs);
  expect(await fetched).toEqual(ok);
});

test("why there is no answer is told in words (H9)", async () => {
  const hasty = (target = targetWith({ attemptTimeoutMs: 20 }));
  expect(await hasty.fetch(to("/"), patient())).toMatchObject({
    as: "timeout",
    error: { message: "no answer within routes.http.attemptTimeoutMs, or before the deadline" },
  });
  await hasty.close();
  const begun = (target = targetWith({ maxResponseBytes: 1 }));
  const long = begun.fetch(to("/"), patient());
  await eventually(() => expect(asked).toHaveLength(2));
  sockets[1]?.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
  expect(await long).toMatchObject({
    as: "badAnswer",
    error: { message: "the answer is longer than routes.http.maxResponseBytes" },
  });
  await new Promise((resolve) => {
    backend.close(resolve);
    for (const socket of sockets) socket.destroy();
  });
  expect(await begun.fetch(to("/"), patient())).toMatchObject({
    as: "unreachable",
    error: { message: expect.stringContaining("ECONNREFUSED") },
  });
});

describe("over TLS, to a server that would rather speak HTTP/2", () => {
  let server: Http2SecureServer;
  let spoken: string[];
  beforeEach(async () => {
    spoken = [];
    server = createSecureServer({ ...selfSigned(), allowHTTP1: true }, (request, response) => {
      spoken.push(request.httpVersion);
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await target?.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = () => `https://127.0.0.1:${String(portOf(server))}`;

  test("it is HTTP/1.1: a request that is given up takes its connection with it (H8)", async () => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
    const begun = (target = targetWith({ origin: origin() }));
    expect(await begun.fetch(to("/"), patient())).toEqual(ok);
    expect(spoken).toEqual(["1.1"]);
  });

  test("a certificate that nobody trusts is told as such (H9)", async () => {
    const begun = (target = targetWith({ origin: origin() }));
    expect(await begun.fetch(to("/"), patient())).toMatchObject({
      as: "unreachable",
      error: { message: expect.stringContaining("self-signed certificate") },
    });
  });
});

// What the setting's text promises: opossum's window less a second, and half of one for a late event loop.
const longestSeenMs = 8_500;

test.each([1, 500, 999])(
  "a burst that hangs opens the circuit, with the longest limit of which that is said and %i ms into a second of its window",
  async (atMs) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    const begun = (target = targetWith({ attemptTimeoutMs: longestSeenMs }));
    vi.advanceTimersByTime(atMs);
    const fetched = Array.from({ length: 10 }, () => begun.fetch(to("/"), patient()));
    vi.advanceTimersByTime(longestSeenMs - 1);
    expect(counts.of("circuit backend 2")).toBe(0);
    vi.advanceTimersByTime(1);
    for (const one of fetched) expect(await one).toMatchObject({ kind: "none", as: "timeout" });
    expect(counts.of("circuit backend 2")).toBe(1);
  },
);

test("who waits its turn for longer than an attempt may last keeps its place, and its attempt lasts from then on", async () => {
  const time = new MovedTime();
  const begun = (target = targetWith({ connections: 1, maxConcurrent: 1 }));
  const ends: string[] = [];
  for (const path of ["/a", "/b", "/c"])
    void untilDeadline<Fetched | undefined>(
      async (expiry) => ({ kind: "done", value: await begun.fetch(to(path), expiry) }),
      { deadlineMs: 25_000, attempts: "many" },
      { time, random: { next: () => 0 } },
    ).then((fetched) => ends.push(`${path} ${fetched?.kind === "none" ? fetched.as : "ok"}`));
  expect([counts.of("in flight backend"), counts.of("waiting backend")]).toEqual([1, 2]);
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
  expect([time.timers, counts.of("waiting backend")]).toEqual([0, 0]);
});

test("who waits for its turn and is ended is told at once, and takes no turn (until-deadline.ts, D5)", async () => {
  const begun = (target = targetWith({ connections: 1, maxConcurrent: 1 }));
  const first = begun.fetch(to("/a"), patient());
  await eventually(() => expect(asked).toEqual(["/a"]));
  const tried: Endable = {};
  const ended = untilDeadline<Fetched>(
    async (expiry) => ({ kind: "done", value: await begun.fetch(to("/b"), expiry) }),
    { deadlineMs: 60_000, attempts: "many" },
    { time: systemTime, random: { next: () => 0 } },
    tried,
  );
  tried.expiry?.end();
  expect(await ended).toEqual({ kind: "none", as: "overload" });
  sockets[0]?.write(answerOf(204));
  expect(await first).toEqual(ok);
  expect(asked).toEqual(["/a"]);
});

test("an attempt that is tried again waits for its turn, also where a permit was freed a moment ago and nobody has it yet", async () => {
  const begun = (target = targetWith({ connections: 1, maxConcurrent: 1 }));
  const first = begun.fetch(to("/a"), patient());
  const fetched: Promise<Fetched>[] = [];
  begun.turns.wait("calls", 60_000, {
    come: () => void fetched.push(begun.fetch(to("/b"), patient())),
    over: () => undefined,
  });
  await eventually(() => expect(asked).toEqual(["/a"]));
  sockets[0]?.write(answerOf(204));
  await first;
  for (const path of ["/c", "/d"]) fetched.push(begun.fetchAgain(to(path), patient()));
  for (const path of ["/c", "/b", "/d"]) {
    await eventually(() => expect(asked.at(-1)).toBe(path));
    sockets[0]?.write(answerOf(204));
  }
  for (const one of await Promise.all(fetched)) expect(one).toMatchObject(ok);
});

test("what the end of the target ends is nobody's failure to be told; what failed before is", async () => {
  const begun = (target = targetWith({ connections: 1 }));
  const failed = begun.fetch(to("/a"), patient());
  await eventually(() => expect(asked).toEqual(["/a"]));
  sockets[0]?.destroy();
  expect(await failed).toMatchObject({ as: "unreachable", error: expect.any(Error) });
  const ended = begun.fetch(to("/b"), patient());
  await eventually(() => expect(asked).toEqual(["/a", "/b"]));
  await begun.close();
  expect(await ended).toEqual({ kind: "none", as: "unreachable", error: undefined });
});
