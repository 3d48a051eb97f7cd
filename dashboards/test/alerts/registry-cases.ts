// Alerts about the registry. Data.

import { edge1, of, short, type AlertCases } from "./situation.ts";

const timeouts = of("registry_pool_timeouts_total");
const exhausted = of("registry_pool_exhausted_total");
const shard = { shard: "127.0.0.1:7000" };
const circuit = of("registry_circuit_state", shard);
const owed = of("registry_owed");
const mayOwe = { [of("registry_owed_limit")]: "18000x60" };
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
  RegistryPermitsUsedUp: {
    fires: {
      ...short,
      when: "every permit of a shard has been in use for two minutes",
      series: {
        [of("registry_permits_in_use", shard)]: "3x3 64x20",
        [of("registry_permits_limit", shard)]: "64x23",
      },
      at: "4m",
      labels: edge1(shard),
      summary: "edge-1 uses 100% of its permits for the Redis shard 127.0.0.1:7000 all the time",
    },
    quiet: [
      {
        ...short,
        when: "a storm uses them up now and then",
        series: {
          [of("registry_permits_in_use", shard)]: "64 64 0 64 64 12 64 64 64 0 64 64 64 0 64 64 64 1 64",
          [of("registry_permits_limit", shard)]: "64x20",
        },
        at: "4m",
      },
    ],
  },
  ClaimsOwedGrowing: {
    fires: {
      ...short,
      when: "Redis takes fewer claims than charge points come",
      series: { [owed]: "0+10x40", ...mayOwe },
      at: "6m",
      labels: edge1(),
      summary: "edge-1 owes Redis more claims than it pays: 200 now",
    },
    alsoFires: [
      {
        ...short,
        when: "what is owed has long been at its bound, and grows no more",
        series: { [owed]: "0+900x20 18000x40", ...mayOwe },
        at: "15m",
        labels: edge1(),
        summary: "edge-1 owes Redis more claims than it pays: 18k now",
      },
    ],
    quiet: [
      { ...short, when: "what is owed is being paid", series: { [owed]: "1000-20x40", ...mayOwe }, at: "6m" },
      {
        ...short,
        when: "what is owed is at its bound, and paid within half a minute",
        series: { [owed]: "18000x1 15000 0x40", ...mayOwe },
        at: "1m30s",
      },
      {
        ...short,
        when: "claims come and go",
        series: { [owed]: "0 5 0 8 0 3 0 9 0 12 0 4 0 15 0", ...mayOwe },
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
