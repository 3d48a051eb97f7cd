// Reads a received text frame. Pure, and never throws, whatever the text.
// D1. A CALLRESULT, CALLERROR, CALLRESULTERROR or SEND is never answered with a CALLERROR: CALLERROR answers a CALL
//     (OCPP-J §4.1.3), and an answer to an answer makes a loop. 2.1 answers a bad CALLRESULT with CALLRESULTERROR
//     (§4.2.3), which nobody answers.
// D2. An unknown message type is ignored (1.6 §4.1.3, 2.1 §4.4), but for 2.0.1, whose §4.4 wants MessageTypeNotSupported.
// D3. A reply names the id of what it refuses, exactly (§4.2.3), or "-1" where that cannot be read.
// D4. What refuses a CALL of ours is read generously: however ill-worded, that CALL is over.
// The path of a good frame is JSON.parse, a handful of comparisons, and two or three searches for a quote.

import { encodeCallError, encodeCallResultError } from "./encode.ts";
import { lastElementText, salvage } from "./envelope.ts";
import { errorCode, type RpcFault } from "./errors.ts";
import {
  maxMessageIdLength,
  messageType,
  unreadableMessageId,
  type Decoded,
  type MalformedReason,
  type MessageId,
  type Payload,
} from "./frame.ts";
import type { OcppVersion } from "./version.ts";

/**
 * Reads `text`, one whole WebSocket text message, by the rules of `version`. The README lists them with their
 * paragraphs. The caller has bounded the length; every outcome but a good frame keeps the socket open.
 */
export function decodeFrame(text: string, version: OcppVersion): Decoded {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return corrupt(text, version);
  }
  if (!Array.isArray(frame)) return refuse({ reason: "notArray", version });
  const parts: readonly unknown[] = frame;
  const [type, id] = parts;
  if (typeof type !== "number") return refuse({ reason: "typeNotNumber", version, id: readableId(id) });
  if (!isKnownType(type, version)) return unknownType(id, version);
  if (typeof id !== "string") return refuse({ reason: "idNotString", version, type });
  if (id === "") return refuse({ reason: "idEmpty", version, type });
  if (isTooLong(id)) return refuse({ reason: "idTooLong", version, type, id: readableId(id) });
  return readBody(text, { parts, type, id, version });
}

// A frame whose type and id are good.
interface Head {
  readonly parts: readonly unknown[];
  readonly type: number;
  readonly id: MessageId;
  readonly version: OcppVersion;
}

function readBody(text: string, head: Head): Decoded {
  switch (head.type) {
    case messageType.call:
    case messageType.send:
      return readRequest(text, head);
    case messageType.result:
      return readResult(text, head);
    default:
      return readRefusal(head);
  }
}

function readRequest(text: string, head: Head): Decoded {
  const { parts, type, id } = head;
  const [, , action, payload] = parts;
  if (parts.length > 4 || parts.length < 3) return refuse({ reason: "wrongArity", ...head });
  if (typeof action !== "string" || action === "") return refuse({ reason: "actionNotString", ...head });
  if (parts.length === 3) return refuse({ reason: "payloadMissing", ...head });
  const kind = type === messageType.call ? "call" : "send";
  if (payload === null) return { kind, id, action, payload: {}, payloadJson: "{}" };
  if (!isObject(payload)) return refuse({ reason: "payloadNotObject", ...head });
  return { kind, id, action, payload, payloadJson: lastElementText(text, 2) };
}

function readResult(text: string, head: Head): Decoded {
  const { parts, id } = head;
  const payload = parts[2];
  if (parts.length === 2) return refuse({ reason: "payloadMissing", ...head });
  if (parts.length !== 3) return refuse({ reason: "wrongArity", ...head });
  if (payload === null) return { kind: "result", id, payload: {}, payloadJson: "{}" };
  if (!isObject(payload)) return refuse({ reason: "payloadNotObject", ...head });
  return { kind: "result", id, payload, payloadJson: lastElementText(text, 1) };
}

// D4: the code alone is enough, and what follows the details is not looked at.
function readRefusal(head: Head): Decoded {
  const [, , code, description, details] = head.parts;
  if (typeof code !== "string") return refuse({ reason: "errorCodeNotString", ...head });
  return {
    kind: head.type === messageType.error ? "error" : "resultError",
    id: head.id,
    code,
    description: typeof description === "string" ? description : "",
    details: details ?? {},
  };
}

function isKnownType(type: number, version: OcppVersion): boolean {
  if (type === messageType.call || type === messageType.result || type === messageType.error) return true;
  return version === "2.1" && (type === messageType.resultError || type === messageType.send);
}

// D2
function unknownType(id: unknown, version: OcppVersion): Decoded {
  if (version !== "2.0.1") return { kind: "ignored", reason: "typeUnknown" };
  return refuse({ reason: "typeUnknown", version, id: readableId(id) });
}

function corrupt(text: string, version: OcppVersion): Decoded {
  if (text.trim() === "") return { kind: "ignored", reason: "emptyFrame" };
  const { type, id } = salvage(text);
  return refuse({ reason: "notJson", version, type, id: readableId(id) });
}

// 36 characters, not 36 UTF-16 units: characters are counted only where an id seems too long.
function isTooLong(id: string): boolean {
  if (id.length <= maxMessageIdLength) return false;
  return id.length > 2 * maxMessageIdLength || Array.from(id).length > maxMessageIdLength;
}

// D3. An id that is too long can be read all the same, and the station that made it waits for exactly it. 255
// characters is as much as a station has to hold for the description of the same frame; beyond, it is noise.
const longestEcho = 255;

function readableId(id: unknown): MessageId | undefined {
  return typeof id === "string" && id !== "" && id.length <= longestEcho ? id : undefined;
}

function isObject(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// The words of each refusal. `wrongArity` and an id that cannot be used are no valid RPC request (2.x
// RpcFrameworkError); a missing payload is 1.6's "payload is incomplete" and 2.x's "not conform the PDU structure",
// both ProtocolError; a payload that is no object is syntactically incorrect (FormationViolation, FormatViolation).
const refusals: Readonly<Record<MalformedReason, { readonly fault: RpcFault; readonly says: string }>> = {
  notJson: { fault: "rpcFrameworkError", says: "The message is not JSON" },
  notArray: { fault: "rpcFrameworkError", says: "The message is not a JSON array" },
  typeNotNumber: { fault: "rpcFrameworkError", says: "The message type is not a number" },
  typeUnknown: { fault: "messageTypeNotSupported", says: "The message type is not supported" },
  idNotString: { fault: "rpcFrameworkError", says: "The message id is not a string" },
  idEmpty: { fault: "rpcFrameworkError", says: "The message id is empty" },
  idTooLong: { fault: "rpcFrameworkError", says: "The message id is longer than 36 characters" },
  wrongArity: { fault: "rpcFrameworkError", says: "The message has the wrong number of elements" },
  payloadMissing: { fault: "protocolError", says: "The payload is missing" },
  actionNotString: { fault: "rpcFrameworkError", says: "The action is not a string" },
  payloadNotObject: { fault: "formatViolation", says: "The payload is not a JSON object" },
  errorCodeNotString: { fault: "rpcFrameworkError", says: "The error code is not a string" },
};

interface Fault {
  readonly reason: MalformedReason;
  readonly version: OcppVersion;
  readonly type?: number | undefined;
  readonly id?: MessageId | undefined;
}

function refuse(found: Fault): Decoded {
  const { reason, type, id } = found;
  const answersOurCall = type === messageType.result || type === messageType.error;
  return { kind: "malformed", reason, reply: replyTo(found), answers: answersOurCall ? id : undefined };
}

// D1. A corrupt frame that begins like a SEND or a CALLRESULTERROR gets no answer in any version: only 2.1 stations send one.
function replyTo({ reason, version, type, id }: Fault): string | undefined {
  const { fault, says } = refusals[reason];
  const code = errorCode(fault, version);
  if (type === messageType.result) {
    return version === "2.1" && id !== undefined ? encodeCallResultError(id, code, says) : undefined;
  }
  if (type === messageType.error || type === messageType.resultError || type === messageType.send)
    return undefined;
  return encodeCallError(id ?? unreadableMessageId, code, says, version);
}
