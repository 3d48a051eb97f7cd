// What a route hands a CALL to, and what comes back. Types only.

import type { ErrorCode, Identity, IdentityKey, OcppVersion, RpcFault } from "@cpg/ocpp";
import type { ConnectionId, Epoch } from "@cpg/session-registry";
import type { Span } from "@cpg/telemetry";
import type { Endable } from "./until-deadline.ts";

/** The charge point behind a CALL, as integrations tell it to backends. */
export interface Station {
  readonly identity: Identity;
  readonly key: IdentityKey;
  readonly version: OcppVersion;
  readonly connection: ConnectionId;
  /** Undefined until the registry granted it: a session is served before that (R8). */
  readonly epoch: Epoch | undefined;
  readonly remote: string;
}

/** One CALL (or SEND) of a charge point, or `$connect` / `$disconnect`. */
export interface InboundCall extends Endable {
  /** Unique for ever, the same for every attempt and for a repetition over the same connection: a backend's idempotency key. */
  readonly callId: string;
  /** As the station wrote it; `""` for `$connect` and `$disconnect`. */
  readonly messageId: string;
  readonly action: string;
  /** One JSON object as text, cut out of the frame. */
  readonly payloadJson: string;
  readonly station: Station;
  /**
   * `hold`: a transaction message, only an explicit answer of the backend ends it before the deadline.
   * `normal`: tried again until the deadline. `once`: best effort, one attempt.
   */
  readonly patience: "hold" | "normal" | "once";
  /** For how long it waited for its turn (`Route.turns`), ms: that much of its deadline is gone. */
  readonly waitedMs: number;
  /** Where it is sampled, nearly always it is not: what is done for it becomes its parts. Whoever made the call ends it. */
  readonly span: Span | undefined;
}

/** How a CALL was served. */
export type CallAnswer =
  /** One JSON object as text: the payload of the CALLRESULT. */
  | { readonly kind: "result"; readonly payloadJson: string }
  /** A CALLERROR of ours. */
  | { readonly kind: "fault"; readonly fault: RpcFault; readonly description: string }
  /** A CALLERROR that the backend asked for. */
  | {
      readonly kind: "callError";
      readonly code: ErrorCode;
      readonly description: string;
      readonly detailsJson: string;
    };

/** One route with everything that was read from the routes file bound into it. */
export interface Route {
  /** As in the routes file; the `route` label of metrics. */
  readonly name: string;
  /** `http`, `stream` or `local`. */
  readonly kind: "http" | "stream" | "local";
  /**
   * Serves a CALL within the route's deadline. Never rejects and never throws for a peer's fault. A route that can
   * answer at once returns no promise.
   */
  serve(call: InboundCall): CallAnswer | Promise<CallAnswer>;
  /** Where its CALLs wait before anything is made of them; absent: nowhere. */
  readonly turns?: RouteTurns;
}

/** The line before a route. */
export interface RouteTurns {
  /** If not, it may be served at once. */
  readonly mustWait: boolean;
  /**
   * Has `turn` told, mostly later: to serve the CALL before it returns, or that there is no turn for it. What it gives can be ended until then.
   */
  wait(line: TurnLine, turn: RouteTurn): Endable;
}

/** Those in the second go behind all in the first: `$connect` and `$disconnect`, for which no station waits. */
export type TurnLine = "calls" | "events";

/** What one who waits hears: one of both, once. */
export interface RouteTurn {
  readonly come: (waitedMs: number) => void;
  readonly over: (answer: CallAnswer) => void;
}

/** Something with connections that must be given back. */
export interface Closable {
  close(): Promise<void>;
}
