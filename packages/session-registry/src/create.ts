// Makes the registry of one edge: the store that was asked for, and what uses it.

import { MemoryBackend, type MemoryRetention } from "./memory/memory-backend.ts";
import { MemoryStore } from "./memory/memory-store.ts";
import { noMeter, type RegistryMeter } from "./meter.ts";
import { RegistryOwnership } from "./ownership/ownership.ts";
import type { OwnershipSettings } from "./ownership/settings.ts";
import type { Ownership } from "./ownership-port.ts";
import type { ShardState } from "./redis/lanes.ts";
import { RedisStore } from "./redis/redis-store.ts";
import type { RedisSettings, RetentionSettings } from "./redis/settings.ts";
import { systemRandom, systemSoon, systemTime, type Random, type Soon, type Time } from "./time.ts";

/** Ports that have a sensible default: the process's own. */
export interface RegistryPorts {
  readonly meter?: RegistryMeter;
  readonly time?: Time;
  readonly random?: Random;
  readonly soon?: Soon;
}

/** A registry, and the state of its shards for gauges. */
export interface Registry {
  readonly ownership: Ownership;
  shardStates(): readonly ShardState[];
}

const filled = (ports: RegistryPorts): Required<RegistryPorts> => ({
  meter: ports.meter ?? noMeter,
  time: ports.time ?? systemTime,
  random: ports.random ?? systemRandom,
  soon: ports.soon ?? systemSoon,
});

/** The registry in Redis Cluster. Connecting goes on in the background; nothing here fails because Redis is away. */
export function createClusterRegistry(
  settings: {
    readonly ownership: OwnershipSettings;
    readonly redis: RedisSettings;
    readonly retention: RetentionSettings;
  },
  given: RegistryPorts = {},
): Registry {
  const ports = filled(given);
  const store = new RedisStore(settings.redis, settings.retention, ports);
  return {
    ownership: new RegistryOwnership(settings.ownership, { ...ports, store }),
    shardStates: () => store.shardStates(),
  };
}

/** The registry in this process: for development, one edge only. */
export function createMemoryRegistry(
  settings: { readonly ownership: OwnershipSettings; readonly retention: MemoryRetention },
  given: RegistryPorts = {},
): Registry {
  const ports = filled(given);
  const { time } = ports;
  const sinceUs = (time.wallMs() - time.monotonicMs()) * 1000;
  const backend = new MemoryBackend(settings.retention, () => sinceUs + time.monotonicMs() * 1000);
  const store = new MemoryStore(backend, time);
  return { ownership: new RegistryOwnership(settings.ownership, { ...ports, store }), shardStates: () => [] };
}
