// What the log says of one charge point and of one command, at level debug: who was refused, came and went, who commanded what.
//
// D1. There is none unless that level is on, which is asked once: callers say `log?.…(…)`, so at `info` nothing is made, not even arguments.
// D2. Neither payloads nor credentials, nor a path: it may hold what somebody took for one. An identity stands here only if it is one.

import type { Identity, OcppVersion } from "@cpg/ocpp";
import type { ConnectionId, Time } from "@cpg/session-registry";
import type { Span } from "@cpg/telemetry";
import type { EndLabel } from "./close-codes.ts";
import type { CloseOutcome, CommandOutcome } from "./commands/outcomes.ts";
import { identityIn, segmentOf } from "./identity-path.ts";
import type { RefusalReason } from "./instruments.ts";
import type { UpgradeRequest } from "./socket-port.ts";

/** The part of pino that is used. */
export interface SessionLogger {
  isLevelEnabled(level: "debug"): boolean;
  debug(fields: object, message: string): void;
}

/** What is told of a session. */
export interface ToldSession {
  readonly identity: Identity;
  readonly version: OcppVersion;
  readonly connection: ConnectionId;
  readonly remote: string;
  /** Time.monotonicMs() when its credentials were accepted. */
  readonly authenticatedAtMs: number;
}

/** What is told of a request to the management API; `caller`: whose address it came from. */
export interface ToldRequest {
  readonly caller: string;
  readonly identity: Identity;
  readonly span?: Span | undefined;
}

/** The log of one edge. */
export interface SessionLog {
  refused(reason: RefusalReason, request: Pick<UpgradeRequest, "path" | "remote">): void;
  opened(session: ToldSession): void;
  /** `code`: of the close frame, 1006 where there was none. */
  ended(session: ToldSession, cause: EndLabel, code: number): void;
  commanded(request: ToldRequest & { readonly action: string }, outcome: CommandOutcome): void;
  /** `DELETE …/connection`. */
  closed(request: ToldRequest, outcome: CloseOutcome): void;
}

/** Undefined where nobody would read it (D1). `path`: before the identity, with its slashes. */
export function createSessionLog(
  logger: SessionLogger,
  time: Pick<Time, "monotonicMs">,
  path: string,
): SessionLog | undefined {
  if (!logger.isLevelEnabled("debug")) return undefined;
  return {
    refused(reason, request) {
      const { remote } = request;
      logger.debug({ reason, remote, ...whoseIs(request.path, path) }, "charge point refused");
    },
    opened({ identity, version, connection, remote }) {
      logger.debug({ identity, version, connection, remote }, "session opened");
    },
    ended({ identity, connection, authenticatedAtMs }, cause, code) {
      const seconds = (time.monotonicMs() - authenticatedAtMs) / 1000;
      logger.debug({ identity, connection, cause, code, seconds }, "session ended");
    },
    commanded({ action, ...request }, outcome) {
      logger.debug({ ...asked(request), action, ...ending(outcome) }, "command ended");
    },
    closed(request, outcome) {
      logger.debug({ ...asked(request), ...ending(outcome) }, "close by the management API ended");
    },
  };
}

/** D2. The identity, or what is wrong with it; nothing where the path is not that of charge points. */
function whoseIs(path: string, base: string): object {
  const segment = segmentOf(path, base);
  if (segment === undefined) return {};
  const parsed = identityIn(segment);
  return parsed.ok ? { identity: parsed.identity } : { fault: parsed.fault };
}

function asked({ caller, identity, span }: ToldRequest): object {
  return { identity, caller, ...span?.logFields };
}

/** `owner`: the edge that holds the socket; `edge` is in each line, and is the one that was asked. */
function ending(outcome: CommandOutcome | CloseOutcome): object {
  switch (outcome.kind) {
    case "answered":
    case "rejected":
      return { outcome: outcome.kind, owner: outcome.edge };
    case "noAnswer":
      return { outcome: outcome.kind, delivery: outcome.delivery };
    case "closed":
    case "offline":
    case "lineFull":
    case "edgeBusy":
    case "registryAway":
    case "leaving":
    case "stopping":
    default:
      return { outcome: outcome.kind };
  }
}
