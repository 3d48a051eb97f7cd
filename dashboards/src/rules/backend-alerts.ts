// Alerts about backends and commands. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import { burnRateAlerts } from "./burn-rate.ts";
import { failureShare, objectives } from "./objectives.ts";
import type { AlertRule } from "./rule.ts";

/** Refused at the edge: such a request never reached its backend, or its stream. */
const refusals = ["overload", "circuitOpen"] as const;
/** Not `callError` and `notImplemented`: those are a backend's answers. */
const failures = ["refused", "badAnswer", "httpError", "timeout", "unreachable"] as const;

/**
 * Requests that the integration was asked and did not answer. Without refusals: a CALL is refused again and again while it waits for
 * the circuit, and is one success then.
 */
const requests = {
  bad: inRules.series("integration_requests_total", { outcome: failures }),
  all: [inRules.series("integration_requests_total", { outcome: { not: refusals } })],
};

/** Integrations and commands. */
export function backendAlerts(windows: Windows): readonly AlertRule[] {
  const missed = inRules.series("integration_requests_total", { outcome: [...failures, ...refusals] });
  return [
    {
      alert: "IntegrationFailing",
      // Over all edges: a backend that fails fails for all of them, and a rare one gives each edge too few requests to judge.
      // Longer than the window and a CALL's deadline (25 s) together: a restart of the backend, which costs no CALL, is forgotten by then.
      expr: `${failureShare(["job", "integration"], requests, windows("2m"))} > 0.05`,
      for: windows("3m"),
      severity: "critical",
      summary:
        "integration {{ $labels.integration }}: {{ $value | humanizePercentage }} of the requests fail",
      page: "integration-failing",
    },
    {
      alert: "IntegrationCircuitOpen",
      // Not closed, instead of open: behind a backend that hangs it is half open but for a second in nine, which scrapes miss. And
      // somebody calls: nobody's circuit stays half open for ever.
      expr: `min_over_time(${inRules.series("integration_circuit_state")}[${windows("1m")}]) > 0 and on (job, instance, integration) sum by (job, instance, integration) (increase(${missed}[${windows("2m")}])) > 0`,
      for: windows("2m"),
      severity: "critical",
      summary:
        "{{ $labels.instance }} does not call integration {{ $labels.integration }}: its circuit is open",
      page: "integration-failing",
    },
    {
      alert: "IntegrationAtItsBound",
      // Over a minute, and then for three: a backend that keeps up shows a line now and then, and behind one whose stations all come
      // back at once it is soon gone. Requests in flight say less: at the bound they look the same with nobody behind them and with thousands.
      expr: `min_over_time(${inRules.series("integration_waiters")}[${windows("1m")}]) > 0`,
      for: windows("3m"),
      severity: "warning",
      summary:
        "{{ $labels.instance }} asks integration {{ $labels.integration }} as much at once as it may: at least {{ $value | humanize }} messages wait for their turn",
      page: "integration-at-its-bound",
    },
    {
      alert: "StreamNearlyFull",
      expr: `max by (job, integration) (${inRules.series("integration_stream_length")}) / max by (job, integration) (${inRules.series("integration_stream_limit")}) > 0.8`,
      for: windows("2m"),
      severity: "critical",
      summary:
        "stream {{ $labels.integration }}: its longest partition is {{ $value | humanizePercentage }} full, and holds messages when it is full",
      page: "stream-nearly-full",
    },
    ...burnRateAlerts(objectives.commands, windows, {
      alert: "CommandFailures",
      what: "commands end without the charge point's answer",
      page: "command-failures",
    }),
  ];
}
