// The frames of OCPP-J as values: what a received text can turn out to be. Types only.
// The rules, input by input and version by version, with their paragraphs, stand in this package's README.

/**
 * Identifies a CALL and what answers it. 1 to 36 characters (OCPP-J §4.1.4). **A retry may reuse an id** (2.1 §4.1.4;
 * older stations do it too): it is a key for idempotency, never a reason to drop. That is the session's concern.
 */
export type MessageId = string;

/** Longest message id, in characters (OCPP-J 1.6 table 3, 2.x table 4). */
export const maxMessageIdLength = 36;

/** The id of a CALLERROR to a frame whose id cannot be read (OCPP-J 2.0.1 and 2.1 §4.2.3; 1.6 borrows it). */
export const unreadableMessageId: MessageId = "-1";

/** Message type numbers (OCPP-J §4.1.3; 5 and 6 since 2.1). */
export const messageType = { call: 2, result: 3, error: 4, resultError: 5, send: 6 } as const;

/** Why a frame is malformed: a closed set, fit for a metric's label. */
export const malformedReasons = [
  "notJson",
  "notArray",
  "typeNotNumber",
  "typeUnknown", // answered by 2.0.1 only; elsewhere it is ignored
  "idNotString",
  "idEmpty",
  "idTooLong",
  "wrongArity",
  "payloadMissing",
  "actionNotString",
  "payloadNotObject",
  "errorCodeNotString",
] as const;
export type MalformedReason = (typeof malformedReasons)[number];

/** Why a frame is ignored without an answer: a closed set, fit for a metric's label. */
export const ignoredReasons = ["emptyFrame", "typeUnknown"] as const;
export type IgnoredReason = (typeof ignoredReasons)[number];

/** Arguments or results. Always an object: `null`, the other notation for "no payload" (OCPP-J §4.1.5), reads as `{}`. */
export type Payload = Readonly<Record<string, unknown>>;

/** A frame with an action and a payload: CALL, or SEND (2.1 only), which is never answered (2.1 §4.2.4). */
export interface Request {
  readonly kind: "call" | "send";
  readonly id: MessageId;
  /** As written, not empty; whether it is known is for the router (`actions`): without a route for all it answers NotImplemented. */
  readonly action: string;
  readonly payload: Payload;
  /**
   * The payload's JSON text, cut out of the frame, not serialised again: numbers keep their digits, deep nesting
   * cannot overflow the stack, and it costs no more than finding two commas. `{}` where the station wrote `null`.
   */
  readonly payloadJson: string;
}

/** CALLRESULT: the answer to a CALL of ours. */
export interface Result {
  readonly kind: "result";
  readonly id: MessageId;
  readonly payload: Payload;
  /** See `Request.payloadJson`. */
  readonly payloadJson: string;
}

/** CALLERROR: refuses a CALL of ours. CALLRESULTERROR (2.1 only): the station could not use a CALLRESULT of ours. */
export interface Refusal {
  readonly kind: "error" | "resultError";
  /** "-1": the station could not read the id of what it refuses. */
  readonly id: MessageId;
  /** As written: `faultOfCode` reads it. */
  readonly code: string;
  /** "" where it is missing or no string. */
  readonly description: string;
  /** `{}` where it is missing. */
  readonly details: unknown;
}

/** A frame that its version does not allow. The socket stays. */
export interface Malformed {
  readonly kind: "malformed";
  readonly reason: MalformedReason;
  /**
   * The whole frame to send back: a CALLERROR, or in 2.1 a CALLRESULTERROR to a bad CALLRESULT. `undefined`: say
   * nothing, because an answer that is answered makes a loop, and SEND is never answered.
   */
  readonly reply: string | undefined;
  /**
   * The id of the CALL of ours that this frame meant to answer: that CALL is over, answered unusably, so do not let
   * its caller wait for the timeout. `undefined` where the frame answers nothing, or nobody can tell what.
   */
  readonly answers: MessageId | undefined;
}

/** A frame that the specification says to ignore, or an empty one, which some vendors send as a sign of life. */
export interface Ignored {
  readonly kind: "ignored";
  readonly reason: IgnoredReason;
}

/** What a received text frame is. */
export type Decoded = Request | Result | Refusal | Malformed | Ignored;
