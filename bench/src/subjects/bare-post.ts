// The floor of the `http` route: undici POSTs of the same body to the same backend at the same pace, and nothing around them.
// A process of its own. As many connections as the edge keeps (routes.http.connectionsPerTarget).

import { Pool } from "undici";

import { Histogram, type HistogramWire } from "../measure/histogram.ts";
import { serve } from "../system/worker.ts";
import { nowMs } from "../time.ts";

/** What to post where. */
export interface PostPlan {
  readonly origin: string;
  readonly path: string;
  readonly body: string;
  /** POSTs per second. */
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

async function post(plan: PostPlan, client: Pool): Promise<void> {
  const startedMs = nowMs();
  try {
    const { statusCode, body } = await client.request({
      method: "POST",
      path: plan.path,
      headers: { "content-type": "application/json" },
      body: plan.body,
    });
    JSON.parse(await body.text());
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    answered += 1;
    latencies.record((nowMs() - startedMs) * 1000);
  } catch {
    failed += 1;
  }
}

function start(plan: PostPlan): void {
  const client = new Pool(plan.origin, { connections: 64 });
  pool = client;
  const startedMs = nowMs();
  let sent = 0;
  timer = setInterval(() => {
    const due = Math.floor(((nowMs() - startedMs) / 1000) * plan.rate);
    for (; sent < due; sent++) void post(plan, client);
  }, 1);
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
