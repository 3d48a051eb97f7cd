// Alerts about an edge. Data.

import { edgeJob } from "../../src/promql.ts";
import { edge1, of, short, type AlertCases, type Situation } from "./situation.ts";

const framesIn = of("ocpp_messages_total", { direction: "in", type: "call" });
const results = of("ocpp_messages_total", { direction: "out", type: "result" });
const errors = of("ocpp_messages_total", { direction: "out", type: "error" });
const refusedByBackend = of("ocpp_calls_total", {
  version: "1.6",
  action: "Authorize",
  outcome: "callError",
});
const late = (quantile: string): string => of("nodejs_eventloop_delay_seconds", { quantile });

/** Whether it serves, and whether it has room. */
export const edgeCases: Readonly<Record<string, AlertCases>> = {
  EdgeDown: {
    fires: {
      ...short,
      when: "an edge has not answered for over a minute",
      series: { [of("up")]: "1x4 0x20" },
      at: "3m",
      labels: edge1(),
      summary: "edge-1 does not answer its scrapes",
    },
    quiet: [
      { ...short, when: "one scrape was lost", series: { [of("up")]: "1x4 0x1 1x20" }, at: "2m15s" },
      { ...short, when: "another job's target is away", series: { 'up{job="other"}': "0x20" }, at: "3m" },
    ],
  },
  NoEdgeScraped: {
    fires: {
      ...short,
      when: "the last edge has vanished from discovery",
      series: { [of("up")]: "1x4 stale" },
      at: "4m",
      labels: { job: edgeJob },
      summary: "Prometheus scrapes no edge at all: there is no target of the job cpg-edge",
    },
    alsoFires: [
      {
        ...short,
        when: "the edges' job has another name",
        series: { 'up{job="edges",instance="edge-1"}': "1x20" },
        at: "4m",
        labels: { job: edgeJob },
        summary: "Prometheus scrapes no edge at all: there is no target of the job cpg-edge",
      },
    ],
    quiet: [
      {
        ...short,
        when: "one edge of two is taken away",
        series: { [of("up")]: "1x4 stale", [of("up").replace("edge-1", "edge-2")]: "1x20" },
        at: "4m",
      },
      {
        ...short,
        when: "the edges are known, and down",
        series: { [of("up")]: "0x20" },
        at: "4m",
      },
    ],
  },
  EdgeNotReady: {
    fires: {
      ...short,
      when: "it is not ready for over a minute",
      series: { [of("edge_ready")]: "0x20", [of("edge_draining")]: "0x20" },
      at: "2m",
      labels: edge1(),
      summary: "edge-1 is not ready, and does not drain",
    },
    quiet: [
      {
        ...short,
        when: "it drains: a deploy",
        series: { [of("edge_ready")]: "0x20", [of("edge_draining")]: "1x20" },
        at: "2m",
      },
      {
        ...short,
        when: "it has just started",
        series: { [of("edge_ready")]: "0x2 1x20", [of("edge_draining")]: "0x20" },
        at: "1m30s",
      },
    ],
  },
  MessagesUnanswered: {
    fires: {
      ...short,
      when: "CALLs come in and nothing goes out",
      series: { [framesIn]: "0+30x60", [results]: "0x60", [errors]: "0x60" },
      at: "8m",
      labels: edge1(),
      summary: "edge-1 received 600 CALLs lately, and no backend answered one",
    },
    alsoFires: [
      {
        ...short,
        when: "a backend hangs: each CALL gets our own error at its deadline",
        series: { [framesIn]: "0+30x60", [results]: "0x60", [errors]: "0 0 0+30x58" },
        at: "8m",
        labels: edge1(),
        summary: "edge-1 received 600 CALLs lately, and no backend answered one",
      },
    ],
    quiet: [
      {
        ...short,
        when: "the backend refuses every CALL: that is its answer",
        series: {
          [framesIn]: "0+30x60",
          [results]: "0x60",
          [errors]: "0+30x60",
          [refusedByBackend]: "0+30x60",
        },
        at: "8m",
      },
      {
        ...short,
        when: "a quiet edge could not serve three CALLs",
        series: { [framesIn]: "0x20 3x40", [results]: "0x60", [errors]: "0x20 3x40" },
        at: "8m",
      },
      {
        ...short,
        when: "nobody says anything",
        series: { [framesIn]: "7x60", [results]: "7x60", [errors]: "0x60" },
        at: "8m",
      },
    ],
  },
  CallsWaitTooLong: {
    fires: {
      ...short,
      when: "a charge point's line has not moved for minutes",
      series: { [of("ocpp_oldest_unanswered_seconds", { direction: "in" })]: "0+15x20" },
      at: "5m",
      labels: edge1({ direction: "in" }),
      summary: "edge-1 keeps a charge point waiting for its answer for 4m 0s",
    },
    quiet: [
      {
        ...short,
        when: "a backend answers late, at its deadline",
        series: {
          [of("ocpp_oldest_unanswered_seconds", { direction: "in" })]: "0 15 25 10 25 5 25 20 25 15 25",
        },
        at: "2m30s",
      },
      {
        ...short,
        when: "it is the charge point that does not answer us",
        series: { [of("ocpp_oldest_unanswered_seconds", { direction: "out" })]: "0+15x20" },
        at: "5m",
      },
    ],
  },
  EventLoopBlocked: {
    fires: {
      ...short,
      when: "the loop stood still once for a second and a half",
      series: { [late("1")]: "0.02x4 1.5 0.02x30", [late("0.99")]: "0.005x35" },
      at: "3m",
      labels: edge1({ quantile: "1" }),
      summary: "edge-1 ran 1.5s late",
    },
    quiet: [
      {
        ...short,
        when: "delays are long, but no charge point would notice",
        series: { [late("1")]: "0.8x30", [late("0.99")]: "0.1x30" },
        at: "6m",
      },
      {
        ...short,
        when: "it was late in half of the scrapes",
        series: { [late("1")]: "0.4 0.5x30", [late("0.99")]: "0.3 0.01 0.3 0.01 0.3 0.01 0.3 0.01 0.3" },
        at: "2m",
      },
    ],
  },
  EventLoopBusy: {
    fires: {
      ...short,
      when: "the loop has been busy for ten minutes",
      series: { [of("nodejs_eventloop_utilization_ratio")]: "0.9x60" },
      at: "10m",
      labels: edge1(),
      summary: "edge-1 is busy 90% of the time",
    },
    quiet: [
      {
        ...short,
        when: "a storm of reconnects lasts two minutes",
        series: { [of("nodejs_eventloop_utilization_ratio")]: "1x8 0.4x60" },
        at: "7m",
      },
    ],
  },
  AcceptQueueOverflows: {
    fires: {
      ...short,
      when: "more connections come than are accepted",
      series: { [of("host_listen_overflows_total")]: "3x20 3+5x20" },
      at: "10m",
      labels: edge1(),
      summary: "on the host of edge-1 95 connections found an accept queue full",
    },
    quiet: [
      {
        ...short,
        when: "a few did in a burst",
        series: { [of("host_listen_overflows_total")]: "3x20 8x20" },
        at: "8m",
      },
    ],
  },
  DescriptorsNearLimit: {
    fires: {
      ...short,
      when: "only a twentieth is left",
      series: { [of("process_open_fds")]: "19500x20", [of("process_max_fds")]: "20000x20" },
      at: "2m",
      labels: edge1(),
      summary: "edge-1 has used 97.5% of its file descriptors",
    },
    quiet: [
      {
        ...short,
        when: "the edge is full, as listen.maxConnections allows",
        series: { [of("process_open_fds")]: "18200x20", [of("process_max_fds")]: "20000x20" },
        at: "2m",
      },
      {
        ...short,
        when: "its limit was raised",
        series: { [of("process_open_fds")]: "19500x20", [of("process_max_fds")]: "100000x20" },
        at: "2m",
      },
    ],
  },
};

const accepted = of("websocket_connections_total");
const refused = (reason: string): string => of("websocket_connections_refused_total", { reason });
const calls = (outcome: string): string =>
  of("ocpp_calls_total", { version: "1.6", action: "Heartbeat", outcome });
const commands = (outcome: string): string => of("commands_total", { outcome });

/** Both alerts on an objective: a share per hundred (of 1000 a minute) that fails. */
function burn(
  names: { readonly fast: string; readonly slow: string },
  rates: { readonly fast: number; readonly slow: number; readonly allowed: number },
  subject: {
    readonly good: string;
    readonly bad: string;
    readonly summary: (percent: string) => string;
    readonly others: readonly Situation[];
  },
): Readonly<Record<string, AlertCases>> {
  const failing = (perThousand: number, samples: number): Situation["series"] => ({
    [subject.good]: `0+${1000 - perThousand}x${samples}`,
    [subject.bad]: `0+${perThousand}x${samples}`,
  });
  const long = { every: "1m" } as const;
  const longer = { every: "5m" } as const; // six hours of minutes would take promtool 3 s
  const percent = (perThousand: number): string => `${perThousand / 10}%`;
  return {
    [names.fast]: {
      fires: {
        ...long,
        when: `${percent(rates.fast)} fail for an hour`,
        series: failing(rates.fast, 70),
        at: "65m",
        labels: edge1(),
        summary: subject.summary(percent(rates.fast)),
      },
      alsoFires: [
        {
          ...long,
          when: "a quiet edge fails every second of 24 in an hour",
          series: { [subject.good]: "0+0.2x70", [subject.bad]: "0+0.2x70" },
          at: "65m",
          labels: edge1(),
          summary: subject.summary("50%"),
        },
      ],
      quiet: [
        {
          ...long,
          when: "one of six failed in a quiet hour",
          series: { [subject.good]: "0x9 1x9 2x9 3x9 4x9 5x20", [subject.bad]: "0x55 1x14" },
          at: "58m",
        },
        { ...long, when: `only ${percent(rates.slow)} fail`, series: failing(rates.slow, 70), at: "65m" },
        {
          ...long,
          when: "it was bad, and is over",
          series: { [subject.good]: "0+500x90", [subject.bad]: "0+500x20 10000x70" },
          at: "40m",
        },
        ...subject.others,
      ],
    },
    [names.slow]: {
      fires: {
        ...longer,
        when: `${percent(rates.slow)} fail for six hours`,
        series: failing(rates.slow, 80),
        at: "390m",
        labels: edge1(),
        summary: subject.summary(percent(rates.slow)),
      },
      alsoFires: [
        {
          ...longer,
          when: "three of six have failed on a quiet edge, too few to wake anybody",
          series: { [subject.good]: "0x40 1x10 2x24 3x20", [subject.bad]: "0x40 1x10 2x24 3x20" },
          at: "390m",
          labels: edge1(),
          summary: subject.summary("50%"),
        },
      ],
      quiet: [
        {
          ...longer,
          when: `${percent(rates.allowed)} fail, as the objective almost allows`,
          series: failing(rates.allowed, 80),
          at: "390m",
        },
        {
          ...longer,
          when: "the only one of a quiet edge failed",
          series: { [subject.good]: "0x90", [subject.bad]: "0x74 1x20" },
          at: "390m",
        },
        {
          ...longer,
          when: "two failed within six hours on a quiet edge, of four",
          series: { [subject.good]: "0x40 1x33 2x20", [subject.bad]: "0x40 1x33 2x20" },
          at: "390m",
        },
      ],
    },
  };
}

/** Alerts on objectives. */
export const objectiveCases: Readonly<Record<string, AlertCases>> = {
  ...burn(
    { fast: "ConnectRefusalsFast", slow: "ConnectRefusalsSlow" },
    { fast: 20, slow: 8, allowed: 4 },
    {
      good: accepted,
      bad: refused("capacity"),
      summary: (percent) =>
        `edge-1: ${percent} of connection attempts are refused by the gateway's fault (objective: at most 0.1 %)`,
      others: [
        {
          every: "1m",
          when: "charge points are refused for their own faults",
          series: {
            [accepted]: "0+500x70",
            [refused("capacity")]: "0x70",
            [refused("credentials")]: "0+500x70",
            [refused("draining")]: "0+500x70",
          },
          at: "65m",
        },
      ],
    },
  ),
  ...burn(
    { fast: "MessageFailuresFast", slow: "MessageFailuresSlow" },
    { fast: 20, slow: 8, allowed: 4 },
    {
      good: calls("result"),
      bad: calls("fault"),
      summary: (percent) =>
        `edge-1: ${percent} of CALLs are not answered by a backend (objective: at most 0.1 %)`,
      others: [
        {
          every: "1m",
          when: "the backend refuses CALLs: that is its answer",
          series: {
            [calls("result")]: "0+500x70",
            [calls("callError")]: "0+500x70",
            [calls("fault")]: "0x70",
          },
          at: "65m",
        },
      ],
    },
  ),
  ...burn(
    { fast: "CommandFailuresFast", slow: "CommandFailuresSlow" },
    { fast: 200, slow: 80, allowed: 40 },
    {
      good: commands("answered"),
      bad: commands("noAnswer"),
      summary: (percent) =>
        `edge-1: ${percent} of commands end without the charge point's answer (objective: at most 1 %)`,
      others: [
        {
          every: "1m",
          when: "commands are for charge points that are not there, or too many for one",
          series: {
            [commands("answered")]: "0+100x70",
            [commands("noAnswer")]: "0x70",
            [commands("offline")]: "0+500x70",
            [commands("lineFull")]: "0+500x70",
          },
          at: "65m",
        },
      ],
    },
  ),
};
