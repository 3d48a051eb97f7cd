// Answers of the management API before Fastify has a request: what Node refuses by itself, or would with no body at all.
// Each is a row of problems.ts (A1 of app.ts). Sockets only; no state.
//
// W1. A refusal is never taken for the answer of a request before it: that may be a command which is being carried out, and whoever reads 4xx sends it
//     again. Then the connection breaks, which says that nobody knows.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { problemAnswer, type ProblemExtras, type ProblemName } from "./problems.ts";

/** Answers when the HTTP parser gave up: there is no request to answer, only a socket. */
export function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable || isServed(socket)) return void socket.destroy(); // W1
  // Who did not send a request in time may not close the connection either.
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") closeWhenSaid(socket);
  answerOn(socket, ...parserProblem(error));
  return undefined;
}

/** Whether a request that came whole on it waits for its answer: Node's own handler of such errors looks there too. */
function isServed(socket: Socket & { readonly _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.req.complete === true;
}

/** Answers `Expect` with anything but 100-continue, and CONNECT, which no hook sees; `isAllowed` is A2 of app.ts. */
export function answerOddRequests(server: Server, isAllowed: (request: IncomingMessage) => boolean): void {
  server.on("checkExpectation", (request, response) => {
    const answer = problemAnswer(isAllowed(request) ? "expectation-failed" : "unauthorized");
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.on("connect", (request, socket) => {
    socket.on("error", () => socket.destroy()); // it is no longer the server's
    closeWhenSaid(socket);
    answerOn(socket, isAllowed(request) ? "not-found" : "unauthorized");
  });
}

function closeWhenSaid(socket: Duplex): void {
  socket.once("finish", () => socket.destroy());
}

function answerOn(socket: Duplex, name: ProblemName, extras: ProblemExtras = {}): void {
  const { status, headers, body } = problemAnswer(name, extras);
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    ...Object.entries(headers).map(([header, value]) => `${header}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ];
  socket.end(lines.join("\r\n"));
}

function parserProblem({ code, message }: NodeJS.ErrnoException): [ProblemName, ProblemExtras] {
  if (code === "HPE_HEADER_OVERFLOW") return ["headers-too-large", {}];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["request-timeout", {}];
  const detail = `What came is no HTTP/1.1 request: ${message}. The API speaks HTTP without TLS.`;
  return ["invalid-request", { detail }];
}
