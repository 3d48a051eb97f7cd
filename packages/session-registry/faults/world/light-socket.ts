// The client side of a WebSocket, as little of it as a simulated charge point needs: text frames, ping, close. I/O: one TCP socket.
//
// Several thousand of these live in one process beside the checkers, so it parses what edges really send and nothing else:
// no extensions are offered, a text message is one frame, the mask is zero (RFC 6455 §5.3 wants one, not a good one).

import { createConnection, type Socket } from "node:net";

/** Where to connect, and from which local address (FACTS §2: one source address has too few ports). */
export interface Dial {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly subprotocol: string;
  readonly localAddress: string;
}

/** What the owner of a socket is told. `closed` comes exactly once, also when it never opened: `code` is 1006 then, or the HTTP status. */
export interface SocketListener {
  opened(): void;
  text(text: string): void;
  closed(code: number, reason: string): void;
}

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;
const abnormal = 1006;

/** One connection. It begins to connect at once. */
export class LightSocket {
  readonly #socket: Socket;
  readonly #listener: SocketListener;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #isOver = false;
  #code = abnormal;
  #reason = "";

  constructor(dial: Dial, listener: SocketListener) {
    this.#listener = listener;
    const { host, port, localAddress } = dial;
    this.#socket = createConnection({ host, port, localAddress, noDelay: true });
    this.#socket.write(upgradeRequest(dial));
    this.#socket.on("data", (bytes: Buffer) => this.#received(bytes));
    this.#socket.on("error", (error) => (this.#reason ||= error.message));
    this.#socket.on("close", () => this.#over());
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isOver;
  }

  /** Port on this side: what an edge or a proxy sees. */
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  sendText(text: string): void {
    if (this.isOpen) this.#socket.write(frame(opcodes.text, Buffer.from(text)));
  }

  /** Leaves in order: close frame, then the end of the stream. */
  close(): void {
    if (!this.isOpen) return this.destroy();
    this.#socket.end(frame(opcodes.close, Buffer.from([0x03, 0xe8])));
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #received(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#isOpen && !this.#readUpgrade()) return;
    while (this.#readFrame());
  }

  #readUpgrade(): boolean {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const status = Number(this.#rest.toString("latin1", 9, 12));
    this.#rest = this.#rest.subarray(end + 4);
    if (status !== 101) {
      this.#code = status;
      this.#reason = "upgrade refused";
      this.destroy();
      return false;
    }
    this.#isOpen = true;
    this.#listener.opened();
    return true;
  }

  /** One frame from what has arrived; false when there is no whole one. */
  #readFrame(): boolean {
    const bytes = this.#rest;
    if (bytes.length < 2) return false;
    const opcode = (bytes[0] ?? 0) & 0x0f;
    let length = (bytes[1] ?? 0) & 0x7f;
    let head = 2;
    if (length === 126) {
      if (bytes.length < 4) return false;
      length = bytes.readUInt16BE(2);
      head = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return false;
      length = Number(bytes.readBigUInt64BE(2));
      head = 10;
    }
    if (bytes.length < head + length) return false;
    this.#rest = bytes.subarray(head + length);
    this.#frame(opcode, bytes.subarray(head, head + length));
    return true;
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.text) this.#listener.text(payload.toString());
    else if (opcode === opcodes.ping) this.#socket.write(frame(opcodes.pong, payload));
    else if (opcode === opcodes.close) {
      this.#code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#reason = payload.toString("utf8", 2);
      this.#socket.end();
    }
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.closed(this.#code, this.#reason);
  }
}

function upgradeRequest({ host, port, path, subprotocol }: Dial): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${subprotocol}`,
    "\r\n",
  ].join("\r\n");
}

/** A final, masked frame; the mask is zero, so the payload stands as it is. */
function frame(opcode: number, payload: Buffer): Buffer {
  const isLong = payload.length > 125;
  const head = Buffer.alloc(isLong ? 8 : 6);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (isLong ? 126 : payload.length);
  if (isLong) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
