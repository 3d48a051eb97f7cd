export { createClusterRegistry, createMemoryRegistry } from "./create.ts";
export type { Registry, RegistryPorts } from "./create.ts";
export { RegistryError } from "./errors.ts";
export type { RegistryErrorCode } from "./errors.ts";
export { Keyspace } from "./keyspace.ts";
export type { MemoryRetention } from "./memory/memory-backend.ts";
export { noMeter } from "./meter.ts";
export type { RegistryMeter } from "./meter.ts";
export type {
  ConnectionId,
  EdgeRow,
  EndCause,
  Epoch,
  Incarnation,
  LifecycleEvent,
  SessionDetails,
  SessionRow,
} from "./model.ts";
export type { OwnershipSettings } from "./ownership/settings.ts";
export type {
  Admission,
  ClaimAdmission,
  LookupResult,
  NewSession,
  OwnedSessions,
  Ownership,
  OwnershipHealth,
  HandOver,
  PeerContent,
  PeerMessage,
  SessionPage,
  Unsigned,
} from "./ownership-port.ts";
export { partitionCount, partitionOf, partitions, partitionTags } from "./partition.ts";
export type { Partition } from "./partition.ts";
export { circuitStates } from "./policy/breaker.ts";
export { describeFailure } from "./redis/error-map.ts";
export type { ShardState } from "./redis/lanes.ts";
export { NodeWatch } from "./redis/node-watch.ts";
export type { NodePollOutcome, NodeReading, NodeWatchPorts, NodeWatchSettings } from "./redis/node-watch.ts";
export type { RedisSettings, RedisTls, RetentionSettings } from "./redis/settings.ts";
export { systemRandom, systemSoon, systemTime } from "./time.ts";
export type { Random, Soon, Time, Timer } from "./time.ts";
export { openLoneClient } from "./redis/lone-client.ts";
