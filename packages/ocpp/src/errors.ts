// Error codes of CALLERROR and CALLRESULTERROR: what happened, and the word each version has for it. Pure.
// E1. 1.6 keeps its two misspellings, FormationViolation and OccurenceConstraintViolation: its errata (OCPP-J 1.6
//     errata v1.0 §5.1, §5.2) decline to mend them, because stations compare the words.
// E2. A fault that a version has no word for gets its nearest one, never a word outside that version's table.

import type { OcppVersion } from "./version.ts";

/** What can go wrong, independent of the version. */
export const rpcFaults = [
  "notImplemented",
  "notSupported",
  "internalError",
  "protocolError",
  "securityError",
  "formatViolation",
  "propertyConstraintViolation",
  "occurrenceConstraintViolation",
  "typeConstraintViolation",
  "genericError",
  "messageTypeNotSupported",
  "rpcFrameworkError",
] as const;

/** What went wrong. */
export type RpcFault = (typeof rpcFaults)[number];

/** A word that stands in at least one version's table of valid error codes. */
export type ErrorCode =
  | "NotImplemented"
  | "NotSupported"
  | "InternalError"
  | "ProtocolError"
  | "SecurityError"
  | "FormationViolation"
  | "FormatViolation"
  | "PropertyConstraintViolation"
  | "OccurenceConstraintViolation"
  | "OccurrenceConstraintViolation"
  | "TypeConstraintViolation"
  | "GenericError"
  | "MessageTypeNotSupported"
  | "RpcFrameworkError";

// OCPP-J 2.0.1 §4.3 table 8; 2.1 §4.3 table 9 is the same.
const codes2x: Readonly<Record<RpcFault, ErrorCode>> = {
  notImplemented: "NotImplemented", // the action is not known
  notSupported: "NotSupported", // known, not supported
  internalError: "InternalError",
  protocolError: "ProtocolError", // payload does not conform to the PDU structure (1.6: payload is incomplete)
  securityError: "SecurityError",
  formatViolation: "FormatViolation", // payload is syntactically incorrect
  propertyConstraintViolation: "PropertyConstraintViolation",
  occurrenceConstraintViolation: "OccurrenceConstraintViolation",
  typeConstraintViolation: "TypeConstraintViolation",
  genericError: "GenericError",
  messageTypeNotSupported: "MessageTypeNotSupported",
  rpcFrameworkError: "RpcFrameworkError", // no valid RPC request, for example an id that cannot be read
};

// OCPP-J 1.6 §4.2.3 table 7.
const codes16: Readonly<Record<RpcFault, ErrorCode>> = {
  ...codes2x,
  formatViolation: "FormationViolation", // E1
  occurrenceConstraintViolation: "OccurenceConstraintViolation", // E1
  rpcFrameworkError: "FormationViolation", // E2: "syntactically incorrect or not conform the PDU structure"
  messageTypeNotSupported: "GenericError", // E2; 1.6 ignores unknown types, so it is never sent
};

/** The error codes per version: fault → word on the wire. */
export const errorCodes: Readonly<Record<OcppVersion, Readonly<Record<RpcFault, ErrorCode>>>> = {
  "1.6": codes16,
  "2.0.1": codes2x,
  "2.1": codes2x,
};

/** The word that `version` has for `fault`. */
export function errorCode(fault: RpcFault, version: OcppVersion): ErrorCode {
  return errorCodes[version][fault];
}

// Every spelling of every version, so what a station or a backend wrote is understood whichever table it read. Of
// two faults with one word the earlier in `rpcFaults` has it: FormationViolation is formatViolation.
const faultsByCode: ReadonlyMap<string, RpcFault> = new Map([
  ...rpcFaults.toReversed().map((fault) => [codes16[fault], fault] as const),
  ...rpcFaults.map((fault) => [codes2x[fault], fault] as const),
]);

/** The fault that a word on the wire names, in any version's spelling; `undefined` for a word of no table. */
export function faultOfCode(code: string): RpcFault | undefined {
  return faultsByCode.get(code);
}

/** `code` in the spelling of `version` (E1); a word of no table becomes GenericError, "any other error". */
export function codeForVersion(code: string, version: OcppVersion): ErrorCode {
  return errorCode(faultOfCode(code) ?? "genericError", version);
}
