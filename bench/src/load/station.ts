// One charge point of the load generator: a raw TCP socket that speaks just enough HTTP, WebSocket and OCPP-J.
//
// A WebSocket library would cost more CPU than the gateway under test: then the generator would be what is measured.
//
// G1. connecting → open → ended, once; each end is told once, with its kind.
// G2. A handshake counts only with status 101, the right Sec-WebSocket-Accept and the subprotocol that was offered.
// G3. An answer counts only if it is a CALLRESULT with the id of the open CALL.

import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";

import { nowMs } from "../time.ts";
import { closeFrame, pongFrame, readFrames, textFrame, type FrameSink } from "./frames.ts";

/** Where and as whom. */
export interface StationTarget {
  readonly host: string;
  readonly port: number;
  /** Before the identity: `/ocpp/`. */
  readonly path: string;
  readonly identity: string;
  readonly subprotocol: string;
  /** The source address: one has too few ports (bench/README.md). */
  readonly localAddress: string;
  /** Key for HTTP Basic; absent: no Authorization header. */
  readonly password?: string;
}

/** What the generator hears of its stations. */
export interface StationEvents {
  opened(station: Station, milliseconds: number): void;
  /** Never opened: `http 503`, `ECONNREFUSED`, `timeout`, … */
  failed(station: Station, kind: string): void;
  /** Open, and gone; not told after `close()`. */
  lost(station: Station, kind: string): void;
  /** The open CALL was answered. */
  answered(station: Station, microseconds: number): void;
  /** An answer that is none: CALLERROR, another id, no OCPP. */
  wrong(station: Station, text: string): void;
}

// Any key does; a fixed one lets the answer be compared with a fixed text.
const webSocketKey = "dGhlIHNhbXBsZSBub25jZQ==";
const expectedAccept = createHash("sha1")
  .update(`${webSocketKey}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest("base64");
// One for all sockets: a read is handled before the next one begins.
const readBuffer = Buffer.allocUnsafeSlow(65_536);
const idDigits = 8;
let lastId = 10 ** (idDigits - 1);

/** A charge point. */
export class Station implements FrameSink {
  readonly target: StationTarget;
  readonly #events: StationEvents;
  readonly #socket: Socket;
  readonly #startedMs = nowMs();
  #state: "connecting" | "open" | "ended" = "connecting";
  #head = "";
  #left: Buffer | undefined;
  #callId = "";
  #calledMs = 0;

  constructor(target: StationTarget, events: StationEvents) {
    this.target = target;
    this.#events = events;
    const { host, port, localAddress } = target;
    const onread = { buffer: readBuffer, callback: (n: number) => this.#read(n) };
    this.#socket = connect({ host, port, localAddress, noDelay: true, onread });
    this.#socket.once("connect", () => this.#socket.write(request(target), "latin1"));
    this.#socket.once("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.once("close", () => this.#end("closed by peer"));
    this.#socket.once("end", () => this.#end("closed by peer"));
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** True while a CALL waits for its answer. */
  get isWaiting(): boolean {
    return this.#callId !== "";
  }

  /** Since when the open CALL waits, ms of `nowMs`. */
  get calledMs(): number {
    return this.#calledMs;
  }

  /** Sends a CALL: `tail` is what follows the id, `,"Heartbeat",{}]`. */
  call(tail: string): void {
    this.#callId = String((lastId += 1));
    this.#calledMs = nowMs();
    this.#socket.write(textFrame(`[2,"${this.#callId}"${tail}`), "latin1");
  }

  /** Gives an attempt up. */
  expire(): void {
    if (this.#state === "connecting") this.#end("timeout");
  }

  /** Leaves with a close frame; nothing is told any more. */
  close(): void {
    if (this.#state === "open") this.#socket.write(closeFrame, "latin1");
    this.#state = "ended";
    this.#socket.destroySoon();
  }

  // ---- FrameSink

  text(bytes: Buffer, from: number, to: number): void {
    if (bytes[from + 1] === 0x32) {
      this.#answerCommand(bytes.toString("latin1", from, to));
      return;
    }
    const id = this.#callId;
    this.#callId = "";
    if (
      bytes[from + 1] === 0x33 &&
      id !== "" &&
      bytes.toString("latin1", from + 4, from + 4 + idDigits) === id
    ) {
      this.#events.answered(this, (nowMs() - this.#calledMs) * 1000); // G3
    } else {
      this.#events.wrong(this, bytes.toString("latin1", from, Math.min(to, from + 200)));
    }
  }

  ping(bytes: Buffer, from: number, to: number): void {
    this.#socket.write(pongFrame(bytes.toString("latin1", from, to)), "latin1");
  }

  closed(code: number): void {
    this.#end(`close ${code}`);
  }

  // ---- inside

  #answerCommand(text: string): void {
    const id = text.slice(4, text.indexOf('"', 4));
    this.#socket.write(textFrame(`[3,"${id}",{"status":"Accepted"}]`), "latin1");
  }

  #read(length: number): boolean {
    if (this.#state === "ended") return true;
    if (this.#state === "connecting") {
      this.#readHead(length);
      return true;
    }
    let [bytes, to] = [readBuffer, length];
    if (this.#left !== undefined) {
      bytes = Buffer.concat([this.#left, readBuffer.subarray(0, length)]);
      to = bytes.length;
      this.#left = undefined;
    }
    const rest = readFrames(bytes, to, this);
    if (rest < to) this.#left = Buffer.from(bytes.subarray(rest, to));
    return true;
  }

  // G2
  #readHead(length: number): void {
    this.#head += readBuffer.toString("latin1", 0, length);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#head.slice(0, end).toLowerCase();
    const rest = Buffer.from(this.#head.slice(end + 4), "latin1");
    this.#head = "";
    const fault = faultOf(head, this.target.subprotocol);
    if (fault !== undefined) {
      this.#end(fault);
      return;
    }
    this.#state = "open";
    this.#events.opened(this, nowMs() - this.#startedMs);
    if (rest.length > 0) this.#left = rest.subarray(readFrames(rest, rest.length, this));
  }

  #end(kind: string): void {
    if (this.#state === "ended") return; // G1
    const was = this.#state;
    this.#state = "ended";
    this.#callId = "";
    this.#socket.destroy();
    if (was === "open") this.#events.lost(this, kind);
    else this.#events.failed(this, kind);
  }
}

function request({ host, port, path, identity, subprotocol, password }: StationTarget): string {
  const authorization =
    password === undefined
      ? ""
      : `Authorization: Basic ${Buffer.from(`${identity}:${password}`).toString("base64")}\r\n`;
  return (
    `GET ${path}${identity} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${webSocketKey}\r\n` +
    `Sec-WebSocket-Protocol: ${subprotocol}\r\n${authorization}\r\n`
  );
}

function faultOf(head: string, subprotocol: string): string | undefined {
  const status = /^http\/1\.1 (\d{3})/u.exec(head)?.[1];
  if (status !== "101") return status === undefined ? "no HTTP" : `http ${status}`;
  if (!head.includes(`sec-websocket-accept: ${expectedAccept.toLowerCase()}`)) return "bad accept";
  if (!head.includes(`sec-websocket-protocol: ${subprotocol}`)) return "bad subprotocol";
  return undefined;
}
