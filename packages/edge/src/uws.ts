// The border to uWebSockets.js: with uws-listen.ts and uws-socket.ts the only file that imports it. Everything borrowed ends here.
//
// U1. The whole upgrade stands in try/catch, and `onAborted` is set before the first await: a handler that throws, or returns
//     without a response or that, aborts the process (FACTS §1).
// U2. `req` is read before the first await; `res` is never touched after an abort; what is answered after an await is corked, an upgrade by
//     another socket (U7).
// U3. Message bytes are decoded before the handler returns: the buffer is neutered afterwards.
// U4. What becomes of a socket is uws-socket.ts' matter: no call on a `ws` after its close handler ran.
// U5. Only WebSocket upgrades by GET are served; every other request is answered and its connection closed. What came in one
//     piece with it is still read: requests sent behind it without waiting are each judged and answered in full, an upgrade
//     among them too. They gain nothing that a connection of their own would not have; but a proxy in front must not put
//     requests of different clients on one connection (the parser accepts a duplicate Content-Length).
// U6. `upgrade` calls `open` before it returns. So the socket's own data is put there: what is given to `upgrade` instead would be copied
//     property by property, slowly.
// U7. After `res.cork` uWebSockets.js looks at what it corked as at an HTTP response, also if that was upgraded meanwhile in the same place
//     (mended after this version, its pull request 1929): some stations were cut off behind their 101. Inside another socket's cork it does
//     not look. Without another socket an upgrade after an await goes without a cork, and uWebSockets.js prints a warning. A request with
//     `Connection: close` is ended before it is upgraded, and the process with it: it is refused.
//
// Liveness is uWebSockets.js' own: any byte from the peer counts, a ping goes out 16 s (of a long timeout) before the
// end. It counts sweeps of a 4 s timer, not wall time, and a late timer sweeps once: an event loop that stood still
// for longer than the timeout closes nobody (measured: 13 s of standstill, timeout 8 s; test/liveness.test.ts).

import {
  App,
  DISABLED,
  SHARED_COMPRESSOR,
  type HttpRequest,
  type HttpResponse,
  type us_socket_context_t,
  type WebSocket,
} from "uWebSockets.js";
import type { Time } from "@cpg/session-registry";
import { addressText } from "./address-text.ts";
import type { SessionLog } from "./session-log.ts";
import type { DecideUpgrade, Listener, UpgradeDecision, UpgradeRequest } from "./socket-port.ts";
import { openPort, type Port } from "./uws-listen.ts";
import { latestSocket, UwsSocket, type Data, type SocketsContext } from "./uws-socket.ts";
import { endOf, presence, statusLine, valuesOf } from "./uws-words.ts";

/** Settings of the border. */
export interface BorderOptions extends Port, SocketsContext {
  readonly maxPayloadBytes: number;
  /** 0 or 8–960, checked by @cpg/config: anything else aborts the process. */
  readonly idleTimeoutSeconds: number;
  readonly sendPings: boolean;
  /** A message beyond so many unsent bytes is dropped: the belt to outbox.ts's braces. */
  readonly maxOutboxBytes: number;
}

/** What the border asks of the edge. */
export interface BorderHandlers {
  readonly decide: DecideUpgrade;
  /** A handler threw: a bug, told and survived. */
  onBug(error: unknown): void;
  /** What the border refuses by itself. */
  onRefused(reason: BorderRefusal): void;
  readonly log: Pick<SessionLog, "refused"> | undefined;
  /** From the request to its answer. */
  onHandshake(seconds: number): void;
  readonly time: Pick<Time, "monotonicMs">;
}

type BorderRefusal = "method" | "notWebSocket" | "aborted" | "internal";

const protocolHeader = "sec-websocket-protocol";

const noData: Data = {};
/** Whose `open` comes next (U6). */
let opening: UwsSocket | undefined;

/** Opens the port. Errors: one clear line when it cannot be had. */
export function listen(options: BorderOptions, handlers: BorderHandlers): Promise<Listener> {
  const app = App();
  app.ws<Data>("/*", {
    maxPayloadLength: options.maxPayloadBytes,
    idleTimeout: options.idleTimeoutSeconds,
    sendPingsAutomatically: options.sendPings,
    compression: options.compression ? SHARED_COMPRESSOR : DISABLED,
    maxBackpressure: options.maxOutboxBytes,
    closeOnBackpressureLimit: false,
    upgrade: (res, req, context) => upgrade({ res, req, context }, options, handlers),
    open: (ws) => open(ws, handlers),
    message: (ws, bytes, isBinary) => message(ws.getUserData().socket, bytes, isBinary, handlers),
    drain: (ws) => guarded(handlers, () => ws.getUserData().socket?.drained()),
    close: (ws, code, reason) => closed(ws.getUserData().socket, code, reason, handlers),
  });
  app.any("/*", (res, req) => plainRequest(res, req, handlers));
  return openPort(app, options);
}

/** One request for an upgrade, from its arrival to its answer. One object for all of it: a storm makes thousands a second. */
class Handshake implements UpgradeRequest {
  readonly path: string;
  readonly offeredProtocols: string | undefined;
  readonly authorization: string | undefined;
  readonly remote: string;
  isGone = false;
  #onGone: (() => void) | undefined;
  readonly #call: UpgradeCall;
  readonly #key: string;
  readonly #extensions: string;
  readonly #sockets: SocketsContext;
  readonly #startedMs: number;

  constructor(call: UpgradeCall, sockets: SocketsContext, startedMs: number) {
    const { res, req } = call;
    this.#call = call;
    this.#sockets = sockets;
    this.#startedMs = startedMs;
    this.#key = req.getHeader("sec-websocket-key"); // U2
    this.#extensions = sockets.compression ? req.getHeader("sec-websocket-extensions") : "";
    this.path = req.getUrl();
    this.offeredProtocols = presence(req.getHeader(protocolHeader));
    this.authorization = presence(req.getHeader("authorization"));
    this.remote = remoteOf(res);
  }

  allOfferedProtocols(): string {
    return valuesOf(this.#call.req, protocolHeader);
  }

  onGone(run: () => void): void {
    this.#onGone = run;
  }

  gone(): void {
    this.isGone = true;
    this.#onGone?.();
  }

  answer(decision: UpgradeDecision, handlers: BorderHandlers): void {
    const { res, context } = this.#call;
    handlers.onHandshake((handlers.time.monotonicMs() - this.#startedMs) / 1000);
    if (decision.kind === "refuse") {
      respond(res, decision.refusal.status, decision.refusal.body, decision.refusal.headers);
      return;
    }
    opening = new UwsSocket(decision, this.#sockets);
    res.upgrade(noData, this.#key, decision.subprotocol ?? "", this.#extensions, context);
  }
}

interface UpgradeCall {
  readonly res: HttpResponse;
  readonly req: HttpRequest;
  readonly context: us_socket_context_t;
}

function upgrade(call: UpgradeCall, sockets: SocketsContext, handlers: BorderHandlers): void {
  let handshake: Handshake | undefined;
  try {
    handshake = new Handshake(call, sockets, handlers.time.monotonicMs());
    const decision = handlers.decide(handshake);
    if (!(decision instanceof Promise)) handshake.answer(decision, handlers);
    else finishLater(call, handshake, decision, handlers);
  } catch (error) {
    broke(call.res, error, handshake, handlers); // U1
  }
}

function finishLater(
  { res, req }: UpgradeCall,
  handshake: Handshake,
  pending: Promise<UpgradeDecision>,
  handlers: BorderHandlers,
): void {
  res.onAborted(() => guarded(handlers, () => handshake.gone())); // U1
  const closes = req.getHeader("connection").toLowerCase() === "close";
  pending
    .then((decision) => {
      const latest = latestSocket();
      if (handshake.isGone) refused("aborted", handshake, handlers);
      else if (decision.kind === "refuse")
        res.cork(() => handshake.answer(decision, handlers)); // U2
      else if (closes) refuseClosing(res, handshake, handlers);
      else if (latest === undefined) handshake.answer(decision, handlers);
      else latest.cork(() => res.cork(() => handshake.answer(decision, handlers))); // U7
    })
    .catch((error: unknown) => broke(handshake.isGone ? undefined : res, error, handshake, handlers));
}

/** U7 */
function refuseClosing(res: HttpResponse, handshake: Handshake, handlers: BorderHandlers): void {
  respond(res, 400, "an upgrade needs Connection: Upgrade\n", {});
  refused("notWebSocket", handshake, handlers);
}

/** A bug: told, and answered where there is still somebody to answer. */
function broke(
  res: HttpResponse | undefined,
  error: unknown,
  handshake: Handshake | undefined,
  handlers: BorderHandlers,
): void {
  handlers.onBug(error);
  refused("internal", handshake, handlers);
  if (res !== undefined) respond(res, 500, "internal error", {});
}

function refused(reason: BorderRefusal, request: Handshake | undefined, handlers: BorderHandlers): void {
  handlers.onRefused(reason);
  if (request !== undefined) handlers.log?.refused(reason, request);
}

function open(ws: WebSocket<Data>, handlers: BorderHandlers): void {
  const socket = opening;
  opening = undefined;
  ws.getUserData().socket = socket;
  try {
    if (socket === undefined) throw new Error("a socket opened outside its upgrade"); // U6
    socket.opened(ws);
  } catch (error) {
    handlers.onBug(error);
    ws.close();
  }
}

function message(
  socket: UwsSocket | undefined,
  bytes: ArrayBuffer,
  isBinary: boolean,
  handlers: BorderHandlers,
): void {
  try {
    if (isBinary) socket?.handler?.binary();
    else socket?.handler?.text(Buffer.from(bytes).toString()); // U3
  } catch (error) {
    handlers.onBug(error);
  }
}

function closed(
  socket: UwsSocket | undefined,
  code: number,
  reason: ArrayBuffer,
  handlers: BorderHandlers,
): void {
  guarded(handlers, () => socket?.closed(endOf(code, reason))); // U4
}

function guarded(handlers: BorderHandlers, run: () => void): void {
  try {
    run();
  } catch (error) {
    handlers.onBug(error);
  }
}

function plainRequest(res: HttpResponse, req: HttpRequest, handlers: BorderHandlers): void {
  res.onAborted(() => undefined); // U1
  const status = req.getMethod() === "get" ? 426 : 405;
  const reason = status === 405 ? "method" : "notWebSocket";
  handlers.onRefused(reason);
  handlers.log?.refused(reason, { path: req.getUrl(), remote: remoteOf(res) });
  const headers: Record<string, string> = status === 426 ? { Upgrade: "websocket" } : { Allow: "GET" };
  respond(res, status, "this port speaks OCPP-J over WebSocket only\n", headers);
}

function remoteOf(res: HttpResponse): string {
  return addressText(res.getRemoteAddress(), () => res.getRemoteAddressAsText());
}

function respond(
  res: HttpResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  res.cork(() => {
    res.writeStatus(statusLine(status));
    for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
    res.end(body, true); // U5
  });
}
