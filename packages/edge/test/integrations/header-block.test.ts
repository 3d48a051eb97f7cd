import { createServer, type AddressInfo, type Server } from "node:net";
import { systemTime } from "@cpg/session-registry";
import { request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { InboundCall } from "../../src/integration.ts";
import { commonHeaders, eventHeaders, withTraceparent } from "../../src/integrations/cloud-event.ts";
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
      if (received.endsWith("}")) socket.end("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const hostOf = (): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`;

const common = commonHeaders("edge-1", new Map([["authorization", "Bearer x"]]));

function headersOf({ identity = "CP1", action = "BootNotification", messageId = "m1", epoch = 7 }) {
  const station = { identity, key: identity, version: "1.6", connection: "c", epoch, remote: "" };
  const call = { callId: "c:1", messageId, action, payloadJson: "{}", patience: "normal", station };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names without their brands
  const headers = eventHeaders(call as unknown as InboundCall, common, 0);
  return withTraceparent(headers, "00-1-2-00");
}

test("a request is written as undici would have written it from a list, and its body behind it", async () => {
  const target = new HttpTarget(
    {
      origin: `http://${hostOf()}`,
      connections: 1,
      maxConcurrent: 1,
      attemptTimeoutMs: 8_000,
      maxResponseBytes: 1_024,
    },
    { instruments: new Counts().integration("backend"), time: systemTime, lookup: sharedLookup() },
  );
  const fetched = await target.fetch(
    { path: "/a", headers: headersOf({}), body: '{"ä":1}' },
    new TestExpiry(),
  );
  await target.close();
  expect(fetched).toMatchObject({ kind: "reply", reply: { status: 204 } });
  expect(received.split("\r\n")).toEqual([
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
    "ce-type: ocpp1.6.BootNotification",
    "ce-subject: CP1",
    "ce-time: 1970-01-01T00:00:00.000Z",
    "cpg-connection: c",
    "cpg-subprotocol: ocpp1.6",
    "cpg-message-id: m1",
    "cpg-epoch: 7",
    "traceparent: 00-1-2-00",
    "content-length: 8",
    "",
    Buffer.from('{"ä":1}').toString("latin1"),
  ]);
});

test("a request that is not ours is left alone", async () => {
  const { statusCode } = await request(`http://${hostOf()}/a`, { method: "POST", body: Buffer.from("{}") });
  expect(statusCode).toBe(204);
  expect(received.split("\r\n")).toEqual([
    "POST /a HTTP/1.1",
    `host: ${hostOf()}`,
    "connection: keep-alive",
    "content-length: 2",
    "",
    "{}",
  ]);
});

// All of the first 65,536 code units: the ends of lines, what is no ASCII, halves of pairs.
const everything = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit)).join("|");

test.each(["identity", "action", "messageId"] as const)(
  "nothing that a charge point says ends a header, or is no ASCII: %s",
  (name) => {
    const usual = headersOf({}).split("\r\n");
    const lines = headersOf({ [name]: `a\r\nx-evil: 1\r\n\r\n${everything}` }).split("\r\n");
    expect(lines.map((line) => line.split(": ")[0])).toEqual(usual.map((line) => line.split(": ")[0]));
    for (const line of lines.slice(1)) expect(line).toMatch(/^[a-z-]+: [\x21-\x7e]+(?: [\x21-\x7e]+)?$/);
  },
);
