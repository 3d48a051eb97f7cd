import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { eventually, freePort } from "@cpg/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildRoutes, type BuiltRoutes } from "../../src/build-routes.ts";
import { systemIds } from "../../src/ids.ts";
import type { AttemptEnd } from "../../src/instruments.ts";
import { AnswerTooLarge } from "../../src/integrations/http-exchange.ts";
import { readRoutes } from "../../src/routes-file.ts";
import { connect } from "../support/charge-point.ts";
import {
  Counts,
  defaultConfig,
  Problems,
  settingsWith,
  startTestEdge,
  type TestEdge,
} from "../support/test-edge.ts";
import { systemTime } from "@cpg/session-registry";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

interface Seen {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let handler: Handler;
const seen: Seen[] = [];
let running: TestEdge | undefined;
let built: BuiltRoutes | undefined;
let counts = new Counts();
let problems = new Problems();

beforeEach(async () => {
  seen.length = 0;
  [counts, problems] = [new Counts(), new Problems()];
  handler = (_request, response) => response.end("{}");
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      seen.push({ url: request.url ?? "", headers: request.headers, body });
      handler(request, response, body);
    });
  });
  await listenOn(0);
});
afterEach(async () => {
  await running?.edge.stop();
  await built?.close();
  await stopServer();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
  built = undefined;
});

function listenOn(port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}
function stopServer(): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
function portOf(): number {
  const { port }: AddressInfo = Object(server.address());
  return port;
}

/** An edge whose every action goes to the backend, with a deadline that a test can wait for. */
async function start(
  changes: {
    deadlineMs?: number;
    maxConcurrent?: number;
    port?: number;
    path?: string;
    connections?: number;
    attemptTimeoutMs?: number;
    gatherMs?: number;
    /** Actions with a deadline of their own. */
    patient?: Readonly<Record<string, number>>;
  } = {},
) {
  const {
    deadlineMs = 400,
    connections = 64,
    attemptTimeoutMs = defaultConfig().routes.http.attemptTimeoutMs,
    gatherMs = 0,
    patient = {},
    port = portOf(),
    path = "/ocpp/{subprotocol}/{action}/{identity}",
    ...rest
  } = changes;
  const url = `http://127.0.0.1:${String(port)}${path}`;
  const file = {
    integrations: { backend: { type: "http", url, deadlineMs, headers: { "x-key": "secret" }, ...rest } },
    routes: {
      $default: "backend",
      $connect: "backend",
      $disconnect: "backend",
      ...Object.fromEntries(
        Object.entries(patient).map(([name, ms]) => [name, { to: "backend", deadlineMs: ms }]),
      ),
    },
  };
  const plan = readRoutes(JSON.stringify(file));
  if (plan.kind === "invalid") throw new Error(plan.problems.join("\n"));
  const config = defaultConfig();
  const http = { ...config.routes.http, connectionsPerTarget: connections, attemptTimeoutMs };
  built = buildRoutes(
    plan.routes,
    { ...config, routes: { ...config.routes, http } },
    {
      time: systemTime,
      random: { next: () => 0.3 }, // of 400 ms the last attempt begins at 210: the deadline cuts none off
      ids: systemIds,
      instruments: counts,
      problems,
      openStreamLog: () => {
        throw new Error("no stream here");
      },
    },
  );
  const settings = settingsWith({ routes: { gatherMs } });
  running = await startTestEdge({}, { router: built.router, instruments: counts, settings });
  return running;
}

const bodies = (): Seen[] => seen.filter(({ url }) => !url.includes("$") && !url.includes("%24"));

test("the answer's JSON is the CALLRESULT; the request is a CloudEvent with traceparent, epoch and edge", async () => {
  handler = (_request, response) => response.end('{"status":"Accepted","n":1.50}');
  const { url, edge, ownership } = await start();
  const station = await connect(url("CP%201"));
  await eventually(() => [...edge.sessions][0]?.epoch !== undefined);
  station.send('[2,"id 1","Boot Ä",{"big":12345678901234567890}]');
  await eventually(() => expect(station.frames).toEqual(['[3,"id 1",{"status":"Accepted","n":1.50}]']));
  const [request] = bodies();
  expect(request?.url).toBe("/ocpp/ocpp1.6/Boot%20%C3%84/CP%201");
  expect(request?.body).toBe('{"big":12345678901234567890}'); // digit by digit, not parsed and written again
  expect(request?.headers).toMatchObject({
    "content-type": "application/json",
    "x-key": "secret",
    "ce-specversion": "1.0",
    "ce-id": `${String(ownership.claims[0]?.connection)}:1`,
    "ce-source": `/edges/${defaultConfig().edge.name}`,
    "ce-type": "ocpp1.6.Boot%20%C3%84",
    "ce-subject": "CP%201",
    "cpg-edge": defaultConfig().edge.name,
    "cpg-connection": ownership.claims[0]?.connection,
    "cpg-subprotocol": "ocpp1.6",
    "cpg-message-id": "id%201",
    "cpg-epoch": "1001",
  });
  expect(request?.headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  const ours = Object.keys(request?.headers ?? {}).filter((name) => /^(?:ce|cpg)-|^trace/u.test(name));
  const ce = ["id", "source", "specversion", "subject", "time", "type"].map((name) => `ce-${name}`);
  const cpg = ["connection", "edge", "epoch", "message-id", "subprotocol"].map((name) => `cpg-${name}`);
  expect(ours.toSorted()).toEqual([...ce, ...cpg, "traceparent"]);
  expect(Date.parse(String(request?.headers["ce-time"]))).toBeGreaterThan(Date.now() - 10_000);
});

test("what a URL may hold behind its host arrives as it stands in the file", async () => {
  const text = `!"$%&'()*+,-./:;<=>?@[]^_\`|}~`;
  const { url } = await start({ path: `/${text}/{action}?${text}` });
  const station = await connect(url("CP1"));
  expect((await station.call("a", "Heartbeat")).type).toBe(3);
  expect(seen.map((request) => request.url)).toContain(`/${text}/Heartbeat?${text}`);
});

test("$connect and $disconnect are told, with the cause; a session does not wait for them", async () => {
  handler = () => undefined; // never answers
  const { url } = await start();
  const station = await connect(url("CP1"));
  station.ws.close();
  await eventually(() => expect(seen).toHaveLength(2));
  expect(seen.map(({ headers }) => headers["ce-type"])).toEqual(["cpg.connect", "cpg.disconnect"]);
  expect(seen[1]?.body).toBe('{"cause":"peer","subprotocol":"ocpp1.6"}');
});

const deep = '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000);

describe("what the backend's status means", () => {
  test.each([
    [204, "", '[3,"a",{}]'],
    [200, "", '[3,"a",{}]'],
    [501, "", '[4,"a","NotImplemented","the backend does not know this action",{}]'],
    [404, "", '[4,"a","NotImplemented","the backend does not know this action",{}]'],
    [
      422,
      '{"code":"FormatViolation","description":"no","details":{"x":1}}',
      '[4,"a","FormationViolation","no",{"x":1}]',
    ],
    [422, `{"code":"GenericError","details":${deep}}`, '[4,"a","GenericError","",{}]'], // too deep to be written again
    [422, '\ufeff{"code":"GenericError"}', '[4,"a","GenericError","",{}]'],
    [422, "no JSON", '[4,"a","InternalError","the backend refused the message (422)",{}]'],
    [401, "", '[4,"a","InternalError","the backend refused the message (401)",{}]'],
  ])("%i %s", async (status, body, frame) => {
    handler = (_request, response) => response.writeHead(status).end(body);
    const { url } = await start({ deadlineMs: 5_000 });
    const station = await connect(url("CP1"));
    station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(station.frames).toEqual([frame]));
    expect(bodies()).toHaveLength(1);
  });
});

describe("a backend that fails is asked again until the deadline; then InternalError, and the socket stays", () => {
  const says = (status: number, body: string | Buffer = "", headers = {}): Handler => {
    return (_request, response) => response.writeHead(status, headers).end(body);
  };
  const breaks: Handler = (request) => request.socket.destroy();
  const breaksOff: Handler = ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\n\r\n");
  const latin = Buffer.from('{"x":"M\u00fcller"}', "latin1");
  const long = `{"x":"${"x".repeat(10_000_000)}"}`;
  // The fourth is for the station, and the last for the log where that is told more. Neither quotes what the backend wrote.
  const failures: readonly (readonly [string, Handler, AttemptEnd, string, string?])[] = [
    ["500", says(500, "a secret"), "httpError", "status 500"],
    ["503", says(503), "httpError", "status 503"],
    ["404, which may be a proxy's", says(404), "httpError", "status 404"],
    ["not JSON", says(200, "<html>a secret"), "badAnswer", "status 200 without a JSON object"],
    ["JSON that is no object", says(201, "[1]"), "badAnswer", "status 201 without a JSON object"],
    ["10 MB", says(200, long), "badAnswer", "an answer too long", new AnswerTooLarge(200).message],
    ["no UTF-8", says(200, latin), "badAnswer", "status 200 with a body that is no UTF-8"],
    ["no body", breaksOff, "badAnswer", "status 200 without a whole body and its length: cut off?"],
    ["a redirect", says(302, "", { location: "/" }), "httpError", "status 302"],
    ["429", says(429), "httpError", "status 429"],
    ["a broken connection", breaks, "unreachable", "no connection", "other side closed"],
  ];
  test.each(failures.map(([what, ...row]) => [what, row] as const))("%s", async (_what, row) => {
    const [fails, counted, why, told = why] = row;
    handler = fails;
    const { url, edge } = await start();
    const station = await connect(url("CP1"));
    const before = performance.now();
    const answer = await station.call("a", "StopTransaction");
    expect([answer.type, answer.code]).toEqual([4, "InternalError"]);
    expect(answer.description).toBe(`the backend gave no usable answer in time (${why})`);
    expect(problems.told).toContain(`backend: ${told}`);
    expect(performance.now() - before).toBeGreaterThan(390);
    expect(counts.of(`attempt backend ${counted}`)).toBeGreaterThan(1);
    expect(new Set(bodies().map(({ headers }) => headers["ce-id"])).size).toBe(1); // a backend can recognise it
    expect(edge.sessions.size).toBe(1);
    problems.answers.clear();
    handler = says(200, '{"back":true}');
    expect((await station.call("b", "StopTransaction")).type).toBe(3);
    expect([...problems.answers]).toEqual(["backend"]);
  });

  test("a refusal for good is answered at once, and told; it is no sign that the backend is well again", async () => {
    handler = says(401);
    const station = await connect((await start()).url("CP1"));
    const { code, description } = await station.call("a", "Authorize");
    expect([code, description]).toEqual(["InternalError", "the backend refused the message (401)"]);
    expect([[...problems.told], [...problems.answers]]).toEqual([["backend: status 401"], []]);
    expect(problems.by).toContain("backend Authorize");
    handler = says(501); // it does not know the action: neither
    expect((await station.call("b", "Authorize")).code).toBe("NotImplemented");
    expect([[...problems.told], [...problems.answers]]).toEqual([["backend: status 401"], []]);
  });

  test("silence", async () => {
    handler = () => undefined;
    const { url } = await start();
    const station = await connect(url("CP1"));
    const { description } = await station.call("a", "Authorize");
    expect(description).toBe("the backend gave no usable answer in time (silence)");
    expect(counts.of("attempt backend timeout")).toBeGreaterThanOrEqual(1);
  });

  test("connection refused, then back within the deadline: the station sees nothing but a pause", async () => {
    const port = await freePort();
    const { url } = await start({ port, deadlineMs: 10_000 });
    const station = await connect(url("CP1"));
    const answer = station.call("a", "MeterValues");
    await eventually(() => expect(counts.of("attempt backend unreachable")).toBeGreaterThan(2));
    expect(station.frames).toEqual([]);
    await stopServer();
    await listenOn(port);
    expect((await answer).type).toBe(3);
  });
});

describe("a request that hangs is given up, and the CALL goes on within its deadline", () => {
  const hangs = (): void => undefined;
  const authorized = (): Seen[] => seen.filter(({ url }) => url === "/Authorize");

  test.each(["Authorize", "StopTransaction"])(
    "%s over another connection, with its ce-id",
    async (action) => {
      const sockets: unknown[] = [];
      handler = (request, response) => {
        if (request.url === `/${action}`) sockets.push(request.socket);
        if (sockets.length !== 2) response.end('{"back":true}'); // the second is swallowed
      };
      const { url } = await start({
        attemptTimeoutMs: 500,
        deadlineMs: 25_000,
        connections: 1,
        path: "/{action}",
      });
      const station = await connect(url("CP1"));
      expect((await station.call("a", action)).type).toBe(3);
      station.send([2, "b", action, {}]);
      await eventually(() => expect(station.frames.at(-1)).toBe('[3,"b",{"back":true}]'));
      const [first, swallowed, repeated] = seen.filter(({ url: path }) => path === `/${action}`);
      expect(repeated?.headers["ce-id"]).toBe(swallowed?.headers["ce-id"]);
      expect(repeated?.headers["ce-id"]).not.toBe(first?.headers["ce-id"]);
      expect(sockets).toHaveLength(3);
      expect(sockets[1]).toBe(sockets[0]); // a kept connection, dead since
      expect(sockets[2]).not.toBe(sockets[1]);
      expect(counts.of("attempt backend timeout")).toBe(1);
    },
  );

  test("$connect is given up too, and not told again", async () => {
    handler = hangs;
    const { url } = await start({ attemptTimeoutMs: 200, deadlineMs: 25_000, path: "/{action}" });
    await connect(url("CP1"));
    await eventually(() => expect(counts.of("attempt backend timeout")).toBe(1));
    await delay(300); // longer than the first pause
    expect(seen).toHaveLength(1);
  });

  test("a burst that hangs opens the circuit; a probe that hangs does not hold it shut", async () => {
    const { url } = await start({ attemptTimeoutMs: 500, deadlineMs: 25_000, path: "/{action}" });
    const names = Array.from({ length: 12 }, (_, n) => `CP${String(n)}`);
    const stations = await Promise.all(names.map((name) => connect(url(name))));
    await eventually(() => expect(counts.of("attempt backend ok")).toBe(12)); // each $connect
    handler = hangs;
    for (const station of stations) station.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(counts.of("circuit backend 2")).toBe(1));
    const burst = authorized().length;
    await eventually(() => expect(authorized().length).toBe(burst + 1)); // the probe, alone
    await eventually(() => expect(counts.of("circuit backend 2")).toBe(2)); // it hung
    expect(authorized().length).toBe(burst + 1);
    handler = (_request, response) => response.end("{}");
    for (const station of stations)
      await eventually(() => expect(station.frames).toEqual(['[3,"a",{}]']), { timeoutMs: 20_000 });
    expect(new Set(authorized().map(({ headers }) => headers["ce-id"])).size).toBe(12);
  });
});

test("a transaction message is not refused fast by a proxy's 403 or 404 during a deployment", async () => {
  handler = (_request, response) => response.writeHead(404).end();
  const { url } = await start({ deadlineMs: 10_000 });
  const station = await connect(url("CP1"));
  const answer = station.call("a", "StopTransaction");
  await eventually(() => expect(bodies().length).toBeGreaterThan(1));
  handler = (_request, response) => response.writeHead(403).end();
  const sofar = bodies().length;
  await eventually(() => expect(bodies().length).toBeGreaterThan(sofar));
  expect(station.frames).toEqual([]);
  handler = (_request, response) => response.end("{}");
  expect((await answer).type).toBe(3);
});

describe("requests to one backend are bounded", () => {
  const held: ServerResponse[] = [];
  beforeEach(() => {
    held.length = 0;
    handler = (request, response) => {
      if (request.url?.includes("Authorize") === true) held.push(response);
      else response.end("{}");
    };
  });

  test("those beyond wait their turn and are served as soon as there is room", async () => {
    const { url } = await start({ maxConcurrent: 1, deadlineMs: 20_000, path: "/{action}" });
    const stations = await Promise.all(["CP0", "CP1", "CP2", "CP3"].map((name) => connect(url(name))));
    const answers = stations.map((station) => station.call("a", "Authorize"));
    for (let n = 0; n < stations.length; n += 1) {
      await eventually(() => expect(held).toHaveLength(n + 1)); // and never one more
      held[n]?.end("{}");
    }
    expect((await Promise.all(answers)).map(({ type }) => type)).toEqual([3, 3, 3, 3]);
    expect(counts.of("attempt backend overload")).toBe(0);
  });

  test("one that finds no turn before its deadline is overload, and the turn it left is not lost", async () => {
    const { url } = await start({ maxConcurrent: 1, patient: { Authorize: 20_000 }, path: "/{action}" });
    const [one, two] = [await connect(url("CP1")), await connect(url("CP2"))];
    await eventually(() => expect(counts.of("attempt backend ok")).toBe(2)); // both $connect
    one.send([2, "a", "Authorize", {}]);
    await eventually(() => expect(held).toHaveLength(1));
    expect((await two.call("b", "MeterValues")).code).toBe("InternalError");
    expect(counts.of("attempt backend overload")).toBe(1);
    held[0]?.end("{}");
    await one.answerTo("a");
    expect((await two.call("c", "Heartbeat")).type).toBe(3);
  });

  test("when the backend dies, those in line are not sent to it one after the other: its circuit opens for all", async () => {
    const { url } = await start({ maxConcurrent: 10, patient: { Authorize: 20_000 }, path: "/{action}" });
    const names = Array.from({ length: 40 }, (_, n) => `CP${String(n)}`);
    const stations = await Promise.all(names.map((name) => connect(url(name))));
    const answers = stations.map((station) => station.call("a", "Authorize"));
    await eventually(() => expect(held).toHaveLength(10));
    handler = (_request, response) => response.writeHead(503).end();
    for (const response of held) response.writeHead(503).end();
    await eventually(() => expect(counts.of("circuit backend 2")).toBe(1));
    await eventually(() => expect(counts.of("attempt backend circuitOpen")).toBeGreaterThanOrEqual(20));
    handler = (_request, response) => response.end("{}");
    expect(new Set((await Promise.all(answers)).map(({ type }) => type))).toEqual(new Set([3]));
  });
});

test("a CALL that waits for a connection ends at its deadline, is never sent, and costs no connection", async () => {
  const held: ServerResponse[] = [];
  const sockets = new Set<unknown>();
  handler = (request, response) => {
    sockets.add(request.socket);
    if (request.url?.includes("Authorize") === true) held.push(response);
    else response.end("{}");
  };
  const { url } = await start({ connections: 1, patient: { Authorize: 20_000 }, path: "/{action}" });
  const [one, two] = [await connect(url("CP1")), await connect(url("CP2"))];
  one.send([2, "a", "Authorize", {}]);
  await eventually(() => expect(held).toHaveLength(1)); // the one connection is taken
  expect((await two.call("b", "MeterValues")).code).toBe("InternalError");
  expect(one.frames).toEqual([]);
  held[0]?.end("{}");
  await one.answerTo("a");
  expect((await two.call("c", "Heartbeat")).type).toBe(3);
  expect(bodies().map(({ url: path }) => path)).toEqual(["/Authorize", "/Heartbeat"]);
  expect(sockets.size).toBe(1);
});

test("in a crowd a CALL waits to leave with others, and its deadline begins when it leaves", async () => {
  const { url } = await start({ gatherMs: 2_500, deadlineMs: 500, path: "/{action}" });
  const names = ["CP0", "CP1", "CP2", "CP3"]; // their $connect are the crowd
  const stations = await Promise.all(names.map((name) => connect(url(name))));
  const [one, two] = stations;
  const answers = [one?.call("a", "Authorize"), two?.call("b", "MeterValues")];
  await delay(600); // longer than the deadline
  expect(bodies()).toEqual([]); // both are still waiting
  for (const answer of answers) expect((await answer)?.type).toBe(3);
  expect(bodies().map(({ url: path }) => path)).toEqual(["/Authorize", "/MeterValues"]);
});

test("the answer of a CALL waits for those of the CALLs it left with, but not for a slow one", async () => {
  const held: ServerResponse[] = [];
  handler = ({ url }, response) => {
    if (url === "/MeterValues") held.push(response);
    else response.end("{}");
  };
  const { url } = await start({ gatherMs: 1_200, deadlineMs: 20_000, path: "/{action}" });
  const names = ["CP0", "CP1", "CP2", "CP3"]; // their $connect are the crowd
  const [one, two] = await Promise.all(names.map((name) => connect(url(name))));
  const quick = one?.call("a", "Authorize");
  const slow = two?.call("b", "MeterValues");
  await eventually(() => expect(bodies()).toHaveLength(2));
  await delay(300); // far longer than the way back
  expect(one?.frames).toEqual([]);
  expect((await quick)?.type).toBe(3);
  expect(two?.frames).toEqual([]);
  held[0]?.end("{}");
  expect((await slow)?.type).toBe(3);
});

test("a CALL whose station is gone before it leaves is told to the backend all the same", async () => {
  const { url } = await start({ gatherMs: 2_000, path: "/{action}" });
  const [one] = await Promise.all(["CP0", "CP1", "CP2", "CP3"].map((name) => connect(url(name))));
  one?.send([2, "a", "StopTransaction", { meterStop: 1 }]);
  one?.ws.close();
  await one?.ended();
  expect(bodies()).toEqual([]);
  await eventually(() => expect(bodies().map(({ body }) => body)).toEqual(['{"meterStop":1}']));
});

test("an answer in many pieces is put together before its text is read: no character is cut in two", async () => {
  const bytes = Buffer.from('{"text":"Zürich 🔌"}');
  handler = (_request, response) => {
    response.write(bytes.subarray(0, 11)); // in the middle of ü
    setImmediate(() => response.end(bytes.subarray(11)));
  };
  const { url } = await start({ deadlineMs: 5_000 });
  const station = await connect(url("CP1"));
  station.send([2, "a", "Authorize", {}]);
  await eventually(() => expect(station.frames).toEqual(['[3,"a",{"text":"Zürich 🔌"}]']));
});

test("a dead backend opens its circuit: then an attempt costs no request; when it is back, it closes", async () => {
  handler = (_request, response) => response.writeHead(503).end();
  const { url } = await start({ deadlineMs: 20_000 });
  const stations = await Promise.all(Array.from({ length: 8 }, (_, n) => connect(url(`CP${String(n)}`))));
  const answers = stations.map((station) => station.call("a", "Authorize"));
  await eventually(() => expect(counts.of("circuit backend 2")).toBe(1));
  await eventually(() => expect(counts.of("attempt backend circuitOpen")).toBeGreaterThan(0));
  handler = (_request, response) => response.end("{}");
  const types = (await Promise.all(answers)).map(({ type }) => type);
  expect(new Set(types)).toEqual(new Set([3]));
  expect(counts.of("circuit backend 0")).toBeGreaterThan(1);
  expect(counts.of("not sent backend circuitOpen")).toBe(counts.of("attempt backend circuitOpen"));
  expect(counts.of("not sent backend httpError")).toBe(0);
});
