import { connect as connectTcp, createServer } from "node:net";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { scryptSync } from "node:crypto";
import { freePort } from "@cpg/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { authenticateBy, sha256 } from "../src/authentication.ts";
import { readCredentials } from "../src/credentials-file.ts";
import { connect, refused } from "./support/charge-point.ts";
import { routeOf, settingsWith, startTestEdge, type TestEdge } from "./support/test-edge.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.edge.stop();
  expect(running?.bugs ?? []).toEqual([]);
  running = undefined;
});

const start = async (parts: Parameters<typeof startTestEdge>[1] = {}): Promise<TestEdge> => {
  running = await startTestEdge(
    { $default: routeOf(() => ({ kind: "result", payloadJson: "{}" }), "local") },
    parts,
  );
  return running;
};

describe("what is no identity is refused with 400 before the upgrade, and claims nothing", () => {
  test.each([
    ["no identity", ""],
    ["an escaped slash", "CP%2F1"],
    ["an escaped NUL", "CP%001"],
    ["a bad escape", "CP%zz"],
    ["a lone percent sign", "CP%"],
    ["256 bytes", "x".repeat(256)],
    ["256 bytes of UTF-8", "%C3%A4".repeat(128)],
  ])("%s", async (_what, segment) => {
    const { url, counts, ownership } = await start();
    expect((await refused(url(segment))).status).toBe(400);
    expect(counts.of("refused identity")).toBe(1);
    expect(ownership.claims).toEqual([]);
  });
});

test("an identity of exactly 255 bytes, and one with a space, may come in with 1.6", async () => {
  const { url, ownership } = await start();
  await connect(url("x".repeat(255)));
  await connect(url("CP%201"));
  expect(ownership.claims.map((claim) => String(claim.identity))).toEqual(["x".repeat(255), "CP 1"]);
});

test("an identity is decoded once: %2541 is the identity %41", async () => {
  const { url, ownership } = await start();
  await connect(url("%2541"));
  expect(ownership.claims[0]?.identity).toBe("%41");
});

test("the query is no part of the identity", async () => {
  const { url, ownership } = await start();
  await connect(`${url("CP1")}?token=x`);
  expect(ownership.claims[0]?.identity).toBe("CP1");
});

test("another path is 404, so a wrong setting of a station is told from a wrong identity", async () => {
  const { edge, counts } = await start();
  const base = `ws://127.0.0.1:${String(edge.listenPort)}`;
  expect((await refused(`${base}/CP1`)).status).toBe(404);
  expect((await refused(`${base}/ocpp/a/CP1`)).status).toBe(404);
  expect((await refused(`${base}/ocpp`)).status).toBe(400);
  expect(counts.of("refused path")).toBe(2);
});

const upgradeRequest = (path: string, protocols = "Sec-WebSocket-Protocol: ocpp1.6\r\n"): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocols}\r\n`;

/** What the port answers to raw bytes, until `holds` is in it. */
async function answerTo(port: number, bytes: string, holds: RegExp): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
  socket.write(bytes);
  await expect.poll(() => answer).toMatch(holds);
  socket.destroy();
  return answer;
}

// A raw request: every WebSocket client resolves the dots before it sends them.
test.each([".", "..", "%2e%2e", "%2E."])(
  "the identity %s is 400: it would lead elsewhere in every URL that names it",
  async (segment) => {
    const { edge, counts } = await start();
    expect(await answerTo(edge.listenPort, upgradeRequest(`/ocpp/${segment}`), /\r\n\r\n/)).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(counts.of("refused identity")).toBe(1);
  },
);

describe("subprotocols", () => {
  test("the station's order of preference wins", async () => {
    const { url } = await start();
    expect((await connect(url("CP1"), ["ocpp2.0.1", "ocpp1.6"])).ws.protocol).toBe("ocpp2.0.1");
    expect((await connect(url("CP2"), ["ocpp0.9", "ocpp1.6", "ocpp2.1"])).ws.protocol).toBe("ocpp1.6");
  });
  test("a list that is cut up into several headers is one list", async () => {
    const { edge } = await start();
    const protocols = ["ocpp0.9", "x, ocpp2.0.1", "ocpp1.6"].map((p) => `Sec-WebSocket-Protocol: ${p}\r\n`);
    const answer = await answerTo(
      edge.listenPort,
      upgradeRequest("/ocpp/CP1", protocols.join("")),
      /\r\n\r\n/,
    );
    expect(answer).toMatch(/^HTTP\/1.1 101 [^]*\r\nSec-WebSocket-Protocol: ocpp2\.0\.1\r\n/i);
    const none = protocols.map((header) => header.replaceAll("ocpp", "xcpp")).join("");
    expect(await answerTo(edge.listenPort, upgradeRequest("/ocpp/CP2", none), /\r\n\r\n/)).toMatch(
      /^HTTP\/1.1 400 /,
    );
  });
  test("nothing in common is 400 by default", async () => {
    const { url, counts } = await start();
    expect((await refused(url("CP1"), ["ocpp1.5"])).status).toBe(400);
    expect((await refused(url("CP1"), [])).status).toBe(400);
    expect(counts.of("refused subprotocol")).toBe(2);
  });
  test("an identity that 2.x forbids can have 1.6 only", async () => {
    const { url } = await start();
    expect((await refused(url("CP%201"), ["ocpp2.0.1"])).status).toBe(400);
    expect((await connect(url("CP%201"), ["ocpp2.0.1", "ocpp1.6"])).ws.protocol).toBe("ocpp1.6");
  });
  test("upgrade-then-close, where the setting says so: no session and no claim come of it", async () => {
    const { url, ownership } = await start({ settings: settingsWith({ ocpp: { noSubprotocol: "close" } }) });
    const station = await connect(url("CP1"), []);
    expect((await station.ended()).code).toBe(1002);
    expect(ownership.claims).toEqual([]);
  });
});

describe("admission", () => {
  test("a full edge refuses with 503 and Retry-After", async () => {
    const { url, counts } = await start({ settings: settingsWith({ listen: { maxConnections: 1 } }) });
    await connect(url("CP1"));
    const answer = await refused(url("CP2"));
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "10"]);
    expect(counts.of("refused capacity")).toBe(1);
  });
  test("where the policy is to reject while the registry is away, its own knowledge of when to retry is told", async () => {
    const { url, ownership, counts } = await start();
    ownership.nextAdmission = { kind: "closed", reason: "registry-away", retryAfterMs: 61_500 };
    const answer = await refused(url("CP1"));
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "62"]);
    expect(counts.of("refused registryAway")).toBe(1);
  });
  test("a claim that is refused after the upgrade closes the socket, and no release is owed", async () => {
    const { url, ownership, counts } = await start({
      settings: settingsWith({ listen: { maxConnections: 1 } }),
    });
    ownership.nextClaim = { kind: "refused", reason: "owed-full" };
    expect((await (await connect(url("CP1"))).ended()).code).toBe(1013);
    expect(ownership.releases).toEqual([]);
    expect(counts.of("ended notRegistered")).toBe(1);
    await connect(url("CP2")); // its place is free again
  });
});

describe("a decision that takes its time", () => {
  const slowly = (): Promise<"accepted"> =>
    new Promise((resolve) => setTimeout(() => resolve("accepted"), 20 + Math.random() * 30));

  test("asks for admission again: no more come in than there is room for", async () => {
    const { url, counts } = await start({
      authenticate: slowly,
      settings: settingsWith({ listen: { maxConnections: 2 } }),
    });
    const answers = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => connect(url(`CP${n}`))));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    expect(counts.of("refused capacity")).toBe(8);
  });

  test("cuts nobody off behind its 101", async () => {
    const { edge, url, ownership, counts } = await start({ authenticate: slowly });
    const stations = await Promise.all(Array.from({ length: 50 }, (_, n) => connect(url(`CP${n}`))));
    await refused(url("")); // whoever was cut off has been seen to be
    expect(edge.sessions.size).toBe(50);
    expect(stations.filter(({ ws }) => ws.readyState !== ws.OPEN)).toEqual([]);
    expect([ownership.releases, counts.of("ended lost")]).toEqual([[], 0]);
  });

  test("corks its upgrade by a socket that it supersedes, too", async () => {
    const { url } = await start({ authenticate: slowly });
    for (let n = 0; n < 5; n++) {
      const older = await connect(url("CP1"));
      const newer = await connect(url("CP1"));
      expect((await older.ended()).code).toBe(4001);
      expect(newer.ws.readyState).toBe(newer.ws.OPEN);
      newer.ws.close();
      await newer.ended();
    }
  });

  test("refuses who says Connection: close instead of Upgrade", async () => {
    const { edge, url, counts } = await start({ authenticate: slowly });
    const closing = upgradeRequest("/ocpp/CP1", "Sec-WebSocket-Protocol: ocpp1.6\r\n").replace(
      "Connection: Upgrade",
      "Connection: close",
    );
    expect(await answerTo(edge.listenPort, closing, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 400 /);
    expect(counts.of("refused notWebSocket")).toBe(1);
    await connect(url("CP2"));
  });
});

describe("authentication", () => {
  const salt = Buffer.from("0123456789abcdef");
  const key = Buffer.from([1, 0x3a, 0, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]); // holds ":" and NUL
  const entry = { salt: salt.toString("base64"), hash: Buffer.from(sha256(salt, key)).toString("base64") };
  const slow = {
    algorithm: "scrypt",
    salt: entry.salt,
    hash: scryptSync("a word a person chose", salt, 32).toString("base64"),
  };
  const read = readCredentials(JSON.stringify({ CP1: entry, "a:b": entry, slow }));
  if (read.kind === "invalid") throw new Error(read.problems.join());
  const authenticate = authenticateBy(() => read.credentials);
  const basic = (user: string, password: Buffer): { headers: Record<string, string> } => ({
    headers: {
      authorization: `Basic ${Buffer.concat([Buffer.from(`${user}:`), password]).toString("base64")}`,
    },
  });

  test("the right key comes in, whatever bytes it has", async () => {
    const { url } = await start({ authenticate });
    await connect(url("CP1"), ["ocpp1.6"], basic("CP1", key));
    await connect(url("a:b"), ["ocpp1.6"], basic("a:b", key));
  });
  test("a slow hash works too, after an await", async () => {
    const { url } = await start({ authenticate });
    await connect(url("slow"), ["ocpp1.6"], basic("slow", Buffer.from("a word a person chose")));
    expect((await refused(url("slow"), ["ocpp1.6"], basic("slow", key))).status).toBe(401);
  });
  test("an unknown identity is 404; a wrong, missing or foreign credential is 401 with a challenge", async () => {
    const { url, counts } = await start({ authenticate });
    expect((await refused(url("CP9"), ["ocpp1.6"], basic("CP9", key))).status).toBe(404);
    for (const options of [
      basic("CP1", Buffer.from("wrong")),
      {},
      basic("a:b", key),
      { headers: { authorization: "Bearer x" } },
    ]) {
      const answer = await refused(url("CP1"), ["ocpp1.6"], options);
      expect([answer.status, answer.headers["www-authenticate"]]).toEqual([
        401,
        'Basic realm="charge points", charset="UTF-8"',
      ]);
    }
    expect([counts.of("refused unknownIdentity"), counts.of("refused credentials")]).toEqual([1, 4]);
  });
  test("2.x identities are found in any case, 1.6 ones only as written", async () => {
    const { url, ownership } = await start({ authenticate });
    await connect(url("cp1"), ["ocpp2.0.1"], basic("cp1", key));
    expect(ownership.claims[0]?.key).toBe("cp1");
    expect((await refused(url("cp1"), ["ocpp1.6"], basic("cp1", key))).status).toBe(404);
  });
  test("a station that leaves while its key is still being hashed harms nobody", async () => {
    let finish: (value: "accepted") => void = () => undefined;
    const { edge, url, counts, ownership } = await start({
      authenticate: () => new Promise((resolve) => (finish = resolve)),
    });
    const leaving = request({
      port: edge.listenPort,
      path: "/ocpp/CP1",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-protocol": "ocpp1.6",
      },
    });
    leaving.on("error", () => undefined);
    leaving.end();
    await expect.poll(() => finish.length).toBe(1); // the resolver: the request has arrived
    leaving.destroy();
    await refused(url("")); // a later request was served: the abort has been seen
    finish("accepted");
    await expect.poll(() => counts.of("refused aborted")).toBe(1);
    expect(ownership.claims).toEqual([]);
  });
  test("mistakes of the file are all told, without a hash in them", () => {
    const bad = readCredentials(
      JSON.stringify({
        "": entry,
        CP1: { salt: "x", hash: entry.hash },
        CP2: { ...entry, algoritm: "sha256" },
        CP3: 1,
      }),
    );
    expect(bad.kind === "invalid" && bad.problems).toEqual([
      '"": not an identity: empty',
      '"CP1".salt: must be 8 to 64 bytes in base64',
      '"CP2".algoritm: unknown; did you mean algorithm?',
      '"CP3": must be an object',
    ]);
    expect(readCredentials("{").kind).toBe("invalid");
  });
});

describe("the port speaks WebSocket only", () => {
  test("a plain GET is 426, anything else 405, and the connection is closed after it", async () => {
    const { edge, counts } = await start();
    const url = `http://127.0.0.1:${String(edge.listenPort)}/ocpp/CP1`;
    const get = await fetch(url);
    expect([get.status, get.headers.get("connection")]).toEqual([426, "close"]);
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(405);
    expect([counts.of("refused notWebSocket"), counts.of("refused method")]).toEqual([1, 1]);
  });
  test("what is sent behind a refused request without waiting is judged like any other, and claims only what it may", async () => {
    const { edge, ownership, counts } = await start({
      authenticate: (identity) => (String(identity) === "CP1" ? "accepted" : "unknown"),
    });
    const plain = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    const many = plain + upgradeRequest("/ocpp/CP%zz") + upgradeRequest("/ocpp/CP2");
    const answer = await answerTo(edge.listenPort, many + upgradeRequest("/ocpp/CP1"), /HTTP\/1.1 101 /);
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(["405", "400", "404", "101"].map((s) => `HTTP/1.1 ${s}`));
    expect(ownership.claims.map(({ identity }) => identity)).toEqual(["CP1"]);
    expect(counts.of("refused unknownIdentity")).toBe(1);
  });
  test("a second edge on the same port is told so in one line", async () => {
    const { edge } = await start();
    const settings = settingsWith({ listen: { port: edge.listenPort } });
    await expect(startTestEdge({}, { settings })).rejects.toThrow(
      /^listen\.port: cannot listen on 127\.0\.0\.1:\d+ \(charge points\): the port is in use\. Free it or choose another listen\.port\.$/,
    );
    const foreign = createServer();
    await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
    const { port }: AddressInfo = Object(foreign.address());
    await expect(startTestEdge({}, { settings: settingsWith({ listen: { port } }) })).rejects.toThrow(
      /in use/,
    );
    foreign.close();
  });
  test("an address that is not this machine's is no port in use: the setting to correct is the host", async () => {
    const settings = settingsWith({ listen: { host: "192.0.2.1" } });
    await expect(startTestEdge({}, { settings })).rejects.toThrow(
      /^listen\.host: .*: this machine has no such address\. Correct listen\.host\.$/,
    );
  });
  test("two edges may share a port where both were told to", async () => {
    const settings = settingsWith({ listen: { sharePort: true, port: await freePort() } }); // port 0 is never shared
    await start({ settings });
    const second = await startTestEdge({}, { settings });
    await second.edge.stop();
  });
});

describe("a bug on the way in is told and answered with 500, and the next one comes in (U1)", () => {
  const broken = new Error("broken");
  test.each<[string, () => Promise<"accepted">]>([
    [
      "thrown at once",
      () => {
        throw broken;
      },
    ],
    ["after an await", () => Promise.reject(broken)],
  ])("%s", async (_when, fail) => {
    let isFirst = true;
    const authenticate = (): "accepted" | Promise<"accepted"> => {
      if (!isFirst) return "accepted";
      isFirst = false;
      return fail();
    };
    const { url, counts, bugs } = await start({ authenticate });
    expect((await refused(url("CP1"))).status).toBe(500);
    expect(counts.of("refused internal")).toBe(1);
    expect(bugs.splice(0)).toEqual([{ err: broken }]);
    await connect(url("CP1"));
  });
});
