// Alerts about the registry, Redis and backends. Data.

import { edgeJob } from "../../src/promql.ts";
import { edge1, of, type AlertCases } from "./situation.ts";

const short = { every: "15s" } as const;

const timeouts = of("registry_pool_timeouts_total");
const exhausted = of("registry_pool_exhausted_total");
const shard = { shard: "127.0.0.1:7000" };
const circuit = of("registry_circuit_state", shard);
const owed = of("registry_owed");
const dead = of("registry_edges_declared_dead_total");

/** The registry's. */
export const registryCases: Readonly<Record<string, AlertCases>> = {
  LeaseLapsed: {
    fires: {
      ...short,
      when: "no renewal has been confirmed for longer than the lease",
      series: { [of("registry_lease_valid")]: "1x4 0x20" },
      at: "2m",
      labels: edge1(),
      summary: "edge-1 has no valid lease: its charge points cannot be reached from other edges",
    },
    quiet: [
      {
        ...short,
        when: "the edge has just started",
        series: { [of("registry_lease_valid")]: "0x1 1x20" },
        at: "45s",
      },
    ],
  },
  RegistryCircuitOpen: {
    fires: {
      ...short,
      when: "the circuit is open, half open to try, and open again",
      series: { [circuit]: "0x4 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1" },
      at: "4m",
      labels: edge1(shard),
      summary: "edge-1 does not call the Redis shard 127.0.0.1:7000: its circuit is open",
    },
    quiet: [
      {
        ...short,
        when: "a failover opened it for half a minute",
        series: { [circuit]: "0x4 2x2 0x20" },
        at: "2m15s",
      },
    ],
  },
  RegistryPoolTimeouts: {
    fires: {
      ...short,
      when: "calls waited too long for a permit, and others found the line full",
      series: { [timeouts]: "0x20 0+2x20", [exhausted]: "0x20 0+1x20" },
      at: "10m",
      labels: edge1(),
      summary: "edge-1 refused 57 registry calls for want of a permit",
    },
    quiet: [
      {
        ...short,
        when: "it happened once, an hour ago",
        series: { [timeouts]: "12x40", [exhausted]: "3x40" },
        at: "10m",
      },
    ],
  },
  ClaimsOwedGrowing: {
    fires: {
      ...short,
      when: "Redis takes fewer claims than charge points come",
      series: { [owed]: "0+10x40" },
      at: "6m",
      labels: edge1(),
      summary: "edge-1 owes Redis claims, and more every minute: 200 now",
    },
    quiet: [
      { ...short, when: "what is owed is being paid", series: { [owed]: "1000-20x40" }, at: "6m" },
      {
        ...short,
        when: "claims come and go",
        series: { [owed]: "0 5 0 8 0 3 0 9 0 12 0 4 0 15 0" },
        at: "3m",
      },
    ],
  },
  EdgesDeclaredDead: {
    fires: {
      ...short,
      when: "an edge died",
      series: { [dead]: "0x8 1x20" },
      at: "4m",
      labels: edge1(),
      summary: "edge-1 declared an edge dead: its sessions are ended",
    },
    quiet: [{ ...short, when: "one died long ago", series: { [dead]: "1x40" }, at: "8m" }],
  },
};

const requests = (outcome: string): string =>
  of("integration_requests_total", { integration: "csms", outcome });
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
    quiet: [
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
  IntegrationCircuitOpen: {
    fires: {
      ...short,
      when: "the circuit stays open but for tries",
      series: { [integrationCircuit]: "0x4 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1" },
      at: "4m",
      labels: edge1({ integration: "csms" }),
      summary: "edge-1 does not call integration csms: its circuit is open",
    },
    quiet: [
      {
        ...short,
        when: "it was open for half a minute",
        series: { [integrationCircuit]: "0x4 2x2 0x20" },
        at: "2m15s",
      },
    ],
  },
};
