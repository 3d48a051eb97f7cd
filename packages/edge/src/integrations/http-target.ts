// One backend address as a target: connections, concurrency bound, circuit. With http-exchange.ts and header-block.ts the only file
// that touches undici, and the only one of the up path that touches opossum.
//
//   its turn (turns.ts) → circuit (seen before anything is taken) → permit → request
//
// H1. An open circuit costs microseconds and no permit (DESIGN §4).
// H2. At most `maxConcurrent` requests, waiting for a connection or in flight. For one more a CALL waits before anything is made of it, and an attempt
//     that is tried again where it is (turns.ts). To send that into the back-off instead would leave permits unused and answer late (after a
//     second's standstill at 2,000/s the p99 was 2.6 s, and is 1.4 s so). A request that was given up counts until undici has let go
//     of it. opossum's own capacity is no bulkhead: it frees at a timeout while the request still runs (FACTS §4).
// H3. The circuit judges whether the backend is there, not what it thinks of a message: no answer is a failure, and a 502, 503 or 504,
//     by which a proxy says so for it. A 4xx is none, nor is a 500: one action that always ends so would, asked again and again, cut all
//     others off. Nor is an answer that is too long: there was one. Overload is none either, and a request that was cut off by a deadline
//     shorter than the backend's usual answer is one.
// H4. opossum sorts its latency window at each failure unless percentiles are off (FACTS §4).
// H5. At most `maxResponseBytes` of an answer are read; a longer one is cut off.
// H6. A caller is told at its expiry, also while the request waits for a connection; but behind what has arrived by then. After a
//     standstill of the event loop all are over their time, and timers run before anything is read: answers that lie in the sockets
//     would be thrown away, and asked for again.
// H7. An attempt is given up after `attemptTimeoutMs`, the wait for a connection included and that for a permit not: who
//     waits in line keeps its place to the deadline. By default that limit is below the circuit's window, because opossum counts
//     a call when it begins and forgets it 9 to 10 s later: what hangs for longer fails unseen, and a half-open circuit waits
//     for its probe for as long.
// H8. HTTP/1.1 only. With HTTP/2 all requests share a connection, and to give one up says nothing about that: a backend behind a
//     connection that went silent would not be reached until the kernel gave it up, a quarter of an hour later or never. undici speaks
//     HTTP/2 to any server that offers it, unless told not to.
// H9. Who waits does so for no longer than that an attempt's time is left, or half of its own: `overload`. With every turn given to one that has waited
//     until its deadline, a backend that more is asked than it can answer would answer nobody: each request is cut off, is a failure of
//     the backend, and the circuit opens. Neither that wait nor what the circuit refuses is part of a request's duration.
// H10. Why there was no answer is told in words, for the person who wonders: "unreachable" may be a name, a network or a certificate.

import CircuitBreaker from "opossum";
import { Pool } from "undici";
import type { Time } from "@cpg/session-registry";
import type { AttemptEnd, IntegrationInstruments } from "../instruments.ts";
import type { Expiry } from "../until-deadline.ts";
import { bodyOf, type HeaderBlock } from "./header-block.ts";
import { AnswerTooLarge, GivenUp, HttpExchange, type ExchangeOwner } from "./http-exchange.ts";
import type { FailedAttempt, HttpReply } from "./http-reply.ts";
import type { Lookup } from "./shared-lookup.ts";
import { Turns } from "./turns.ts";

/** Settings of a target. */
export interface TargetOptions {
  /** `https://host:port`. */
  readonly origin: string;
  readonly connections: number;
  readonly maxConcurrent: number;
  readonly attemptTimeoutMs: number;
  readonly maxResponseBytes: number;
}

/** What it needs. */
export interface TargetPorts {
  readonly instruments: IntegrationInstruments;
  readonly time: Pick<Time, "monotonicMs" | "after">;
  readonly lookup: Lookup;
}

/** One POST. */
export interface TargetRequest {
  readonly path: string;
  readonly headers: HeaderBlock;
  /** Not empty. */
  readonly body: string;
}

/** What came back: a whole answer, or why there is none; `error` says so in words (H10), where there was an attempt. */
export type Fetched = (
  | { readonly kind: "reply"; readonly reply: HttpReply }
  | {
      readonly kind: "none";
      readonly as: Exclude<FailedAttempt, "httpError">;
      readonly error?: Error | undefined;
    }
) & {
  /** For how long it waited for its turn before, ms. */
  readonly waitedMs?: number;
};

// Over half of the calls of ten seconds, and at least ten of them: a backend that is gone fails all, a busy one few. A
// probe a second after it opened closes it soon after the backend's return; one that hangs ends by H7.
const circuit = {
  errorThresholdPercentage: 50,
  volumeThreshold: 10,
  rollingCountTimeout: 10_000,
  resetTimeout: 1_000,
};
// A connection that cannot be opened in 2 s (one lost SYN and a TLS handshake) is tried anew.
const connectTimeoutMs = 2_000;

/** By which a proxy says that nobody stands behind it (H3). */
const awayStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** An answer that says that the backend is not there: for the circuit. */
class BackendAway extends Error {
  readonly reply: HttpReply;
  constructor(reply: HttpReply) {
    super(`status ${String(reply.status)}`);
    this.reply = reply;
  }
}

/** One target. */
export class HttpTarget {
  readonly origin: string;
  /** Where CALLs wait (H2). */
  readonly turns: Turns;
  readonly #pool: Pool;
  readonly #breaker: CircuitBreaker<[TargetRequest, Expiry], HttpReply>;
  readonly #attemptTimeoutMs: number;
  readonly #exchanges: ExchangeOwner;
  readonly #instruments: IntegrationInstruments;
  readonly #time: Pick<Time, "monotonicMs">;
  /** What ends from then on ends by us, and is nobody's failure to be told. */
  #isClosed = false;

  constructor(options: TargetOptions, { instruments, time, lookup }: TargetPorts) {
    this.origin = options.origin;
    this.#instruments = instruments;
    this.#time = time;
    this.turns = new Turns(options.maxConcurrent, {
      time,
      onHeld: (permits) => instruments.inFlight(permits),
      onWaiting: (messages) => instruments.waiting(messages),
    });
    this.#attemptTimeoutMs = options.attemptTimeoutMs;
    this.#exchanges = {
      maxResponseBytes: options.maxResponseBytes, // H5
      ended: () => this.turns.release(),
    };
    this.#pool = new Pool(options.origin, {
      connections: options.connections,
      allowH2: false, // H8
      pipelining: 1,
      connect: { timeout: connectTimeoutMs, lookup },
      headersTimeout: 0, // the expiry aborts (H7)
      bodyTimeout: 0,
    });
    this.#breaker = new CircuitBreaker((request, expiry) => this.#request(request, expiry), {
      ...circuit,
      timeout: false, // our own (H7)
      rollingPercentilesEnabled: false, // H4
      enableSnapshots: false,
      errorFilter: (error: unknown) => error instanceof AnswerTooLarge && !awayStatuses.has(error.status), // H3
    });
    this.#breaker.on("open", () => instruments.circuit(2));
    this.#breaker.on("halfOpen", () => instruments.circuit(1));
    this.#breaker.on("close", () => instruments.circuit(0));
    instruments.circuit(0);
  }

  /**
   * Sends one request, of whom its turn has come. Never rejects. The caller counts the end, which depends on what the answer means.
   */
  fetch(request: TargetRequest, expiry: Expiry): Promise<Fetched> {
    if (this.#isShut) return Promise.resolve(shut); // H1
    return this.turns.take() ? this.#fire(request, expiry) : this.#fetchInTurn(request, expiry); // H2
  }

  /** Sends it again: waits for its turn with the others. */
  fetchAgain(request: TargetRequest, expiry: Expiry): Promise<Fetched> {
    const mustWait = !this.#isShut && this.turns.mustWait;
    return mustWait ? this.#fetchInTurn(request, expiry) : this.fetch(request, expiry);
  }

  /** For how long one may wait who has so much time left, ms (H9). */
  patienceOf(leftMs: number): number {
    return Math.max(0, leftMs - Math.min(this.#attemptTimeoutMs, leftMs / 2));
  }

  #fetchInTurn(request: TargetRequest, expiry: Expiry): Promise<Fetched> {
    return new Promise((resolve) => {
      const waiting = this.turns.wait("retries", this.patienceOf(expiry.leftMs), {
        come: (waitedMs) => {
          expiry.listen(undefined);
          const fetching = this.fetch(request, expiry); // the one that freed the permit may have opened the circuit
          resolve(fetching.then((fetched) => ({ ...fetched, waitedMs })));
        },
        over: () => {
          expiry.listen(undefined);
          resolve(overload);
        },
      });
      expiry.wait(() => waiting.expiry?.end());
    });
  }

  #fire(request: TargetRequest, expiry: Expiry): Promise<Fetched> {
    return this.#breaker.fire(request, expiry).then(replied, this.#failed);
  }

  // A property, so that no request makes a function for it.
  readonly #failed = (error: unknown): Fetched => {
    if (error instanceof BackendAway) return replied(error.reply);
    if (error instanceof Error && CircuitBreaker.isOurError(error)) {
      this.turns.release(); // refused by the circuit: nothing was begun that would give it back
      return shut;
    }
    const isOurs = this.#isClosed || !(error instanceof Error);
    return { kind: "none", as: reasonOf(error), error: isOurs ? undefined : error };
  };

  /** Open, or half open with its probe on the way: opossum would refuse. */
  get #isShut(): boolean {
    return !this.#breaker.closed && !this.#breaker.pendingClose;
  }

  /** Counts one end. What was not sent took no time of a backend, and would drown in none what did (H9). */
  count(as: AttemptEnd, startedMs = 0): void {
    const isSent = as !== "circuitOpen" && as !== "overload";
    this.#instruments.attempt(as, isSent ? (this.#time.monotonicMs() - startedMs) / 1000 : undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#breaker.shutdown();
    await this.#pool.destroy();
  }

  #request({ path, headers, body }: TargetRequest, expiry: Expiry): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const exchange = new HttpExchange(headers, this.#exchanges, {
        resolve(reply) {
          expiry.listen(undefined);
          if (awayStatuses.has(reply.status))
            reject(new BackendAway(reply)); // H3
          else resolve(reply);
        },
        reject(error) {
          expiry.listen(undefined);
          reject(error);
        },
      });
      expiry.listen(() => setImmediate(() => exchange.giveUp()), this.#attemptTimeoutMs); // H6, H7
      this.#pool.dispatch({ method: "POST", path, body: bodyOf(exchange, body) }, exchange);
    });
  }
}

const replied = (reply: HttpReply): Fetched => ({ kind: "reply", reply });
const shut: Fetched = { kind: "none", as: "circuitOpen" };
const overload: Fetched = { kind: "none", as: "overload" };

function reasonOf(error: unknown): "badAnswer" | "timeout" | "unreachable" {
  if (error instanceof AnswerTooLarge) return "badAnswer";
  return error instanceof GivenUp ? "timeout" : "unreachable";
}
