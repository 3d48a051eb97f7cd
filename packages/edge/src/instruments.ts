// What the up path counts, as the smallest interface it needs, and the one that counts nothing. Pure.
//
// Labels are closed sets, so that handles can be resolved once: nothing here is looked up by attributes per message.

import type { IgnoredReason, MalformedReason, OcppVersion } from "@cpg/ocpp";
import type { EndLabel } from "./close-codes.ts";
import type { RefusalReason } from "./upgrade.ts";

/** A counter with one label of a closed set. */
export interface Tally<L extends string> {
  inc(label: L): void;
}

/** How a CALL of a charge point ended, as it is counted. */
export type ServedAs =
  | "result"
  | "fault" // CALLERROR of ours
  | "callError" // CALLERROR of the backend's
  | "noRoute"
  | "repeated" // answered from memory, or already in line
  | "unanswered"; // the socket was gone, or a SEND

/** How one attempt at a backend ended, as it is counted. */
export type AttemptEnd =
  | "ok"
  | "refused" // answered 4xx: the backend's decision
  | "busy" // routes.http.maxConcurrent reached
  | "circuitOpen"
  | "unreachable"
  | "timeout"
  | "status" // 3xx, 5xx, and 4xx that mean "later"
  | "notJson"
  | "tooLarge"
  | "full" // the stream is at its maximum length
  | "unconfirmed"; // no replica confirmed in time

/** The counters of one route. */
export interface RouteInstruments {
  served(as: ServedAs, seconds: number): void;
}

/** Everything the up path counts. */
export interface Instruments {
  readonly accepted: Tally<OcppVersion>;
  readonly refused: Tally<RefusalReason>;
  readonly ended: Tally<EndLabel>;
  readonly malformed: Tally<MalformedReason | "binary">;
  readonly ignored: Tally<IgnoredReason>;
  /** Frames of the peer that answer nothing of ours, CALLRESULTERRORs among them. */
  readonly unexpectedAnswers: { inc(): void };
  /** CALLs that were in line, unserved, when their socket went. */
  readonly unserved: { add(count: number): void };
  /** `route` is a name of the routes file, or `none`. */
  route(route: string): RouteInstruments;
  /** One attempt of an integration called `integration` in the routes file. */
  attempt(integration: string): Tally<AttemptEnd>;
  /** `$connect` and `$disconnect` that their backend did not take. */
  readonly lifecycleLost: { inc(): void };
}

const nothing = (): void => undefined;

/** Counts nothing. */
export const noInstruments: Instruments = {
  accepted: { inc: nothing },
  refused: { inc: nothing },
  ended: { inc: nothing },
  malformed: { inc: nothing },
  ignored: { inc: nothing },
  unexpectedAnswers: { inc: nothing },
  unserved: { add: nothing },
  route: () => ({ served: nothing }),
  attempt: () => ({ inc: nothing }),
  lifecycleLost: { inc: nothing },
};
