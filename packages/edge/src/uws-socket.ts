// One socket of uWebSockets.js in the words of socket-port.ts. With uws.ts and uws-listen.ts the only file that knows that library.
//
// K1. No call on a `ws` after its close handler ran: the wrapper forgets it there.
// K2. A session may end its socket while it begins, before it is known here: it hears of that end then.
// K3. An end asks for a place among those that linger (lingering.ts, E1), and is none while bytes wait for the peer (E3). The session
//     hears of its end at once in each case, and of nothing afterwards.

import type { WebSocket } from "uWebSockets.js";
import type { Lingering } from "./lingering.ts";
import type { SendOutcome, Socket, SocketEnd, SocketHandler, UpgradeDecision } from "./socket-port.ts";

/** What is behind a socket that is opened. */
export type Accepted = Extract<UpgradeDecision, { kind: "accept" }>;

/** What uWebSockets.js carries for each of its sockets (U6). */
export interface Data {
  socket?: UwsSocket | undefined;
}

/** What the sockets of one port share. */
export interface SocketsContext {
  readonly compression: boolean;
  readonly lingering: Pick<Lingering, "take" | "wait" | "waited">;
}

// Smaller messages are not worth deflating: the answer to a Heartbeat would grow.
const compressFromBytes = 512;

let latest: WebSocket<Data> | undefined;

/** The latest socket that is still open, to cork others (U7). */
export const latestSocket = (): WebSocket<Data> | undefined => latest;

/** Whose socket it is until its session has begun (K2). */
class Beginning implements SocketHandler {
  end: SocketEnd | undefined;
  text(): void {}
  binary(): void {}
  drained(): void {}
  closed(end: SocketEnd): void {
    this.end = end;
  }
}

interface Farewell {
  readonly code: number;
  readonly reason: string;
}

export class UwsSocket implements Socket {
  handler: SocketHandler | undefined;
  #ws: WebSocket<Data> | undefined;
  /** What the decision was; nothing once the socket is open, so that an idle one holds little. */
  #accepted: Accepted | undefined;
  readonly #context: SocketsContext;
  /** How it will be ended once the peer has read what was sent before (K3). */
  #farewell: Farewell | undefined;

  constructor(accepted: Accepted, context: SocketsContext) {
    this.#accepted = accepted;
    this.#context = context;
  }

  /** uWebSockets.js has opened it. */
  opened(ws: WebSocket<Data>): void {
    this.#ws = latest = ws;
    const beginning = new Beginning();
    this.handler = beginning;
    this.handler = this.#accepted?.open(this);
    this.#accepted = undefined;
    if (beginning.end === undefined) return;
    this.handler?.closed(beginning.end); // K2
    this.handler = undefined;
  }

  /** The kernel has taken some of what waited. */
  drained(): void {
    if (this.#farewell === undefined) this.handler?.drained();
    else if (this.bufferedBytes === 0) this.#end(this.#farewell);
  }

  /** uWebSockets.js has closed it (K1). */
  closed(end: SocketEnd): void {
    if (latest === this.#ws) latest = undefined;
    this.#ws = undefined;
    if (this.#farewell !== undefined) this.#context.lingering.waited(this);
    this.handler?.closed(end);
  }

  send(text: string): SendOutcome {
    if (this.#ws === undefined || this.#farewell !== undefined) return "closed"; // K1, K3
    const compress = this.#context.compression && text.length >= compressFromBytes;
    const sent = this.#ws.send(text, false, compress);
    return sent === 1 ? "sent" : sent === 0 ? "buffered" : "dropped";
  }

  end(code: number, reason: string): void {
    if (this.#farewell !== undefined) return;
    if (this.bufferedBytes === 0) this.#end({ code, reason });
    else if (this.#context.lingering.take()) this.#endLater({ code, reason });
    else this.abort();
  }

  abort(): void {
    this.#ws?.close();
  }

  get bufferedBytes(): number {
    return this.#ws === undefined ? 0 : this.#ws.getBufferedAmount();
  }

  #end({ code, reason }: Farewell): void {
    if (this.#ws === undefined) return; // K1
    if (this.#context.lingering.take()) this.#ws.end(code, reason);
    else this.#ws.close(); // K3
  }

  #endLater(farewell: Farewell): void {
    this.#farewell = farewell;
    this.#context.lingering.wait(this);
    const { handler } = this;
    this.handler = undefined; // K3
    handler?.closed({ kind: "closed", code: farewell.code });
  }
}
