// OCPP-J without I/O: identities, subprotocols, frames, error codes, actions, Basic authentication.

export { ocppVersions } from "./version.ts";
export type { OcppVersion } from "./version.ts";
export {
  asIdentity,
  foldAscii,
  identityKey,
  identityKeyCandidates,
  isCandidate,
  maxIdentityBytes,
  parseIdentity,
} from "./identity.ts";
export type { Identity, IdentityFault, IdentityKey, IdentityResult } from "./identity.ts";
export { negotiate, subprotocolOf } from "./subprotocol.ts";
export {
  ignoredReasons,
  malformedReasons,
  maxMessageIdLength,
  messageType,
  unreadableMessageId,
} from "./frame.ts";
export type {
  Decoded,
  Ignored,
  IgnoredReason,
  Malformed,
  MalformedReason,
  MessageId,
  Payload,
  Refusal,
  Request,
  Result,
} from "./frame.ts";
export { decodeFrame } from "./decode.ts";
export {
  encodeCall,
  encodeCallError,
  encodeCallResult,
  encodeCallResultError,
  maxDescriptionLength,
} from "./encode.ts";
export { codeForVersion, errorCode, errorCodes, faultOfCode, rpcFaults } from "./errors.ts";
export type { ErrorCode, RpcFault } from "./errors.ts";
export { actionLabel, actions, isKnownAction, isTransactionMessage, mayChargePointSend } from "./actions.ts";
export type { Initiator } from "./actions.ts";
export { parseBasicAuthorization } from "./basic-auth.ts";
export type { BasicAuthorizationFault, BasicAuthorizationResult } from "./basic-auth.ts";
