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
export type {
  Admission,
  ClaimAdmission,
  LookupResult,
  NewSession,
  OwnedSessions,
  Ownership,
  OwnershipHealth,
  PeerMessage,
  SessionPage,
} from "./ownership-port.ts";
export { systemRandom, systemTime } from "./time.ts";
export type { Random, Time, Timer } from "./time.ts";
export { RegistryError } from "./errors.ts";
export type { RegistryErrorCode } from "./errors.ts";
