// What waits for a slow charge point to read it: bounded in bytes. No timers; the bytes themselves lie in the socket.
//
// O1. While the peer keeps up, a message costs one send and no count. The bound is looked at only behind others.
// O2. A message that does not fit is not sent in part or later: the caller ends the socket (outboxOverflow).

import type { Socket } from "./socket-port.ts";

/** What became of a message. `overflow`: the peer does not read, end it. */
export type OutboxOutcome = "accepted" | "overflow" | "closed";

/** One session's way out. */
export class Outbox {
  readonly #socket: Socket;
  readonly #maxBytes: number;
  #isCongested = false;

  constructor(socket: Socket, maxBytes: number) {
    this.#socket = socket;
    this.#maxBytes = maxBytes;
  }

  /** Sends a frame, or says why not. */
  send(text: string): OutboxOutcome {
    if (this.#isCongested && this.#socket.bufferedBytes + Buffer.byteLength(text) > this.#maxBytes) {
      return "overflow"; // O2
    }
    const outcome = this.#socket.send(text);
    if (outcome === "sent") return "accepted"; // O1
    if (outcome === "dropped") return "overflow";
    if (outcome === "closed") return "closed";
    this.#isCongested = true;
    return "accepted";
  }

  /** Bytes that wait; asked of the socket only while it is congested. */
  get waitingBytes(): number {
    return this.#isCongested ? this.#socket.bufferedBytes : 0;
  }

  /** The border says that the kernel has taken everything. */
  drained(): void {
    this.#isCongested = this.#socket.bufferedBytes > 0;
  }
}
