// One POST on its way through undici: the lowest of its layers, without the streams, promises and abort signals of `request`.
// No clock.
//
// E1. Settles once: by the whole answer, the connection's failure, an answer that is too long, or `give up`.
// E2. `ended` is told once, when undici holds nothing of it any more. That may be after it was given up: a request that
//     waits for a connection stays in undici's line until its turn, and is not sent then.
// E3. At most `maxResponseBytes` are kept; a longer answer is cut off with its connection.

import type { Dispatcher } from "undici";
import type { HttpReply } from "./http-reply.ts";

/** More bytes came than an answer may have. */
export class AnswerTooLarge extends Error {
  override message = "the answer is longer than routes.http.maxResponseBytes";
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
export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly #owner: ExchangeOwner;
  #settle: Settle | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #bytes = 0;
  #first: Buffer | undefined;
  #others: Buffer[] | undefined;
  #isGivenUp = false;

  constructor(owner: ExchangeOwner, settle: Settle) {
    this.#owner = owner;
    this.#settle = settle;
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
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status; // an interim answer (103) comes first, the one that counts last
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#owner.maxResponseBytes) {
      controller.abort(new AnswerTooLarge()); // E3
      return;
    }
    if (this.#first === undefined) this.#first = chunk;
    else (this.#others ??= []).push(chunk);
  }

  onResponseEnd(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve({ status: this.#status, body: this.#body() }); // E1
    this.#controller = this.#first = this.#others = undefined; // whoever still holds this need not hold all of that
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

  #body(): string {
    if (this.#first === undefined) return "";
    if (this.#others === undefined) return this.#first.toString();
    return Buffer.concat([this.#first, ...this.#others]).toString();
  }
}
