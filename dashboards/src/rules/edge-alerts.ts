// Alerts about an edge: is it there, is it ready, does it answer, has it room. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import { burnRateAlerts } from "./burn-rate.ts";
import { objectives } from "./objectives.ts";
import type { AlertRule } from "./rule.ts";

/** Whether the edge serves. */
export function servingAlerts(windows: Windows): readonly AlertRule[] {
  const increase = (selector: string): string =>
    `sum by (job, instance) (increase(${selector}[${windows("5m")}]))`;
  const calls = increase(inRules.series("ocpp_messages_total", { direction: "in", type: "call" }));
  const results = increase(inRules.series("ocpp_messages_total", { direction: "out", type: "result" }));
  const callErrors = increase(inRules.series("ocpp_calls_total", { outcome: "callError" }));
  return [
    {
      alert: "EdgeDown",
      expr: `${inRules.up()} == 0`,
      for: windows("1m"),
      severity: "critical",
      summary: "{{ $labels.instance }} does not answer its scrapes",
      page: "edge-down",
    },
    {
      alert: "NoEdgeScraped",
      // An edge that discovery does not know has no `up`, and without edges every other alert here is silent.
      expr: `absent(${inRules.up()})`,
      for: windows("2m"),
      severity: "critical",
      summary: "Prometheus scrapes no edge at all: there is no target of the job {{ $labels.job }}",
      page: "edge-down",
    },
    {
      alert: "EdgeNotReady",
      expr: `${inRules.series("edge_ready")} == 0 and ${inRules.series("edge_draining")} == 0`,
      for: windows("1m"),
      severity: "critical",
      summary: "{{ $labels.instance }} is not ready, and does not drain",
      page: "edge-not-ready",
    },
    {
      alert: "MessagesUnanswered",
      // Our own CALLERRORs are no answers: a backend that hangs makes one of each CALL, at its route's deadline. Ten CALLs, for the
      // one of a quiet edge proves nothing. `unless`, because a counter that has not begun must not hide it (O2).
      expr: `${calls} >= 10 unless (${results} > 0 or ${callErrors} > 0)`,
      for: windows("2m"),
      severity: "critical",
      summary:
        "{{ $labels.instance }} received {{ $value | humanize }} CALLs lately, and no backend answered one",
      page: "messages-unanswered",
    },
    {
      alert: "CallsWaitTooLong",
      // Twice the 30 s after which a charge point gives its CALL up: its line moves more slowly than it fills.
      expr: `min_over_time(${inRules.series("ocpp_oldest_unanswered_seconds", { direction: "in" })}[${windows("1m")}]) > ${windows.seconds("1m")}`,
      severity: "critical",
      summary:
        "{{ $labels.instance }} keeps a charge point waiting for its answer for {{ $value | humanizeDuration }}",
      page: "messages-unanswered",
    },
    ...burnRateAlerts(objectives.connect, windows, {
      alert: "ConnectRefusals",
      what: "connection attempts are refused by the gateway's fault",
      page: "connect-refusals",
    }),
    ...burnRateAlerts(objectives.messages, windows, {
      alert: "MessageFailures",
      what: "CALLs are not answered by a backend",
      page: "message-failures",
    }),
  ];
}

/** Whether it has room. */
export function capacityAlerts(windows: Windows): readonly AlertRule[] {
  const delay = (quantile: "0.99" | "1"): string =>
    inRules.series("nodejs_eventloop_delay_seconds", { quantile });
  return [
    {
      alert: "EventLoopBlocked",
      // A second is also where /readyz gives up on the edge.
      expr: `max_over_time(${delay("1")}[${windows("5m")}]) > 1 or min_over_time(${delay("0.99")}[${windows("5m")}]) > 0.2`,
      severity: "warning",
      summary: "{{ $labels.instance }} ran {{ $value | humanizeDuration }} late",
      page: "event-loop-blocked",
    },
    {
      alert: "EventLoopBusy",
      expr: `avg_over_time(${inRules.series("nodejs_eventloop_utilization_ratio")}[${windows("5m")}]) > 0.85`,
      for: windows("5m"),
      severity: "warning",
      summary: "{{ $labels.instance }} is busy {{ $value | humanizePercentage }} of the time",
      page: "event-loop-busy",
    },
    {
      alert: "DescriptorsNearLimit",
      // listen.maxConnections leaves a tenth free of the 20,000 that it was derived from.
      expr: `${inRules.series("process_open_fds")} / ${inRules.series("process_max_fds")} > 0.95`,
      for: windows("1m"),
      severity: "critical",
      summary: "{{ $labels.instance }} has used {{ $value | humanizePercentage }} of its file descriptors",
      page: "descriptors-near-limit",
    },
    {
      alert: "AcceptQueueOverflows",
      // Counted for the whole host: every edge of it tells the same number.
      expr: `increase(${inRules.series("host_listen_overflows_total")}[${windows("5m")}]) > 10`,
      severity: "warning",
      summary:
        "on the host of {{ $labels.instance }} {{ $value | humanize }} connections found an accept queue full",
      page: "accept-queue-overflows",
    },
  ];
}
