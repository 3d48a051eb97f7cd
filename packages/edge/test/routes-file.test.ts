import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { actions, mayChargePointSend, ocppVersions } from "@cpg/ocpp";
import { describe, expect, test } from "vitest";
import { readRoutes } from "../src/routes-file.ts";
import { createRouter, specialRoutes } from "../src/router.ts";
import { routeOf } from "./support/test-edge.ts";
import { objectionTo } from "./support/undici-objection.ts";

const read = (file: unknown): readonly string[] => {
  const result = readRoutes(JSON.stringify(file));
  return result.kind === "invalid" ? result.problems : [];
};
const backend = { type: "http", url: "http://127.0.0.1:7000/{action}" };
const log = { type: "stream" };

const urlForm =
  "an http or https URL without user name, backslash and fragment; behind the host only visible ASCII (percent-encode the " +
  "rest), and {action}, {identity}, {subprotocol} only there";

test("a file with everything in it has no mistakes", () => {
  const file = {
    integrations: {
      backend: { ...backend, headers: { Authorization: "Bearer x" }, deadlineMs: 5_000, maxConcurrent: 10 },
      log: { ...log, partitions: 64, maxLength: 10, deadlineMs: 1_000 },
      clock: { type: "local", handler: "heartbeat" },
    },
    routes: {
      $connect: "backend",
      $disconnect: "log",
      $default: { to: "backend", deadlineMs: 1_000 },
      Heartbeat: "clock",
      "ocpp1.6:StopTransaction": "log",
      MeterValues: "log",
      "ocpp1.6:DataTransfer": { to: "log", answer: { status: "Accepted" } },
      VendorInvented: "backend",
    },
  };
  expect(read(file)).toEqual([]);
});

test("all mistakes are told together, with their place and the nearest known name", () => {
  const file = {
    integratons: {},
    integrations: {
      a: { type: "htp" },
      b: { type: "http", url: "ftp://x" },
      c: { ...backend, url: "http://x/{acton}", deadlneMs: 1 },
      d: { type: "local", handler: "hartbeat" },
      e: { ...log, partitions: 0 },
      f: { ...backend, headers: { "ce-id": "x", ok: 1 } },
      "g h": backend,
      backend,
      log,
    },
    routes: {
      Hartbeat: "backend",
      Reset: "backend",
      "ocpp3:Heartbeat": "backend",
      "ocpp2.0.1:StartTransaction": "backnd",
      $defalt: "backend",
      Authorize: 1,
      Heartbeat: { to: "backend", deadlineMs: 1 },
      StatusNotification: { to: "backend", answer: {} },
    },
  };
  expect(read(file)).toEqual([
    "the file.integratons: unknown; did you mean integrations?",
    "integrations.a.type: must be one of http, stream, local; did you mean http?",
    `integrations.b.url: must be ${urlForm}`,
    "integrations.c.deadlneMs: unknown; did you mean deadlineMs?",
    "integrations.c.url: unknown {acton}; did you mean {action}?",
    "integrations.d.handler: must be one of heartbeat, demo; did you mean heartbeat?",
    "integrations.e.partitions: must be a whole number from 1 to 64",
    "integrations.f.headers.ce-id: cannot be set here",
    "integrations.f.headers.ok: must be a text of visible ASCII",
    "integrations.g h: must be called by 1 to 32 letters, digits, _ or -",
    "routes.Hartbeat: unknown action; did you mean Heartbeat?",
    "routes.Reset: charge points do not send this action: it is sent to them",
    "routes.ocpp3:Heartbeat: the part before the colon must be one of ocpp1.6, ocpp2.0.1, ocpp2.1",
    "routes.ocpp2.0.1:StartTransaction: no integration is called backnd; did you mean backend?",
    "routes.$defalt: unknown action; did you mean $default?",
    "routes.Authorize: must be an object",
    "routes.Heartbeat.deadlineMs: must be a whole number from 100 to 600000",
    "routes.StatusNotification.answer: only a route to a stream has one",
  ]);
});

test("an integration that is called like none is told which there are", () => {
  const said = (integrations: object) => read({ integrations, routes: { Heartbeat: "cmsm" } });
  const beginning = "routes.Heartbeat: no integration is called cmsm";
  expect(said({ csms: backend, meters: log })).toEqual([`${beginning}; there are csms, meters`]);
  expect(said({ csms: backend })).toEqual([`${beginning}; there is csms`]);
  expect(said({})).toEqual([`${beginning}; there are none`]);
});

describe("a request that could not be sent is a mistake of the file, not a CALL that ends at its deadline:", () => {
  const withHeader = (name: string) =>
    read({ integrations: { backend: { ...backend, headers: { [name]: "x" } } } });

  test.each(["Accept-Encoding", "Connection", "Expect", "Keep-Alive", "Transfer-Encoding", "Upgrade"])(
    "the header %s",
    async (name) => {
      expect(withHeader(name)).toEqual([`integrations.backend.headers.${name}: cannot be set here`]);
      expect(withHeader(name.toLowerCase())).toHaveLength(1);
    },
  );

  test("the same header twice: names have no case, and one of them would be sent", () => {
    const headers = JSON.parse('{"Authorization":"a","authorization":"b","__proto__":"c"}') as object;
    expect(read({ integrations: { backend: { ...backend, headers } } })).toEqual([
      "integrations.backend.headers.authorization: is there twice: names of headers have no case",
    ]);
  });

  test.each(["a\r\nx-evil: 1", "a\n", "a\r", "a\u2028", "\0", "\x7f", "\u010d\u010a", "ä"])(
    "a header's value %j",
    (value) => {
      expect(read({ integrations: { backend: { ...backend, headers: { "x-key": value } } } })).toEqual([
        "integrations.backend.headers.x-key: must be a text of visible ASCII",
      ]);
    },
  );

  test.each(["a\n", "a\r\nb", "a:b", "a b", "", "\u212a"])("a header's name %j", (name) => {
    expect(withHeader(name)).toEqual([`integrations.backend.headers.${name}: cannot be set here`]);
  });

  const withUrl = (url: string) => read({ integrations: { backend: { type: "http", url } } });

  test.each([
    "http://h:7000/€",
    "http://h:7000/ü",
    "http://h:7000/a\x7f",
    "http://h:7000/a\x01",
    "http://h:7000/a?b=ü",
    "http://h:7000/a b",
    "http://h:7000/a\\b",
    "http://h:7000\\x/y",
    "http://h:7000\\",
  ])("the URL %j", (url) => {
    expect(withUrl(url)).toEqual([`integrations.backend.url: must be ${urlForm}`]);
  });

  test("all other characters may stand in a path or a query, and undici sends them", async () => {
    const allowed = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)).filter(
      (character) => withUrl(`http://h/${character}?${character}`).length === 0,
    );
    const visible = Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at));
    expect(allowed).toEqual(visible.filter((character) => !"#\\{".includes(character)));
    expect(withUrl("http://bücher.example/%C3%BC/{action}?of={identity}")).toEqual([]);
    expect(await objectionTo({ path: `/${allowed.join("")}` })).toBeUndefined();
  });

  test("undici objects to none of the well-known headers that may be set", async () => {
    const constants: unknown = createRequire(import.meta.url)("undici/lib/core/constants.js");
    const { wellknownHeaderNames } = constants as { wellknownHeaderNames: readonly string[] };
    const settable = wellknownHeaderNames.filter((name) => withHeader(name).length === 0);
    expect(settable).toContain("Authorization");
    for (const name of settable) expect(await objectionTo({ headers: [name, "x"] }), name).toBeUndefined();
  });
});

test("a header of any name is kept, also one that an object would take for itself", () => {
  const text = `{"integrations":{"b":{"type":"http","url":"http://h","headers":{"__proto__":"x"}}},"routes":{"$default":"b"}}`;
  const plan = readRoutes(text);
  expect(plan).toMatchObject({ routes: [{ to: { headers: new Map([["__proto__", "x"]]) } }] });
});

describe("a stream answers before any backend saw the message, so", () => {
  const toLog = (routes: Record<string, unknown>): readonly string[] =>
    read({ integrations: { log }, routes });
  test("StartTransaction cannot go to one: its transactionId must come from somebody who remembers it", () => {
    expect(toLog({ StartTransaction: { to: "log", answer: { transactionId: 1 } } })).toEqual([
      "routes.StartTransaction: StartTransaction cannot go to a stream: its answer carries a transactionId, which a backend makes",
    ]);
  });
  test("it cannot be the default, and an action whose answer says something needs an answer", () => {
    expect(toLog({ $default: "log", BootNotification: "log", MeterValues: "log" })).toEqual([
      "routes.$default: a stream cannot be the default: each action's answer must be known",
      'routes.BootNotification: a stream needs an "answer" for this action: no backend is asked for one',
    ]);
  });
  test("an answer that could not be written again is a mistake", () => {
    const deep: unknown = JSON.parse(`${'{"x":'.repeat(101)}0${"}".repeat(101)}`);
    expect(toLog({ DataTransfer: { to: "log", answer: deep } })).toEqual([
      "routes.DataTransfer.answer: nests deeper than 100 levels",
    ]);
  });
  test("ROUTES.md names exactly the actions that need none", () => {
    const ofStations = ocppVersions.flatMap((version) =>
      [...actions[version].keys()].filter((action) => mayChargePointSend(action, version)),
    );
    const all = [...new Set([...ofStations, ...specialRoutes])];
    const needNone = all.filter((action) => toLog({ [action]: "log" }).length === 0);
    const text = readFileSync(new URL("../ROUTES.md", import.meta.url), "utf8");
    const named = /Answered\s`\{\}` are (.*?)\.\n/s.exec(text)?.[1] ?? "";
    const names = [...named.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(needNone));
  });
});

test("what is not JSON is told by its place where the parser knows it, and never quoted: headers hold keys", () => {
  const problemsOf = (text: string): readonly string[] => ({ problems: [], ...readRoutes(text) }).problems;
  expect(problemsOf('{\n"routes": {},\n}')).toEqual(["the file: not JSON (line 3 column 1)"]);
  expect(problemsOf('{"authorization": hunter2}')).toEqual(["the file: not JSON"]);
});

test("a clock answers Heartbeat, in any version, and nothing else", () => {
  const integrations = { clock: { type: "local", handler: "heartbeat" } };
  const toClock = (...keys: string[]) =>
    read({ integrations, routes: Object.fromEntries(keys.map((key) => [key, "clock"])) });
  expect(toClock("Heartbeat", "ocpp2.1:Heartbeat")).toEqual([]);
  expect(toClock("BootNotification", "$default", "ocpp1.6:$connect")).toHaveLength(3);
});

test("of two entries under one key none is taken in silence", () => {
  const twice =
    '{"routes":{"Heartbeat":"local"},"integrations":{"local":{"type":"local","handler":"heartbeat"}},"routes":{}}';
  expect(readRoutes(twice)).toMatchObject({ kind: "invalid", problems: ["routes: given more than once"] });
});

test("what is not JSON is one mistake", () => {
  expect(readRoutes("{")).toMatchObject({ kind: "invalid", problems: [expect.stringContaining("not JSON")] });
  expect(read([])).toEqual(["the file: must be an object"]);
});

describe("the more exact route wins", () => {
  const route = (name: string) => ({ ...routeOf(() => ({ kind: "result", payloadJson: "{}" })), name });
  const names = ["ocpp1.6:Heartbeat", "Heartbeat", "ocpp1.6:$default", "$default", "$connect", "constructor"];
  const router = createRouter(new Map(names.map((name) => [name, route(name)])));
  test.each([
    ["1.6", "Heartbeat", "ocpp1.6:Heartbeat"],
    ["2.0.1", "Heartbeat", "Heartbeat"],
    ["1.6", "Authorize", "ocpp1.6:$default"],
    ["2.1", "Authorize", "$default"],
    ["2.1", "constructor", "constructor"],
    ["2.1", "__proto__", "$default"],
  ] as const)("%s %s → %s", (version, action, name) => {
    expect(router.route(version, action)?.name).toBe(name);
  });
  test("without a default there is no route", () => {
    expect(
      createRouter(new Map([["Heartbeat", route("Heartbeat")]])).route("1.6", "Authorize"),
    ).toBeUndefined();
  });
});
