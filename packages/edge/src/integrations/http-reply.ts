// What a backend's answer means. Pure.
//
// R1. 2xx with one JSON object is the payload of the CALLRESULT; 204, or 2xx that says how long its body is, in which nothing stands, is `{}`.
//     Without a length nothing, or the half of something, may be what is left of an answer: it is asked for again, as a 422 of that kind is.
// R2. 422 with `{"code", "description"?, "details"?}` is a CALLERROR that the backend asks for.
// R3. 501, and 404 for what is no transaction message, mean that the action is unknown to the backend: NotImplemented. A 404 may mean as well that the
//     route's path is wrong, for which it is told.
// R4. Any other 4xx but 408, 425 and 429 refuses this message for good: InternalError at once. Not for a transaction
//     message: a proxy's 403 or 404 during a deployment must not cost it one of its attempts, so it is held (FACTS §7).
// R5. Everything else is the backend's failure and is tried again.
// R6. What was wrong is told in words that quote nothing of the answer but its status: they go to the log and to the station.

import { codeForVersion, type OcppVersion } from "@cpg/ocpp";
import type { CallAnswer } from "../integration.ts";
import { isTooDeep } from "../rewritable-json.ts";
import type { AttemptEnd } from "../instruments.ts";

/** An answer to its end. */
export interface HttpReply {
  readonly status: number;
  readonly body: string;
  /** It did not say how long it is (http-exchange.ts E4). */
  readonly isOpenEnded: boolean;
  /** If not, the body is not what the backend meant (E5); the status is. */
  readonly isUtf8: boolean;
}

/** What it means: an answer for the station, or a failure to be tried again and why it is one (R6). `as`: how it is counted. */
export type Meaning =
  | {
      readonly kind: "answer";
      readonly answer: CallAnswer;
      readonly as: AttemptEnd;
      /** What a person may have to mend, a token or a path for example (R3, R4). */
      readonly why?: string | undefined;
    }
  | { readonly kind: "failure"; readonly as: FailedAttempt; readonly why: string };

/** How an attempt that is to be tried again is counted. */
export type FailedAttempt = Exclude<AttemptEnd, "ok" | "callError" | "refused" | "notImplemented">;

const later: ReadonlySet<number> = new Set([408, 425, 429]);

/** Reads an answer for a CALL of `version`. */
export function meaningOf(reply: HttpReply, version: OcppVersion, isHeld: boolean): Meaning {
  const { status, body, isOpenEnded, isUtf8 } = reply;
  if (status >= 200 && status < 300) return result(reply); // R1
  if (status === 422) {
    if (!isUtf8) return flawed(status, "notUtf8");
    const asked = callError(body, version); // R2
    if (asked !== undefined) return { kind: "answer", answer: asked, as: "callError" };
    if (isOpenEnded) return flawed(status, "mayBeCutOff"); // R1
  }
  if (status === 501) return unknown();
  if (status === 404 && !isHeld) return unknown("status 404: no such action, or no such path"); // R3
  if (status >= 400 && status < 500 && !later.has(status) && !isHeld) return refused(status); // R4
  return { kind: "failure", as: "httpError", why: statusWords(status) }; // R5
}

function result({ status, body, isOpenEnded, isUtf8 }: HttpReply): Meaning {
  if (!isUtf8) return flawed(status, "notUtf8");
  const payloadJson = body.trim();
  if (payloadJson === "" && isOpenEnded) return flawed(status, "mayBeCutOff"); // R1
  if (payloadJson === "") return { kind: "answer", answer: { kind: "result", payloadJson: "{}" }, as: "ok" };
  if (objectOf(payloadJson) === undefined)
    return { kind: "failure", as: "badAnswer", why: `${statusWords(status)} without a JSON object` };
  return { kind: "answer", answer: { kind: "result", payloadJson }, as: "ok" };
}

function callError(body: string, version: OcppVersion): CallAnswer | undefined {
  const object = objectOf(body.trim()); // a BOM too
  if (object === undefined || typeof object["code"] !== "string") return undefined;
  const { code, description, details } = object;
  return {
    kind: "callError",
    code: codeForVersion(code, version),
    description: typeof description === "string" ? description : "",
    detailsJson: isObject(details) && !isTooDeep(details) ? JSON.stringify(details) : "{}",
  };
}

const flaws = {
  mayBeCutOff: "without a whole body and its length: cut off?",
  notUtf8: "with a body that is no UTF-8",
} as const;

function flawed(status: number, flaw: keyof typeof flaws): Meaning {
  return { kind: "failure", as: "badAnswer", why: `${statusWords(status)} ${flaws[flaw]}` };
}

/** R6 */
function statusWords(status: number): string {
  return `status ${String(status)}`;
}

const notImplemented: CallAnswer = {
  kind: "fault",
  fault: "notImplemented",
  description: "the backend does not know this action",
};

function unknown(why?: string): Meaning {
  return { kind: "answer", answer: notImplemented, as: "notImplemented", why };
}

function refused(status: number): Meaning {
  const description = `the backend refused the message (${String(status)})`;
  const answer: CallAnswer = { kind: "fault", fault: "internalError", description };
  return { kind: "answer", answer, as: "refused", why: statusWords(status) };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
