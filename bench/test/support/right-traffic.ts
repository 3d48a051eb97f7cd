// A stretch of traffic in which all was right, for tests that change one thing of it. Data.

import type { TrafficResult } from "../../src/load/fleet.ts";
import { Histogram } from "../../src/measure/histogram.ts";

export const rightTraffic: TrafficResult = {
  seconds: 1,
  answered: 10,
  wrong: 0,
  wrongText: undefined,
  unanswered: 0,
  losses: {},
  latencies: new Histogram(),
  clientCores: 0.1,
  serverSeconds: 0.001,
};
