// One backend address as a target: connections, concurrency bound, circuit. The only file that touches undici and opossum.
//
//   circuit (seen before anything is taken) → permit → request
//
// H1. An open circuit costs microseconds and no permit (DESIGN §4).
// H2. At most `maxConcurrent` requests, waiting for a connection or in flight; one more is `overload` at once. opossum's
//     own capacity is no bulkhead: it frees at a timeout while the request still runs (FACTS §4).
// H3. The circuit judges the backend, not the message: a 4xx is a success of the backend, overload is no failure of it,
//     and a request that was cut off by a deadline shorter than the backend's usual answer still is one.
// H4. opossum sorts its latency window at each failure unless percentiles are off (FACTS §4).
// H5. At most `maxResponseBytes` of an answer are read; a longer one is cut off.

import CircuitBreaker from "opossum";
import { Pool } from "undici";
import type { Time } from "@cpg/session-registry";
import type { AttemptEnd, IntegrationInstruments } from "../instruments.ts";
import type { HttpReply } from "./http-reply.ts";

/** Settings of a target. */
export interface TargetOptions {
  /** `https://host:port`. */
  readonly origin: string;
  readonly connections: number;
  readonly maxConcurrent: number;
  readonly maxResponseBytes: number;
}

/** One POST. */
export interface TargetRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came back: a whole answer, or why there is none. */
export type Fetched =
  | { readonly kind: "reply"; readonly reply: HttpReply }
  | { readonly kind: "none"; readonly as: Exclude<AttemptEnd, "ok" | "callError" | "httpError"> };

// Half of the calls of ten seconds, and at least ten of them: a backend that is gone fails all, a busy one few. One
// probe a second closes it again soon after the backend's return.
const circuit = {
  errorThresholdPercentage: 50,
  volumeThreshold: 10,
  rollingCountTimeout: 10_000,
  resetTimeout: 1_000,
};
// A connection that cannot be opened in 2 s (one lost SYN and a TLS handshake) is tried anew.
const connectTimeoutMs = 2_000;

/** A backend that answered with its own failure: for the circuit. */
class BackendFailure extends Error {
  readonly reply: HttpReply;
  constructor(reply: HttpReply) {
    super(`status ${String(reply.status)}`);
    this.reply = reply;
  }
}

class AnswerTooLarge extends Error {}

/** One target. */
export class HttpTarget {
  readonly #pool: Pool;
  readonly #breaker: CircuitBreaker<[TargetRequest, AbortSignal], HttpReply>;
  readonly #options: TargetOptions;
  readonly #instruments: IntegrationInstruments;
  readonly #time: Pick<Time, "monotonicMs">;
  #inFlight = 0;

  constructor(options: TargetOptions, instruments: IntegrationInstruments, time: Pick<Time, "monotonicMs">) {
    this.#options = options;
    this.#instruments = instruments;
    this.#time = time;
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: 0, // the route's deadline aborts
      bodyTimeout: 0,
    });
    this.#breaker = new CircuitBreaker((request, signal) => this.#request(request, signal), {
      ...circuit,
      timeout: false, // our own signal
      rollingPercentilesEnabled: false, // H4
      enableSnapshots: false,
    });
    this.#breaker.on("open", () => instruments.circuit(2));
    this.#breaker.on("halfOpen", () => instruments.circuit(1));
    this.#breaker.on("close", () => instruments.circuit(0));
    instruments.circuit(0);
  }

  /** Sends one request. Never rejects. The caller counts the end, which depends on what the answer means. */
  async fetch(request: TargetRequest, signal: AbortSignal): Promise<Fetched> {
    if (this.#breaker.opened) return { kind: "none", as: "circuitOpen" }; // H1
    if (this.#inFlight >= this.#options.maxConcurrent) return { kind: "none", as: "overload" }; // H2
    this.#instruments.inFlight((this.#inFlight += 1));
    try {
      return { kind: "reply", reply: await this.#breaker.fire(request, signal) };
    } catch (error) {
      if (error instanceof BackendFailure) return { kind: "reply", reply: error.reply };
      return { kind: "none", as: reasonOf(error, signal) };
    } finally {
      this.#instruments.inFlight((this.#inFlight -= 1));
    }
  }

  /** Counts one end. */
  count(as: AttemptEnd, startedMs: number): void {
    this.#instruments.attempt(as, (this.#time.monotonicMs() - startedMs) / 1000);
  }

  async close(): Promise<void> {
    this.#breaker.shutdown();
    await this.#pool.destroy();
  }

  async #request(request: TargetRequest, signal: AbortSignal): Promise<HttpReply> {
    const { path, headers, body } = request;
    const response = await this.#pool.request({ method: "POST", path, headers, body, signal });
    const reply: HttpReply = { status: response.statusCode, body: await this.#read(response.body) };
    if (reply.status >= 500 && reply.status !== 501) throw new BackendFailure(reply); // H3
    return reply;
  }

  // H5
  async #read(body: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > this.#options.maxResponseBytes) throw new AnswerTooLarge(); // leaving the loop destroys the body
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  }
}

function reasonOf(
  error: unknown,
  signal: AbortSignal,
): "badAnswer" | "timeout" | "circuitOpen" | "unreachable" {
  if (error instanceof AnswerTooLarge) return "badAnswer";
  if (signal.aborted) return "timeout";
  const isOpen = error instanceof Error && "code" in error && error.code === "EOPENBREAKER";
  return isOpen ? "circuitOpen" : "unreachable";
}
