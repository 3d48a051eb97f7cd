// More than a backend can answer: real requests, at a tenth of the usual times.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpRoute } from "../../src/integrations/http.ts";
import { HttpTarget } from "../../src/integrations/http-target.ts";
import { sharedLookup } from "../../src/integrations/shared-lookup.ts";
import type { CallAnswer, InboundCall, Route } from "../../src/integration.ts";
import { Counts } from "../support/test-edge.ts";

const latencyMs = 40;
const permits = 8; // so 200 answers a second at most
const deadlineMs = 2_500;

let backend: Server;
let target: HttpTarget;
let counts: Counts;
/** `ce-time` of each request, ms. */
let times: number[];

beforeEach(async () => {
  [counts, times] = [new Counts(), []];
  backend = createServer((request, response) => {
    request.resume();
    times.push(Date.parse(String(request.headers["ce-time"])));
    const status = request.url === "/bad" ? 500 : 204;
    setTimeout(() => response.writeHead(status).end(), latencyMs);
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const { port } = backend.address() as AddressInfo;
  target = new HttpTarget(
    {
      origin: `http://127.0.0.1:${String(port)}`,
      connections: permits,
      maxConcurrent: permits,
      attemptTimeoutMs: 800,
      maxResponseBytes: 1_024,
    },
    { instruments: counts.integration("backend"), time: systemTime, lookup: sharedLookup() },
  );
});
afterEach(async () => {
  await target.close();
  await new Promise((resolve) => backend.close(resolve));
});

function routeTo(path: string): Route {
  const nothing = (): void => undefined;
  return createHttpRoute(
    { name: path, pathTemplate: path, headers: new Map(), deadlineMs, edge: "e" },
    target,
    {
      time: systemTime,
      random: systemRandom,
      newTraceparent: () => "",
      onFailure: nothing,
      onAnswer: nothing,
    },
  );
}

/** One CALL, as a session hands it on. */
function ask(route: Route): Promise<CallAnswer> {
  const station = { identity: "CP1", key: "CP1", version: "1.6", connection: "c", remote: "" };
  const call = { callId: "c:1", messageId: "1", action: "A", payloadJson: "{}", patience: "normal", station };
  return new Promise((resolve) => {
    const come = (waitedMs: number): void => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names without their brands
      resolve(route.serve({ ...call, waitedMs, span: undefined } as unknown as InboundCall));
    };
    if (route.turns?.mustWait === true) route.turns.wait("calls", { come, over: resolve });
    else come(0);
  });
}

/** Has so many asked each second, for so long; gives the answers with how long they took, in their order. */
async function crowd(route: Route, perSecond: number, seconds: number) {
  const asked: Promise<{ isServed: boolean; tookMs: number }>[] = [];
  const startedMs = performance.now();
  const one = async (): Promise<{ isServed: boolean; tookMs: number }> => {
    const sinceMs = performance.now();
    const answer = await ask(route);
    return { isServed: answer.kind === "result", tookMs: performance.now() - sinceMs };
  };
  while (asked.length < perSecond * seconds) {
    const due = (performance.now() - startedMs) * (perSecond / 1_000);
    while (asked.length < Math.min(due, perSecond * seconds)) asked.push(one());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return Promise.all(asked);
}

test("a backend that more is asked than it can answer answers as many as it can, and is never taken for one that failed (H9)", async () => {
  const asked = await crowd(routeTo("/good"), 400, 6);
  const late = asked.slice(asked.length / 2); // the line is as long as it gets
  expect(late.filter(({ isServed }) => isServed).length).toBeGreaterThan(late.length / 4);
  const [opened, timeouts] = [counts.of("circuit backend 2"), counts.of("attempt backend timeout")];
  expect([opened, timeouts]).toEqual([0, 0]);
  expect(counts.of("attempt backend overload")).toBe(asked.filter(({ isServed }) => !isServed).length);
  expect(counts.of("not sent backend overload")).toBe(counts.of("attempt backend overload"));
});

test("an action that always fails leaves the others room, however often it is tried again (Y1)", async () => {
  const [, good] = await Promise.all([crowd(routeTo("/bad"), 60, 5), crowd(routeTo("/good"), 50, 5)]);
  expect(good.filter(({ isServed }) => !isServed)).toEqual([]);
  expect(Math.max(...good.map(({ tookMs }) => tookMs))).toBeLessThan(1_500);
});

test("an event's time is that of its CALL, however long that waited for its turn", async () => {
  const startedMs = Date.now();
  await Promise.all(Array.from({ length: 10 * permits }, () => ask(routeTo("/good"))));
  expect(Math.max(...times) - startedMs).toBeLessThan(5 * latencyMs); // the last one waited for 9 times as long as one takes
});
