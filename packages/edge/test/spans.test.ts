import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { eventually } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildRoutes } from "../src/build-routes.ts";
import { systemIds } from "../src/ids.ts";
import type { CallAnswer } from "../src/integration.ts";
import { readRoutes } from "../src/routes-file.ts";
import { describeAttempts } from "../src/spans.ts";
import { connect } from "./support/charge-point.ts";
import { FakeTracing } from "./support/fake-tracing.ts";
import {
  Counts,
  defaultConfig,
  Problems,
  routeOf,
  settingsWith,
  startTestEdge,
  type TestEdge,
} from "./support/test-edge.ts";

const okay: CallAnswer = { kind: "result", payloadJson: "{}" };
const never = (): Promise<CallAnswer> => new Promise(() => undefined);

let tracing = new FakeTracing();
let running: TestEdge | undefined;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  tracing = new FakeTracing();
});
afterEach(async () => {
  await running?.edge.stop();
  for (const close of closers.splice(0)) await close();
});

async function start(
  routes: Parameters<typeof startTestEdge>[0],
  parts: Parameters<typeof startTestEdge>[1] = {},
) {
  running = await startTestEdge(routes, { tracing, ...parts });
  return running;
}

describe("a span ends once, however its CALL ends", () => {
  test("answered, refused, unknown, repeated", async () => {
    const fault: CallAnswer = { kind: "fault", fault: "internalError", description: "" };
    const { url } = await start({
      Authorize: routeOf(() => okay),
      BootNotification: routeOf(async () => fault),
    });
    const station = await connect(url("CP1"));
    await station.call("a", "Authorize");
    await station.call("b", "BootNotification");
    await station.call("c", "StatusNotification");
    await station.call("d", "Invented by a vendor");
    expect(tracing.told).toEqual([
      "OCPP Authorize: well",
      "OCPP BootNotification: internalError",
      "OCPP StatusNotification: notImplemented",
      "OCPP unknown: notImplemented",
    ]);
    expect(tracing.roots[3]?.attributes).toMatchObject({
      "rpc.method": "Invented by a vendor",
      "cpg.identity": "CP1",
    });
  });

  test("left unserved by a socket that closes, or refused by a full line", async () => {
    const settings = settingsWith({ ocpp: { maxInboundCalls: 1 } });
    const { url } = await start({ Authorize: routeOf(never) }, { settings });
    const station = await connect(url("CP1"));
    for (const id of ["served", "waiting", "overflow"]) station.send([2, id, "Authorize", {}]);
    await station.ended();
    await eventually(() => expect(tracing.told.filter((line) => !line.endsWith("0 ends"))).toHaveLength(2));
    expect(tracing.told.toSorted()).toEqual([
      "OCPP Authorize: 0 ends", // still at its backend
      "OCPP Authorize: closed",
      "OCPP Authorize: inboundOverflow",
    ]);
  });

  test("answered after its socket was gone: the trace says that nobody got it", async () => {
    let answer: (value: CallAnswer) => void = () => undefined;
    const { url } = await start({ Authorize: routeOf(() => new Promise((resolve) => (answer = resolve))) });
    const station = await connect(url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(tracing.roots).toHaveLength(1));
    station.ws.close();
    await eventually(() => expect(running?.edge.sessions.size).toBe(0));
    answer(okay);
    await eventually(() => expect(tracing.told).toEqual(["OCPP Authorize: well"]));
    expect(tracing.roots[0]?.attributes).toMatchObject({
      "ocpp.answer": "CALLRESULT",
      "ocpp.answer_sent": false,
    });
  });

  test("$connect and $disconnect have theirs", async () => {
    const { url } = await start({ $connect: routeOf(() => okay), $disconnect: routeOf(async () => okay) });
    (await connect(url("CP1"))).ws.close();
    await eventually(() => expect(tracing.told).toEqual(["OCPP $connect: well", "OCPP $disconnect: well"]));
  });
});

test("what is not sampled begins no span at all", async () => {
  tracing.isSampling = false; // and begin throws
  const { url, bugs } = await start({ $connect: routeOf(() => okay), Authorize: routeOf(async () => okay) });
  const station = await connect(url("CP1"));
  expect((await station.call("a", "Authorize")).type).toBe(3);
  expect(bugs).toEqual([]);
  expect(tracing.roots).toEqual([]);
});

test("the log line of a bug carries the ids of its CALL's trace", async () => {
  const bug = new Error("a bug");
  const { url, bugs } = await start({ Authorize: routeOf(() => Promise.reject(bug)) });
  const station = await connect(url("CP1"));
  await station.call("a", "Authorize");
  expect(bugs.splice(0)).toEqual([{ err: bug, ...tracing.roots[0]?.logFields }]);
});

test("each attempt at a backend is a part of its own, with a traceparent of its own", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headersDistinct["traceparent"]?.join());
    request.resume();
    request.on("end", () => response.writeHead(seen.length === 1 ? 503 : 200).end("{}"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port }: AddressInfo = Object(server.address());
  const plan = readRoutes(
    JSON.stringify({
      integrations: {
        backend: { type: "http", url: `http://127.0.0.1:${String(port)}/{action}?key=secret` },
      },
      routes: { Authorize: "backend" },
    }),
  );
  if (plan.kind === "invalid") throw new Error(plan.problems.join("\n"));
  const built = buildRoutes(plan.routes, defaultConfig(), {
    time: systemTime,
    random: systemRandom,
    ids: systemIds,
    instruments: new Counts(),
    problems: new Problems(),
    openStreamLog: () => {
      throw new Error("no stream here");
    },
  });
  closers.push(
    () => built.close(),
    () => server.close(),
  );
  const { url } = await start({}, { router: built.router });
  const station = await connect(url("CP1"));
  expect((await station.call("a", "Authorize")).type).toBe(3);
  expect(tracing.told).toEqual(["OCPP Authorize: well", "POST /{action}: httpError", "POST /{action}: well"]);
  expect(seen).toEqual(tracing.roots[0]?.children.map(({ traceparent }) => traceparent));
});

test("an attempt is described by where it goes, without what a URL may hide in its query", () => {
  expect(describeAttempts("https://csms.example", "/v1/{identity}?token=secret")).toEqual({
    name: "POST /v1/{identity}",
    attributes: {
      "http.request.method": "POST",
      "url.scheme": "https",
      "url.template": "/v1/{identity}",
      "server.address": "csms.example",
      "server.port": 443,
    },
  });
});
