// What the registry needs to know and to be given. Types only.

import type { RegistryMeter } from "../meter.ts";
import type { RetrySettings } from "../policy/retry.ts";
import type { RegistryStore } from "../store-port.ts";
import type { Random, Soon, Time } from "../time.ts";

/** Settings `registry.*`; numbers, bounds and derivations stand in @cpg/config. */
export interface OwnershipSettings {
  readonly edge: string;
  readonly leaseMs: number;
  readonly leaseRenewMs: number;
  readonly leasePollMs: number;
  readonly inboxPollMs: number;
  readonly reassertMs: number;
  readonly outagePolicy: "accept" | "reject";
  readonly maxOwed: number;
  readonly replayPerSecond: number;
  readonly maxClaimsPerCall: number;
  readonly gatherMs: number;
  readonly callDeadlineMs: number;
  readonly fenceMs: number;
  readonly retry: RetrySettings;
}

/** Everything from outside. */
export interface OwnershipPorts {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly random: Random;
  readonly soon: Soon;
  readonly meter: RegistryMeter;
}
