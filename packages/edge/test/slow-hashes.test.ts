// Slow hashes over real sockets: who finds no room, who leaves the line, and a storm of stations that give up and try again.

import { once } from "node:events";
import { scrypt, scryptSync } from "node:crypto";
import { eventually } from "@cpg/testkit";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { authenticateBy, credentialsOf, type Authenticate, type SlowHash } from "../src/authentication.ts";
import { connect, refused } from "./support/charge-point.ts";
import { startTestEdge, type TestEdge } from "./support/test-edge.ts";

// What A5 of authentication.ts allows.
const atATime = 2;
const waiting = 460;

let running: TestEdge | undefined;
const sockets: WebSocket[] = [];
afterEach(async () => {
  for (const ws of sockets.splice(0)) ws.terminate();
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

const salt = Buffer.from("0123456789abcdef");
const password = "a word a person chose";
const cheap = { N: 1_024, r: 8, p: 1 }; // 3 ms in libuv's pool: it is the order of things that is tested
const hash = scryptSync(password, salt, 32, cheap);
const inThePool: SlowHash = (salted, key) =>
  new Promise((resolve, reject) => {
    scrypt(key, salted, 32, cheap, (error, made) => (error === null ? resolve(made) : reject(error)));
  });

interface Crowd {
  readonly running: TestEdge;
  /** Requests whose credentials were looked at. */
  readonly asked: () => number;
}

/** An edge that knows CP0 to CP999. */
async function start(slowHash: SlowHash): Promise<Crowd> {
  const names = Array.from({ length: 1_000 }, (_, n) => `CP${String(n)}`);
  const credentials = credentialsOf(
    new Map(names.map((name) => [name, { algorithm: "scrypt" as const, salt, hash }])),
  );
  const byHash = authenticateBy(() => credentials, slowHash);
  let asked = 0;
  const authenticate: Authenticate = (...request) => {
    asked += 1;
    return byHash(...request);
  };
  running = await startTestEdge({}, { authenticate });
  return { running, asked: () => asked };
}

const basic = (n: number, word = password) => ({
  headers: { authorization: `Basic ${Buffer.from(`CP${String(n)}:${word}`).toString("base64")}` },
});

function ask({ url }: TestEdge, n: number, word?: string): WebSocket {
  const ws = new WebSocket(url(`CP${String(n)}`), ["ocpp1.6"], basic(n, word));
  ws.on("error", () => undefined);
  sockets.push(ws);
  return ws;
}

/** Hashes that end only when the gate is open. */
class Gate {
  begun = 0;
  open: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));
  readonly hash: SlowHash = async (salted, key) => {
    this.begun += 1;
    await this.#opened;
    return inThePool(salted, key);
  };
}

test("beyond the line it is 503 with Retry-After; who leaves the line is never hashed, and its place is free", async () => {
  const gate = new Gate();
  const { running: edge, asked } = await start(gate.hash);
  const { url, counts } = edge;
  const crowd = atATime + waiting;
  for (let n = 0; n < crowd; n++) ask(edge, n);
  await eventually(() => asked() === crowd, { timeoutMs: 20_000 });
  const answer = await refused(url("CP900"), ["ocpp1.6"], basic(900));
  expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "10"]);
  expect(counts.of("refused capacity")).toBe(1);

  for (const ws of sockets) ws.terminate();
  await eventually(() => counts.of("refused aborted") === waiting, { timeoutMs: 20_000 }); // not yet those two
  const late = connect(url("CP901"), ["ocpp1.6"], basic(901));
  await eventually(() => asked() === crowd + 2);
  expect(gate.begun).toBe(atATime);
  gate.open();
  await late;
  expect(gate.begun).toBe(atATime + 1);
  // One of those two may still be computed: only the other had to end for the one that came late.
  await eventually(() => counts.of("refused aborted") === crowd);
  expect([counts.of("refused aborted"), counts.of("refused capacity")]).toEqual([crowd, 1]); // each once
  expect(edge.edge.sessions.size).toBe(1);
});

test("who leaves while its wrong key is hashed is counted once, as aborted", async () => {
  const gate = new Gate();
  const { running: edge } = await start(gate.hash);
  const leaving = ask(edge, 1, "a guess");
  await eventually(() => gate.begun === 1);
  leaving.terminate();
  await refused(edge.url("")); // a later request was served: the end has been seen
  gate.open();
  await eventually(() => edge.counts.of("refused aborted") === 1);
  expect(edge.counts.of("refused credentials")).toBe(0);
});

test("guesses at the key of one charge point keep no other one out", async () => {
  const gate = new Gate();
  const { running: edge, asked } = await start(gate.hash);
  for (let guess = 0; guess < 600; guess++) ask(edge, 1, `guess ${String(guess)}`);
  await eventually(() => asked() === 600, { timeoutMs: 20_000 });
  expect(edge.counts.of("refused capacity")).toBe(598);
  const other = connect(edge.url("CP2"), ["ocpp1.6"], basic(2));
  gate.open();
  await other;
});

// Patience is counted in hashes, not in seconds: it is the same storm on a slow machine. It is less than the line is long, and the stations
// are more than are hashed within it. Without a bound nobody comes in but the first; in the order of arrival, every other hash is in vain.
const storming = 700;
const patience = 150;
const longestPause = 40;

test("a storm ends, though stations have less patience than the line is long", async () => {
  let computed = 0;
  let now = 0;
  let atOnce = 0;
  const alarms = new Map<() => void, number>();
  const { running: edge } = await start(async (salted, key) => {
    atOnce = Math.max(atOnce, (now += 1));
    const made = await inThePool(salted, key);
    now -= 1;
    computed += 1;
    for (const [ring, at] of alarms) if (at <= computed && alarms.delete(ring)) ring();
    return made;
  });
  const hashes = (count: number) =>
    new Promise<"hashed">((resolve) => alarms.set(() => resolve("hashed"), computed + count));
  const station = async (n: number): Promise<void> => {
    for (;;) {
      if (computed > 3 * storming) throw new Error(`CP${String(n)} is still outside`);
      const ws = ask(edge, n);
      const full = once(ws, "unexpected-response").then(() => "full" as const);
      const end = await Promise.race([once(ws, "open"), full, hashes(patience)]);
      if (end !== "full" && end !== "hashed") return;
      ws.terminate();
      await hashes(1 + (n % longestPause));
    }
  };
  await Promise.all(Array.from({ length: storming }, (_, n) => station(n)));
  expect(edge.edge.sessions.size).toBe(storming);
  expect(atOnce).toBe(atATime);
  // Nearly each hash let somebody in: who gives up in the very moment of its hash is the exception.
  expect(computed).toBeLessThan(1.5 * storming);
}, 60_000);
