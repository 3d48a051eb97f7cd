// The floor of the `http` route: undici POSTs of the same body to the same backend, and nothing around them, at a pace or without one.
// A process of its own. As many connections as the edge keeps (routes.http.connectionsPerTarget).
//
// At a pace a timer of the same process sends them, and its CPU is in the figure; "nothing" leaves the POSTs out and tells what that is.
// Without a pace each connection sends its next as soon as it is answered.

import { Pool, type Dispatcher } from "undici";

import { Histogram, type HistogramWire } from "../measure/histogram.ts";
import { serve } from "../system/worker.ts";
import { nowMs } from "../time.ts";

/** undici's usual way, with a stream for the answer; the lowest of its layers, which the edge uses; no POST at all. */
export type PostWay = "request" | "dispatch" | "nothing";

/** What to post where. */
export interface PostPlan {
  readonly origin: string;
  readonly path: string;
  readonly body: string;
  readonly way: PostWay;
  /** POSTs per second; 0: without a pace. */
  readonly rate: number;
}

/** What happened since the last look. */
export interface PostCount {
  readonly answered: number;
  readonly failed: number;
  readonly latencies: HistogramWire;
}

let pool: Pool | undefined;
let timer: NodeJS.Timeout | undefined;
let answered = 0;
let failed = 0;
let latencies = new Histogram();

const connections = 64;
const headers = { "content-type": "application/json" };

async function post(plan: PostPlan, client: Pool): Promise<void> {
  const startedMs = nowMs();
  const { path, body } = plan;
  try {
    if (plan.way === "request") {
      const answer = await client.request({ method: "POST", path, headers, body });
      checkAnswer(answer.statusCode, await answer.body.text());
    } else if (plan.way === "dispatch") {
      await new Promise<void>((resolve, reject) => {
        client.dispatch({ method: "POST", path, headers, body }, new Dispatched(resolve, reject));
      });
    }
    answered += 1;
    latencies.record((nowMs() - startedMs) * 1000);
  } catch {
    failed += 1;
  }
}

function checkAnswer(status: number, text: string): void {
  JSON.parse(text);
  if (status !== 200) throw new Error(`status ${status}`);
}

class Dispatched implements Dispatcher.DispatchHandler {
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #status = 0;
  #text = "";

  constructor(resolve: () => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#text += chunk.toString();
  }

  onResponseEnd(): void {
    try {
      checkAnswer(this.#status, this.#text);
      this.#resolve();
    } catch (error) {
      this.#reject(error);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}

function start(plan: PostPlan): void {
  const client = new Pool(plan.origin, { connections });
  pool = client;
  if (plan.rate === 0) {
    for (let each = 0; each < connections; each++) void postOnAndOn(plan, client);
    return;
  }
  const startedMs = nowMs();
  let sent = 0;
  timer = setInterval(() => {
    const due = Math.floor(((nowMs() - startedMs) / 1000) * plan.rate);
    for (; sent < due; sent++) void post(plan, client);
  }, 1);
}

async function postOnAndOn(plan: PostPlan, client: Pool): Promise<void> {
  while (!client.closed) await post(plan, client);
}

serve({
  start,
  take(): PostCount {
    const count: PostCount = { answered, failed, latencies: latencies.toWire() };
    answered = 0;
    failed = 0;
    latencies = new Histogram();
    return count;
  },
  async stop() {
    clearInterval(timer);
    await pool?.close();
  },
});
