import { createServer, type AddressInfo, type Server } from "node:net";
import { systemTime } from "@cpg/session-registry";
import { Client, request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { InboundCall } from "../../src/integration.ts";
import { commonHeaders, eventHeaders, withTraceparent } from "../../src/integrations/cloud-event.ts";
import { HttpExchange } from "../../src/integrations/http-exchange.ts";
import { HttpTarget } from "../../src/integrations/http-target.ts";
import { sharedLookup } from "../../src/integrations/shared-lookup.ts";
import { Counts } from "../support/test-edge.ts";
import { TestExpiry } from "../support/test-expiry.ts";

let server: Server;
let received = "";
beforeEach(async () => {
  received = "";
  server = createServer((socket) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.endsWith("}")) socket.write("HTTP/1.1 204 No Content\r\n\r\n"); // one request at a time
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const hostOf = (): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`;

const common = commonHeaders("edge-1", new Map([["authorization", "Bearer x"]]));

function headersOf(of: {
  identity?: string;
  action?: string;
  messageId?: string;
  epoch?: number | undefined;
}) {
  const { identity = "CP1", action = "BootNotification", messageId = "m1" } = of;
  const epoch = "epoch" in of ? of.epoch : 7;
  const station = { identity, key: identity, version: "1.6", connection: "c", epoch, remote: "" };
  const call = { callId: "c:1", messageId, action, payloadJson: "{}", patience: "normal", station };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names without their brands
  const headers = eventHeaders(call as unknown as InboundCall, common, 0);
  return withTraceparent(headers, "00-1-2-00");
}

function openTarget(): HttpTarget {
  return new HttpTarget(
    {
      origin: `http://${hostOf()}`,
      connections: 1,
      maxConcurrent: 2,
      attemptTimeoutMs: 8_000,
      maxResponseBytes: 1_024,
    },
    { instruments: new Counts().integration("backend"), time: systemTime, lookup: sharedLookup() },
  );
}

/** A request as undici writes it from a list: that is how it must arrive. */
function written(body: string, ...ours: readonly string[]): string {
  return [
    "POST /a HTTP/1.1",
    `host: ${hostOf()}`,
    "connection: keep-alive",
    "content-type: application/json",
    "accept: application/json",
    "ce-specversion: 1.0",
    "ce-source: /edges/edge-1",
    "cpg-edge: edge-1",
    "authorization: Bearer x",
    "ce-id: c:1",
    ...ours,
    "traceparent: 00-1-2-00",
    `content-length: ${String(Buffer.byteLength(body))}`,
    "",
    Buffer.from(body).toString("latin1"),
  ].join("\r\n");
}

test("requests arrive with the headers of each, also one that waits in undici's line for the connection", async () => {
  const target = openTarget();
  const ask = (of: Parameters<typeof headersOf>[0], body: string) =>
    target.fetch({ path: "/a", headers: headersOf(of), body }, new TestExpiry());
  const fetched = await Promise.all([
    ask({}, '{"ä":1}'),
    ask({ action: "$connect", messageId: "", epoch: undefined }, "{}"),
  ]);
  await target.close();
  expect(fetched).toMatchObject([{ reply: { status: 204 } }, { reply: { status: 204 } }]);
  const session = [
    "ce-subject: CP1",
    "ce-time: 1970-01-01T00:00:00.000Z",
    "cpg-connection: c",
    "cpg-subprotocol: ocpp1.6",
  ];
  expect(received).toBe(
    written(
      '{"ä":1}',
      "ce-type: ocpp1.6.BootNotification",
      ...session,
      "cpg-message-id: m1",
      "cpg-epoch: 7",
    ) + written("{}", "ce-type: cpg.connect", ...session),
  );
});

test("a request whose headers undici does not take is not sent (E6)", async () => {
  const client = new Client(`http://${hostOf()}`);
  const owner = { maxResponseBytes: 1_024, ended: () => undefined };
  const asked = new Promise<unknown>((resolve, reject) => {
    const exchange = new HttpExchange(headersOf({}), owner, { resolve, reject });
    client.dispatch({ method: "POST", path: "/a", body: "{}" }, exchange); // not bodyOf
  });
  await expect(asked).rejects.toThrow("undici did not take this request's headers");
  await client.close();
  expect(received).toBe("");
});

test("requests that are not ours are left alone: undici's, and those of Node's own fetch", async () => {
  const url = `http://${hostOf()}/a`;
  const { statusCode } = await request(url, { method: "POST", body: Buffer.from("{}") });
  const { status } = await fetch(url, { method: "POST", body: "{}" });
  expect([statusCode, status]).toEqual([204, 204]);
  expect(received).toContain(
    `POST /a HTTP/1.1\r\nhost: ${hostOf()}\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}`,
  );
  expect(received).not.toContain("authorization");
});

// All of the first 65,536 code units: the ends of lines, what is no ASCII, halves of pairs.
const everything = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit)).join("|");

test.each([
  ["identity", ""],
  ["action", ""],
  ["action", "$"],
  ["messageId", ""],
] as const)("nothing that a charge point says ends a header, or is no ASCII: %s %s", (name, start) => {
  const usual = headersOf({}).split("\r\n");
  const lines = headersOf({ [name]: `${start}\r\nx-evil: 1\r\n\r\n${everything}` }).split("\r\n");
  expect(lines.map((line) => line.split(": ")[0])).toEqual(usual.map((line) => line.split(": ")[0]));
  for (const line of lines.slice(1)) expect(line).toMatch(/^[a-z-]+: [\x21-\x7e]+(?: [\x21-\x7e]+)?$/);
});
