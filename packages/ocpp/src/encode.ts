// Writes frames. Pure.
// N1. Payloads are JSON text already: they are placed, not parsed, checked or serialised again. The caller vouches for it.
// N2. Ids and words are escaped where they must be, and cost one pass over a few characters where they need not.

import { codeForVersion, type ErrorCode } from "./errors.ts";
import type { MessageId } from "./frame.ts";
import type { OcppVersion } from "./version.ts";

/** Longest errorDescription, in UTF-16 units (OCPP-J 2.0.1 §4.2.3: string[255]); 1.6 sets none, and gets the same. */
export const maxDescriptionLength = 255;

/** `[2,id,action,payload]`. `payloadJson` is one JSON object as text (N1). */
export function encodeCall(id: MessageId, action: string, payloadJson: string): string {
  return `[2,${quoted(id)},${quoted(action)},${payloadJson}]`;
}

/** `[3,id,payload]`. `payloadJson` is one JSON object as text (N1). */
export function encodeCallResult(id: MessageId, payloadJson: string): string {
  return `[3,${quoted(id)},${payloadJson}]`;
}

/**
 * `[4,id,code,description,details]`, all five always (OCPP-J §4.2.3). The code is put into the spelling of `version`
 * (1.6 has FormationViolation), the description is cut at 255 characters; `detailsJson` is one JSON object as text.
 */
// oxlint-disable-next-line eslint/max-params -- the frame's own fields, in its order, on the hottest path: no object
export function encodeCallError(
  id: MessageId,
  code: ErrorCode,
  description: string,
  version: OcppVersion,
  detailsJson = "{}",
): string {
  return encodeRefusal(
    4,
    id,
    `${quoted(codeForVersion(code, version))},${quoted(cut(description))},${detailsJson}`,
  );
}

/** `[5,id,code,description,{}]`: tells a 2.1 station that its CALLRESULT could not be used (2.1 §4.2.3). */
export function encodeCallResultError(id: MessageId, code: ErrorCode, description: string): string {
  return encodeRefusal(5, id, `${quoted(codeForVersion(code, "2.1"))},${quoted(cut(description))},{}`);
}

function encodeRefusal(type: 4 | 5, id: MessageId, rest: string): string {
  return `[${type},${quoted(id)},${rest}]`;
}

// Cuts between characters: half a surrogate pair would be an escape that some parsers refuse.
function cut(description: string): string {
  if (description.length <= maxDescriptionLength) return description;
  const last = description.charCodeAt(maxDescriptionLength - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return description.slice(0, splitsPair ? maxDescriptionLength - 1 : maxDescriptionLength);
}

// N2. JSON.stringify escapes lone surrogates too, so every string makes well-formed UTF-8.
function quoted(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}
