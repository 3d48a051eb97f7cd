import { expect, test } from "vitest";
import { addressText } from "../src/address-text.ts";

const asText = (): ArrayBuffer => new TextEncoder().encode("what uWebSockets.js says").buffer;

test.each([
  ["IPv4", [127, 0, 0, 1], "127.0.0.1"],
  ["IPv4 mapped into IPv6", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 20, 30, 255], "10.20.30.255"],
  ["IPv6", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 255, 255, 10, 20, 30, 255], "what uWebSockets.js says"],
  ["nothing that is known", [], "what uWebSockets.js says"],
])("%s", (_, bytes, text) => {
  expect(addressText(new Uint8Array(bytes).buffer, asText)).toBe(text);
});
