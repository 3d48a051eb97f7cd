// The words of uWebSockets.js: the status lines it is given, headers as it tells of them, the texts by which it says how a socket ended. Pure.

import type { SocketEnd } from "./socket-port.ts";

const statusTexts: Readonly<Record<number, string>> = {
  400: "400 Bad Request",
  401: "401 Unauthorized",
  404: "404 Not Found",
  405: "405 Method Not Allowed",
  426: "426 Upgrade Required",
  500: "500 Internal Server Error",
  503: "503 Service Unavailable",
};

/** Code and reason phrase of an answer. */
export const statusLine = (status: number): string => statusTexts[status] ?? `${String(status)} Refused`;

const lost: SocketEnd = { kind: "lost" };
// Why it ended a socket it tells only by the text in place of a close reason.
const endsByText: ReadonlyMap<string, SocketEnd> = new Map<string, SocketEnd>([
  ["Received too big message", { kind: "messageTooBig" }],
  ["Received too big message, or other inflation error", { kind: "messageTooBig" }],
  ["Received invalid UTF-8", { kind: "invalidUtf8" }],
  ["WebSocket timed out from inactivity", { kind: "idle" }],
]);

/** How a socket ended, by what its `close` handler is given. */
export function endOf(code: number, reason: ArrayBuffer): SocketEnd {
  if (code !== 1006) return { kind: "closed", code };
  return endsByText.get(Buffer.from(reason).toString()) ?? lost;
}

/** A header's value; undefined where there is none, which it gives as an empty text. */
export const presence = (value: string): string | undefined => (value === "" ? undefined : value);

/** All values of a header that stands there more than once; a list may be cut up so (RFC 9110 §5.3). */
export function valuesOf(
  request: { forEach(each: (key: string, value: string) => void): void },
  name: string,
): string {
  const values: string[] = [];
  request.forEach((key, value) => {
    if (key === name) values.push(value);
  });
  return values.join(",");
}
