// What the up path counts, as the smallest interface it needs, and the one that counts nothing. Pure.
//
// The labels are the closed sets of @cpg/telemetry's table; edge-instruments.ts resolves their handles once, so nothing
// is looked up by attributes per message.

import type { IgnoredReason, MalformedReason, OcppVersion } from "@cpg/ocpp";
import type { EndLabel } from "./close-codes.ts";

/** As what a malformed frame is counted. `payloadTooDeep`: an answer nested so deep that it cannot be written again. */
export type MalformedAs = MalformedReason | "payloadTooDeep";

/** Why a request was refused before it became a WebSocket. */
export type RefusalReason =
  | "path" // not our endpoint
  | "method" // not GET
  | "notWebSocket" // GET without an upgrade
  | "identity" // none, or not one
  | "capacity" // listen.maxConnections, or the line for slow hashes is full
  | "draining" // draining or stopping
  | "registryAway" // registry.outagePolicy reject, or too much is owed
  | "subprotocol"
  | "unknownIdentity"
  | "credentials"
  | "aborted" // the peer left before the answer
  | "internal"; // a bug

/** How a CALL of a charge point ended. */
export type ServedAs =
  | "result"
  | "fault" // CALLERROR of ours
  | "callError" // CALLERROR that the backend asked for
  | "unanswered"; // the socket was gone

/** How one request to a backend ended. */
export type AttemptEnd =
  | "ok"
  | "callError" // the CALLERROR that the backend asked for: an answer
  | "refused" // for good, without a CALLERROR of its own: a token, a proxy
  | "notImplemented" // it does not know the action, or not the path
  | "badAnswer" // no JSON object, too large, no UTF-8, or perhaps cut off
  | "httpError"
  | "timeout"
  | "overload" // no turn while there was time for an attempt; a stream that is full; an event for a stream before which too much waits
  | "circuitOpen"
  | "unreachable";

/** Type of a frame, as it is counted. */
export type FrameType = "call" | "result" | "error" | "resultError" | "send";

/** What one integration counts. */
export interface IntegrationInstruments {
  /** `seconds` undefined: it was not sent. */
  attempt(end: AttemptEnd, seconds: number | undefined): void;
  inFlight(requests: number): void;
  waiting(messages: number): void;
  /** 0 closed, 1 half open, 2 open. */
  circuit(state: 0 | 1 | 2): void;
}

/** Everything the up path counts. Times are in seconds. */
export interface Instruments {
  opened(version: OcppVersion): void;
  refused(reason: RefusalReason): void;
  /** `code`: of the close frame, 1006 where there was none. */
  ended(label: EndLabel, code: number): void;
  handshake(seconds: number): void;
  frameIn(type: FrameType): void;
  frameOut(type: FrameType): void;
  /** `action` as the station wrote it. */
  served(version: OcppVersion, action: string, as: ServedAs): void;
  processing(seconds: number): void;
  malformed(reason: MalformedAs): void;
  /** `unmatched`: an answer that nobody waits for. */
  ignored(reason: IgnoredReason | "unmatched" | "binary"): void;
  reusedId(): void;
  /** `name` as in the routes file. */
  integration(name: string): IntegrationInstruments;
}

const nothing = (): void => undefined;

/** Counts nothing. */
export const noInstruments: Instruments = {
  opened: nothing,
  refused: nothing,
  ended: nothing,
  handshake: nothing,
  frameIn: nothing,
  frameOut: nothing,
  served: nothing,
  processing: nothing,
  malformed: nothing,
  ignored: nothing,
  reusedId: nothing,
  integration: () => ({ attempt: nothing, inFlight: nothing, waiting: nothing, circuit: nothing }),
};
