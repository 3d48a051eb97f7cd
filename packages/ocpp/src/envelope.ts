// Finds parts of a frame's text without parsing it again. Pure.

import type { MessageId } from "./frame.ts";

/**
 * The text of the last element of a frame that JSON.parse has accepted and that holds a number, then
 * `leadingStrings` strings, then that element. Only in such a text are the commas where this looks for them: the
 * first follows the number, each next one the closing quote of a string, and the last `]` closes the frame.
 */
export function lastElementText(frame: string, leadingStrings: 1 | 2): string {
  let at = frame.indexOf(",") + 1;
  for (let skipped = 0; skipped < leadingStrings; skipped += 1) {
    at = frame.indexOf(",", closingQuote(frame, frame.indexOf('"', at))) + 1;
  }
  return frame.slice(at, frame.lastIndexOf("]")).trim(); // only JSON's own white space can stand around it
}

// The first quote after `opening` that an even number of backslashes precedes.
function closingQuote(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

/** What can be read of a corrupt frame: each part is absent where it cannot be. */
export interface Salvaged {
  readonly type: number | undefined;
  readonly id: MessageId | undefined;
}

// A frame's head: `[`, a type number, and, where it is whole, an id in quotes with a comma after it. Bounded, and
// applied to a bounded prefix, so a hostile frame costs no more than a long one.
const head = /^[ \t\r\n]*\[[ \t\r\n]*(\d{1,3})[ \t\r\n]*,[ \t\r\n]*(?:("(?:[^"\\]|\\.){0,255}")[ \t\r\n]*,)?/;
const headLength = 1024;

/**
 * Reads type and id of a frame that is not JSON, most often one that was cut off. "-1" is only for a frame of which
 * "*also* the MessageId cannot be read" (OCPP-J 2.0.1 §4.2.3): with its id the station need not wait for its timeout.
 */
export function salvage(corrupt: string): Salvaged {
  const match = head.exec(corrupt.slice(0, headLength));
  if (match === null) return { type: undefined, id: undefined };
  return { type: Number(match[1]), id: match[2] === undefined ? undefined : unquoted(match[2]) };
}

function unquoted(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
