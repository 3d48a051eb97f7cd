// Alerts about the session registry and its way to Redis. Pure.

import { inRules } from "../promql.ts";
import type { Windows } from "../windows.ts";
import type { AlertRule } from "./rule.ts";

/** Leases, circuits, the pool, what is owed, who died. */
export function registryAlerts(windows: Windows): readonly AlertRule[] {
  const { series } = inRules;
  const increase = (selector: string): string => `increase(${selector}[${windows("5m")}])`;
  const owed = series("registry_owed");
  return [
    {
      alert: "LeaseLapsed",
      expr: `${series("registry_lease_valid")} == 0`,
      for: windows("30s"),
      severity: "critical",
      summary:
        "{{ $labels.instance }} has no valid lease: its charge points cannot be reached from other edges",
      page: "lease-lapsed",
    },
    {
      alert: "RegistryCircuitOpen",
      // Over a minute, because an open circuit is half open now and then to try.
      expr: `max_over_time(${series("registry_circuit_state")}[${windows("1m")}]) == 2`,
      for: windows("2m"),
      severity: "critical",
      summary:
        "{{ $labels.instance }} does not call the Redis shard {{ $labels.shard }}: its circuit is open",
      page: "registry-circuit-open",
    },
    {
      alert: "RegistryPoolTimeouts",
      expr: `${increase(series("registry_pool_timeouts_total"))} + ${increase(series("registry_pool_exhausted_total"))} > 0`,
      severity: "warning",
      summary: "{{ $labels.instance }} refused {{ $value | humanize }} registry calls for want of a permit",
      page: "registry-pool-timeouts",
    },
    {
      alert: "RegistryPermitsUsedUp",
      expr: `min_over_time(${series("registry_permits_in_use")}[${windows("1m")}]) / ${series("registry_permits_limit")} > 0.9`,
      for: windows("1m"),
      severity: "warning",
      summary:
        "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its permits for the Redis shard {{ $labels.shard }} all the time",
      page: "registry-pool-timeouts",
    },
    {
      alert: "ClaimsOwedGrowing",
      // Near its bound what is owed does not grow any more, and is worst.
      expr: `(min_over_time(${owed}[${windows("1m")}]) > 0 and deriv(${owed}[${windows("5m")}]) > 0) or ${owed} > 0.8 * ${series("registry_owed_limit")}`,
      for: windows("1m"),
      severity: "warning",
      summary: "{{ $labels.instance }} owes Redis more claims than it pays: {{ $value | humanize }} now",
      page: "claims-owed-growing",
    },
    {
      alert: "EdgesDeclaredDead",
      expr: `${increase(series("registry_edges_declared_dead_total"))} > 0`,
      severity: "warning",
      summary: "{{ $labels.instance }} declared an edge dead: its sessions are ended",
      page: "edges-declared-dead",
    },
  ];
}
