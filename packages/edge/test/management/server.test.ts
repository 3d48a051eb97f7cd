import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createManagement } from "../../src/management/management.ts";
import { problems } from "../../src/management/problems.ts";
import { systemTime } from "@cpg/session-registry";
import { ask, goodFacts, newToken, post, raw, serve, type Served } from "./served.ts";

const running: { stop(deadlineMs: number): Promise<void> }[] = [];
async function served(changes: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const one = await serve(changes);
  running.push(one.management);
  return one;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((management) => management.stop(500)));
});

describe("the bearer token", () => {
  it.each([
    ["none", undefined],
    ["an empty one", "Bearer "],
    ["another", "Bearer not-the-token-0000"],
    ["the right one, cut short", "cut"],
    ["another scheme", "Basic"],
  ])("answers 401 to %s, with the way to do better", async (_what, authorization) => {
    const token = newToken();
    const one = await served({ token });
    const value =
      authorization === "cut"
        ? `Bearer ${token.slice(0, -1)}`
        : authorization === "Basic"
          ? `Basic ${token}`
          : authorization;
    const headers: Record<string, string> = value === undefined ? {} : { authorization: value };
    const answer = await ask(one, "/v1/edges", { headers });
    expect(answer).toMatchObject({ status: 401, body: { type: "urn:cpg:problem:unauthorized" } });
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
  });

  it("lets the right one in, however the scheme is written", async () => {
    const token = newToken();
    const one = await served({ token });
    for (const scheme of ["Bearer", "bearer"]) {
      const headers = { authorization: `${scheme} ${token}` };
      expect((await ask(one, "/v1/edges", { headers })).status).toBe(200);
    }
  });

  it("protects every path but health, also those that do not exist, and before the body is read", async () => {
    const one = await served({ token: newToken() });
    for (const path of [
      "/v1/openapi.json",
      "/v1/nothing",
      "/nothing",
      "/V1/edges",
      "//v1/edges",
      "/healthz/",
      "/v1/charge-points/%zz", // no route is looked for, and no hook runs
    ]) {
      expect([path, (await ask(one, path)).status]).toEqual([path, 401]);
    }
    expect((await post(one, "{")).status).toBe(401);
    expect((await ask(one, "/healthz?x=1")).status).toBe(200);
    expect((await ask(one, "/readyz")).status).toBe(200);
  });
});

describe("every error has one shape", () => {
  it("of a path that does not exist", async () => {
    const answer = await ask(await served(), "/v2/anything");
    expect(answer).toMatchObject({ status: 404, body: { type: "urn:cpg:problem:not-found" } });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });

  it("of bytes that are no HTTP", async () => {
    const text = await raw((await served()).port, "nonsense\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain("urn:cpg:problem:invalid-request");
    expect(text).toMatch(
      /is no HTTP\/1\.1 request: Parse Error: \w[^.]+\. The API speaks HTTP without TLS\./,
    );
  });

  it("of headers without end", async () => {
    const request = `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`;
    expect(await raw((await served()).port, request)).toContain("urn:cpg:problem:headers-too-large");
  });
});

describe("what Node would answer by itself", () => {
  const oddRequests: [string, string, string][] = [
    ["a request without Host", "GET /v1/edges HTTP/1.1\r\n", "400 invalid-request"],
    ["an expectation", "GET /v1/edges HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n", "417 expectation-failed"],
    ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n", "404 not-found"],
  ];
  const problemOf = async (one: Served, head: string): Promise<string> => {
    const text = await raw(one.port, `${head}Connection: close\r\n\r\n`);
    expect(text).toMatch(/^content-type: application\/problem\+json\r$/m);
    return `${text.slice(9, 12)} ${String(/urn:cpg:problem:([a-z-]+)/.exec(text)?.[1])}`;
  };

  it.each(oddRequests)("has the one shape, too: %s", async (_what, head, problem) => {
    expect(await problemOf(await served(), head)).toBe(problem);
  });

  it.each(oddRequests)("needs the token first: %s", async (_what, head) => {
    expect(await problemOf(await served({ token: newToken() }), head)).toBe("401 unauthorized");
  });

  it("takes what HTTP allows: no Host in HTTP/1.0, and a client that waits for 100", async () => {
    const one = await served();
    expect(await raw(one.port, "GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
    const waits = "GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    expect(await raw(one.port, waits)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  it("does not fail of a CONNECT whose peer is gone, nor wait for one that stays", async () => {
    const one = await served();
    const peer = (): Socket => connect({ port: one.port, host: "127.0.0.1", allowHalfOpen: true });
    const head = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    const gone = peer();
    gone.write(head, () => gone.resetAndDestroy());
    await new Promise((resolve) => gone.once("close", resolve));
    const stays = peer();
    stays.resume().write(head);
    await new Promise((resolve) => stays.once("end", resolve));
    await one.management.stop(60_000);
    stays.destroy();
  });
});

describe("a command that is being carried out", () => {
  it.each([
    ["bytes too many behind it", " x"],
    ["a second request that never comes whole", "GET /healthz HTTP/1.1\r\n"],
  ])(
    "is never answered by the refusal of %s: the connection breaks, which says that nobody knows (W1)",
    async (_what, behind) => {
      const one = await served({ requestTimeoutMs: 300 });
      one.router.command.mockImplementation(() => new Promise(() => undefined));
      const body = '{"action":"Reset","payload":{}}';
      const head = `Host: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      let text = "";
      const socket = connect(one.port, "127.0.0.1").on("error", () => undefined);
      socket.on("data", (bytes) => (text += String(bytes)));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.write(`POST /v1/charge-points/CP1/commands HTTP/1.1\r\n${head}${body}`);
      await expect.poll(() => one.router.command.mock.calls.length).toBe(1);
      socket.write(behind);
      await closed;
      expect(text).toBe("");
    },
  );
});

describe("connections that only stay", () => {
  it("give their places to who is turned away and comes again", async () => {
    const one = await served({ maxConnections: 2 });
    const idle = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(one.port, "127.0.0.1").on("error", () => undefined);
        socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        await new Promise((resolve) => socket.once("data", resolve));
        return socket;
      }),
    );
    const isServed = (): Promise<boolean> =>
      ask(one, "/healthz").then(
        ({ status }) => status === 200,
        () => false,
      );
    await expect.poll(isServed, { timeout: 5_000 }).toBe(true); // sooner than they would end by themselves
    for (const socket of idle) socket.destroy();
  });
});

describe("starting and stopping", () => {
  const options = (port: number): Parameters<typeof createManagement>[0] => ({
    port,
    token: undefined,
    edge: "a",
    router: { command: never, close: never, find: never },
    ownership: { list: never, edges: () => [] },
    health: () => goodFacts,
    timeouts: { defaultMs: 30_000, maxMs: 120_000 },
    maxConnections: 10,
    time: systemTime,
    log: { error: () => {} },
  });
  const never = (): Promise<never> => new Promise(() => {});

  it("says in one sentence that its port is in use", async () => {
    const squatter: Server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    const { port } = squatter.address() as AddressInfo;
    try {
      await expect(createManagement(options(port)).start()).rejects.toThrow(
        `management.port: cannot listen on 127.0.0.1:${port} (the management API): the port is in use.`,
      );
    } finally {
      squatter.close();
    }
  });

  it("says that an address is not this machine's", async () => {
    const elsewhere = createManagement({ ...options(0), host: "192.0.2.7" });
    await expect(elsewhere.start()).rejects.toThrow("this machine has no such address");
  });

  it("listens on loopback only unless told otherwise", async () => {
    const one = await served();
    await expect(fetch(`http://127.0.0.2:${one.port}/healthz`)).rejects.toThrow();
    expect((await ask(one, "/healthz")).status).toBe(200);
  });

  it("lets an open request end while it stops, and takes no new connection", async () => {
    const one = await serve();
    let answer: () => void = () => {};
    one.router.command.mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ kind: "answered", payload: { ok: 1 }, ownership: "verified", edge: "a" });
        }),
    );
    const open = post(one, { action: "Reset", payload: {} });
    await expect.poll(() => one.router.command.mock.calls.length).toBe(1);
    const stopped = one.management.stop(10_000);
    await expect
      .poll(() =>
        fetch(`${one.base}/healthz`).then(
          () => "open",
          () => "closed",
        ),
      )
      .toBe("closed");
    answer();
    expect(await open).toMatchObject({ status: 200, body: { payload: { ok: 1 } } });
    await stopped;
  });

  it("cuts off what does not end by the deadline", async () => {
    const one = await serve();
    one.router.command.mockImplementation(never);
    const open = post(one, { action: "Reset", payload: {} });
    const cutOff = expect(open).rejects.toThrow();
    await expect.poll(() => one.router.command.mock.calls.length).toBe(1);
    await one.management.stop(50);
    await cutOff;
  });

  it("stops when it never started, and again", async () => {
    const idle = createManagement(options(0));
    await idle.stop(100);
    await idle.stop(100);
  });
});

describe("GET /v1/openapi.json", () => {
  type Operation = {
    responses: Record<string, { description?: string; content?: object }>;
    security?: unknown[];
  };
  type Document = {
    openapi: string;
    info: object;
    paths: Record<string, Record<string, Operation>>;
    security: unknown[];
  };

  const documentOf = async (token?: string): Promise<Document> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await ask(await served({ token }), "/v1/openapi.json", { headers })).body as unknown as Document;
  };

  it("describes every call, and every answer of each in words", async () => {
    const document = await documentOf();
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(Object.keys(document.paths).sort()).toEqual([
      "/healthz",
      "/readyz",
      "/v1/charge-points",
      "/v1/charge-points/{id}",
      "/v1/charge-points/{id}/commands",
      "/v1/charge-points/{id}/connection",
      "/v1/edges",
    ]);
    for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^\d{3}$/);
        expect(response.description).toBeTruthy();
        if (Number(status) >= 400 && status !== "503") {
          expect(Object.keys(response.content ?? {})).toEqual(["application/problem+json"]);
        }
      }
    }
    const command = document.paths["/v1/charge-points/{id}/commands"]?.["post"];
    expect(Object.keys(command?.responses ?? {})).toEqual([
      "200",
      "400",
      "401",
      "404",
      "413",
      "415",
      "429",
      "503",
      "504",
    ]);
  });

  it("has no reference that leads nowhere and nothing that JSON cannot say", async () => {
    const document = await documentOf();
    expect(JSON.stringify(document)).not.toMatch(/"\$ref"|undefined/);
    for (const path of Object.keys(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const operation of Object.values(document.paths[path] ?? {})) {
        const parameters = (operation as { parameters?: { name: string; in: string }[] }).parameters ?? [];
        expect(parameters.filter((each) => each.in === "path").map((each) => each.name)).toEqual(named);
      }
    }
  });

  it("names each operation, for the clients that are generated of it", async () => {
    const { paths } = await documentOf();
    const operations = Object.values(paths).flatMap((path) => Object.values(path ?? {}));
    const ids = operations.map((operation) => String((operation as { operationId?: string }).operationId));
    expect(new Set(ids)).toEqual(
      new Set([
        "closeConnection",
        "getChargePoint",
        "getHealth",
        "getReadiness",
        "listChargePoints",
        "listEdges",
        "sendCommand",
      ]),
    );
    expect(ids).toHaveLength(7);
  });

  it("asks for the token exactly where it is needed", async () => {
    expect((await documentOf()).security).toEqual([]);
    const document = await documentOf(newToken());
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(document.paths["/healthz"]?.["get"]?.security).toEqual([]);
    expect(document.paths["/v1/edges"]?.["get"]?.security).toBeUndefined();
  });
});

describe("API.md", () => {
  it("lists exactly the problems of the table, with their status and title", async () => {
    const text = await readFile(new URL("../../API.md", import.meta.url), "utf8");
    const listed = [...text.matchAll(/^\| (\d{3}) +\| `([a-z-]+)` +\| ([^|]+?) +\|/gm)].map(
      ([, status, name, title]) => ({
        name,
        status: Number(status),
        title,
      }),
    );
    const declared = Object.entries(problems).map(([name, { status, title }]) => ({ name, status, title }));
    expect(listed).toEqual(declared);
  });
});
