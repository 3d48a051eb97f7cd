// Alerts about backends and commands. Data.

import { edgeJob } from "../../src/promql.ts";
import { edge1, of, short, withPod, type AlertCases } from "./situation.ts";

const uncalled = {
  ...short,
  at: "4m30s",
  summary: "edge-1 does not call integration csms: its circuit is open",
};
const requests = (outcome: string): string =>
  of("integration_requests_total", { integration: "csms", outcome });
const streamLength = of("integration_stream_length", { integration: "meters" });
const streamLimit = of("integration_stream_limit", { integration: "meters" });
const waiters = of("integration_waiters", { integration: "csms" });
const integrationCircuit = of("integration_circuit_state", { integration: "csms" });

/** The backends'. */
export const backendCases: Readonly<Record<string, AlertCases>> = {
  IntegrationFailing: {
    fires: {
      ...short,
      when: "a tenth of the requests time out",
      series: { [requests("ok")]: "0+90x40", [requests("timeout")]: "0+10x40" },
      at: "8m",
      labels: { job: edgeJob, integration: "csms" },
      summary: "integration csms: 10% of the requests fail",
    },
    alsoFires: [
      {
        ...short,
        when: "the backend lets nobody in: its token was changed",
        series: { [requests("ok")]: "0x40", [requests("refused")]: "0+10x40" },
        at: "8m",
        labels: { job: edgeJob, integration: "csms" },
        summary: "integration csms: 100% of the requests fail",
      },
      {
        ...short,
        when: "the backend has been gone for four minutes, and only the circuit's tries reach for it",
        series: {
          [requests("ok")]: "0+150x40 6000x20",
          [requests("unreachable")]: "0x40 0+15x20",
          [requests("circuitOpen")]: "0x40 0+1200x20",
        },
        at: "14m15s",
        labels: { job: edgeJob, integration: "csms" },
        summary: "integration csms: 100% of the requests fail",
      },
    ],
    quiet: [
      {
        ...short,
        // As measured with 10 CALLs a second: every one was answered.
        when: "it was away for 8 s: CALLs waited, and the circuit refused their attempts",
        series: {
          [requests("ok")]: "0+150x60",
          [requests("unreachable")]: "0x40 84x20",
          [requests("circuitOpen")]: "0x40 658x20",
        },
        at: "13m",
      },
      {
        ...short,
        when: "it was away for almost as long as CALLs are tried again",
        series: {
          [requests("ok")]: "0+150x40 6000 6000 6450+150x20",
          [requests("unreachable")]: "0x40 130 260x20",
        },
        at: "13m15s",
      },
      {
        ...short,
        when: "everybody connects at once, and `$connect` finds no permit",
        series: { [requests("ok")]: "0+150x60", [requests("overload")]: "0+150x60" },
        at: "13m",
      },
      {
        ...short,
        when: "the backend refuses half: it works",
        series: {
          [requests("ok")]: "0+50x40",
          [requests("callError")]: "0+50x40",
          [requests("timeout")]: "0x40",
        },
        at: "8m",
      },
      {
        ...short,
        when: "one in fifty fails",
        series: { [requests("ok")]: "0+98x40", [requests("unreachable")]: "0+2x40" },
        at: "8m",
      },
    ],
  },
  IntegrationAtItsBound: {
    fires: {
      ...short,
      when: "a line has stood before it for over four minutes, now longer, now shorter",
      series: {
        [waiters]: "0x4 350 310 272 340 350 290 272 333 350 310 272 340 350 290 272 333 350 310 272 340",
      },
      at: "5m30s",
      labels: edge1({ integration: "csms" }),
      summary:
        "edge-1 asks integration csms as much at once as it may: at least 272 messages wait for their turn",
    },
    quiet: [
      {
        ...short,
        when: "everybody came back at once, and the line was gone after three minutes",
        series: { [waiters]: "0x4 9000-800x11 0x20" },
        at: "4m",
      },
      {
        ...short,
        when: "a backend that keeps up has a line in most scrapes, and none in between",
        series: { [waiters]: "12 0 3 40 9 0 7 31 2 0 17 5 8 0 12 3 40 0 7 31 2 0 17 5 8 0 12" },
        at: "6m",
      },
      {
        ...short,
        when: "as many requests are in flight as may be, and nobody waits behind them",
        series: {
          [of("integration_in_flight", { integration: "csms" })]: "128x40",
          [of("integration_concurrency_limit", { integration: "csms" })]: "128x40",
          [waiters]: "0x40",
        },
        at: "8m",
      },
    ],
  },
  StreamNearlyFull: {
    fires: {
      ...short,
      when: "nobody has consumed for long",
      series: { [streamLength]: "90x20", [streamLimit]: "100x20" },
      at: "3m",
      labels: { job: edgeJob, integration: "meters" },
      summary: "stream meters: its longest partition is 90% full, and holds messages when it is full",
    },
    quiet: [
      {
        ...short,
        when: "a consumer catches up",
        series: { [streamLength]: "90x4 50x20", [streamLimit]: "100x25" },
        at: "3m",
      },
    ],
  },
  IntegrationCircuitOpen: {
    fires: {
      ...uncalled,
      when: "the circuit stays open but for tries",
      series: {
        [integrationCircuit]: "0x4 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1",
        [requests("circuitOpen")]: "0x4 0+900x20",
      },
      labels: edge1({ integration: "csms" }),
    },
    alsoFires: [
      {
        ...uncalled,
        when: "the backend hangs: its circuit is half open but for a second in nine, which scrapes miss",
        series: {
          [integrationCircuit]: "0x4 1x20",
          [requests("timeout")]: "0x4 0 1 3 5+2x20",
          [requests("circuitOpen")]: "0x24",
        },
        labels: edge1({ integration: "csms" }),
      },
      {
        ...uncalled,
        when: "the targets have labels that discovery gave them",
        series: {
          [withPod(integrationCircuit)]: "0x4 1x20",
          [withPod(requests("timeout"))]: "0x4 0 1 3 5+2x20",
        },
        labels: edge1({ integration: "csms", pod: "edge-7f9" }),
      },
    ],
    quiet: [
      {
        ...short,
        when: "it was open for half a minute",
        series: {
          [integrationCircuit]: "0x4 2x2 0x20",
          [requests("circuitOpen")]: "0x4 0+900x2 1800x20",
        },
        at: "2m15s",
      },
      {
        ...short,
        when: "nobody has called since a restart that left it half open",
        series: {
          [integrationCircuit]: "0x4 2 1x40",
          [requests("unreachable")]: "0x4 12x40",
          [requests("circuitOpen")]: "0x4 40x40",
        },
        at: "4m15s",
      },
      {
        ...short,
        when: "it has been half open for hours, and nobody calls",
        series: { [integrationCircuit]: "1x40", [requests("unreachable")]: "12x40" },
        at: "8m",
      },
    ],
  },
};
