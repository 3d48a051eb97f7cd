// One POST on its way through undici: the lowest of its layers, without the streams, promises and abort signals of `request`.
// No clock.
//
// E1. Settles once: by the whole answer, the connection's failure, an answer that is too long, or `give up`.
// E2. `ended` is told once, when undici holds nothing of it any more. That may be after it was given up: a request that
//     waits for a connection stays in undici's line until its turn, and is not sent then.
// E3. At most `maxResponseBytes` are kept, in at most three times as much room, in however many pieces they come; a longer answer is cut off with its
//     connection.
// E4. An answer that says not how long it is ends with its connection, and undici does not tell a reset from an end. So such a one may be cut off, of a
//     backend that died in its work, and is told as open-ended: by its JSON it shows whether it is whole.
// E5. Text that is no UTF-8 is told as such: decoded, it would be another.
// E6. It brings its headers itself (header-block.ts), and is not sent without: that would be a request without its key, its id and its type.

import { isUtf8 } from "node:buffer";
import type { Dispatcher } from "undici";
import type { HeaderBlock, HeaderCarrier } from "./header-block.ts";
import type { HttpReply } from "./http-reply.ts";

/** More bytes came than an answer may have. */
export class AnswerTooLarge extends Error {
  override message = "the answer is longer than routes.http.maxResponseBytes";
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

/** Whoever waited does so no longer. */
export class GivenUp extends Error {
  override message = "no answer within routes.http.attemptTimeoutMs, or before the deadline";
}

/** Who hears of it. */
export interface ExchangeOwner {
  readonly maxResponseBytes: number;
  /** E2 */
  ended(): void;
}

/** What came of it. */
export interface Settle {
  resolve(reply: HttpReply): void;
  reject(error: Error): void;
}

/** undici's handler of one request. */
export class HttpExchange implements Dispatcher.DispatchHandler, HeaderCarrier {
  readonly #owner: ExchangeOwner;
  /** Until they were taken. */
  #headers: HeaderBlock | undefined;
  #settle: Settle | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #hasLength = false;
  #bytes = 0;
  /** Of which the first `#bytes` count. The usual answer comes in one piece, which is not copied. */
  #body: Buffer | undefined;
  #isGivenUp = false;

  constructor(headers: HeaderBlock, owner: ExchangeOwner, settle: Settle) {
    this.#headers = headers;
    this.#owner = owner;
    this.#settle = settle;
  }

  takeHeaders(): HeaderBlock | undefined {
    const headers = this.#headers;
    this.#headers = undefined;
    return headers;
  }

  /** Nobody waits any more: rejects with GivenUp, and ends the request wherever it is. */
  giveUp(): void {
    this.#isGivenUp = true;
    const error = new GivenUp();
    this.#fail(error);
    this.#controller?.abort(error);
  }

  // ---- undici's

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // E2: not sent. To abort here would cost the connection; what is thrown is this request's error alone.
    if (this.#isGivenUp) throw new GivenUp();
    if (this.#headers !== undefined) throw new Error("undici did not take this request's headers"); // E6
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, unknown>>,
  ): void {
    this.#status = status; // an interim answer (103) comes first, the one that counts last
    this.#hasLength =
      headers["content-length"] !== undefined ||
      headers["transfer-encoding"] !== undefined ||
      status === noContent;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const bytes = this.#bytes + chunk.length;
    if (bytes > this.#owner.maxResponseBytes) {
      controller.abort(new AnswerTooLarge(this.#status)); // E3
      return;
    }
    this.#body = this.#body === undefined ? chunk : behind(this.#body, this.#bytes, chunk);
    this.#bytes = bytes;
  }

  onResponseEnd(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(this.#reply()); // E1
    this.#controller = this.#body = undefined; // whoever still holds this need not hold all of that
    this.#owner.ended(); // E2
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error);
    this.#owner.ended(); // E2
  }

  #fail(error: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(error); // E1
  }

  #reply(): HttpReply {
    const [status, isOpenEnded] = [this.#status, !this.#hasLength]; // E4
    if (this.#body === undefined) return { status, body: "", isOpenEnded, isUtf8: true };
    const bytes = this.#body.length === this.#bytes ? this.#body : this.#body.subarray(0, this.#bytes);
    const body = bytes.toString();
    const isRead = !body.includes(replacement) || isUtf8(bytes); // a backend may write that character itself
    return { status, body, isOpenEnded, isUtf8: isRead }; // E5
  }
}

/** By which a decoder replaces what is no UTF-8. */
const replacement = "\u{fffd}";
const noContent = 204;

/** The first `bytes` of `body` and the chunk behind them, in `body` itself where it has room: the first piece, a view on what was read, has none. */
function behind(body: Buffer, bytes: number, chunk: Buffer): Buffer {
  const needed = bytes + chunk.length;
  const roomy = body.length >= needed ? body : Buffer.allocUnsafe(2 * needed);
  if (roomy !== body) body.copy(roomy, 0, 0, bytes);
  chunk.copy(roomy, bytes);
  return roomy;
}
