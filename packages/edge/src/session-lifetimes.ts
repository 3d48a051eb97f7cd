// From an open socket to its end, seen by the registry and the backend: claim, supersede, release, $connect, $disconnect.
//
// V1. A socket that closes is released exactly once, unless the registry forgot it first or never took it.
// V2. The newest socket wins here at once: the older one of this edge is closed without waiting for Redis. The claim
//     goes out before the older is closed, so the row changes hands and is never absent between the two.
// V3. `$connect` and `$disconnect` are best effort: one attempt, nobody waits, its integration counts a loss. The lifecycle stream
//     is the truth. Of a session whose claim was refused at once neither is told: it never was one.
// V4. `$connect` is told with the epoch: when it is granted, or after `epochWaitMs` without one (Redis is away), or when the session ends.

import { subprotocolOf } from "@cpg/ocpp";
import type { EndCause, Epoch, Ownership, Time, Timer } from "@cpg/session-registry";
import type { Tracing } from "@cpg/telemetry";
import { closeTable, type EndLabel } from "./close-codes.ts";
import type { ContestedIdentities } from "./contested-identities.ts";
import type { Departures } from "./departures.ts";
import type { CallAnswer, InboundCall, Station } from "./integration.ts";
import type { Instruments } from "./instruments.ts";
import type { Router } from "./router.ts";
import { Session, type SessionContext, type SessionFacts } from "./session.ts";
import type { SessionLog } from "./session-log.ts";
import type { Sessions } from "./sessions.ts";
import { beginCallSpan, endCallSpan } from "./spans.ts";
import type { Socket } from "./socket-port.ts";

/** What the lifetimes of sessions need. */
export interface LifetimePorts {
  readonly sessions: Sessions<Session>;
  readonly ownership: Pick<Ownership<Session>, "claim" | "release">;
  readonly router: Router;
  readonly departures: Departures;
  readonly instruments: Instruments;
  readonly tracing: Tracing;
  readonly time: Pick<Time, "after">;
  readonly log: Pick<SessionLog, "opened" | "ended"> | undefined;
  readonly contests: ContestedIdentities | undefined;
  readonly onBug: (error: unknown) => void;
}

// A claim in a storm takes 0.2 s; a second without an answer is an outage (V4).
const epochWaitMs = 1_000;

/** Begins and ends sessions. */
export class SessionLifetimes {
  readonly #ports: LifetimePorts;
  /** Those whose `$connect` waits for its epoch (V4). */
  readonly #untold = new Map<Session, Timer>();
  #telling = 0;
  #onAllTold: (() => void) | undefined;

  constructor(ports: LifetimePorts) {
    this.#ports = ports;
  }

  /** The upgrade is done. */
  begin(context: SessionContext, socket: Socket, facts: SessionFacts): Session {
    const { sessions, ownership, instruments, time, log } = this.#ports;
    const session = new Session(context, socket, facts);
    instruments.opened(session.version);
    log?.opened(session);
    const older = sessions.add(session);
    const admission = ownership.claim(session);
    older?.close("superseded"); // V2
    if (admission.kind === "refused") {
      session.isReleaseOwed = false; // V1
      session.close("notRegistered");
      return session;
    }
    if (this.#ports.router.lifecycle(session.version, "$connect") !== undefined)
      this.#untold.set(
        session,
        time.after(epochWaitMs, () => this.#tellConnect(session)),
      );
    return session;
  }

  /** OwnedSessions.granted */
  granted(session: Session, epoch: Epoch): void {
    session.epoch = epoch;
    this.#tellConnect(session);
  }

  /** The socket is gone. */
  end(session: Session, label: EndLabel, code: number): void {
    const { sessions, ownership, instruments, log, contests } = this.#ports;
    sessions.remove(session);
    instruments.ended(label, code);
    log?.ended(session, label, code);
    if (label === "superseded") contests?.superseded(session);
    if (session.isReleaseOwed) {
      session.isReleaseOwed = false; // V1
      ownership.release(session, endCauseOf(label));
    }
    if (label === "notRegistered") return; // V3
    this.#tellConnect(session);
    this.#tell("$disconnect", session, { cause: label });
  }

  /** OwnedSessions.superseded */
  superseded(session: Session): void {
    session.isReleaseOwed = false; // V1
    session.close("superseded");
  }

  /** Settles when nothing is being told: every `$connect` and `$disconnect` so far has arrived or failed. */
  allTold(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#telling === 0) resolve();
      else this.#onAllTold = resolve;
    });
  }

  // V4
  #tellConnect(session: Session): void {
    const waiting = this.#untold.get(session);
    if (waiting === undefined) return;
    waiting.cancel();
    this.#untold.delete(session);
    this.#tell("$connect", session, { remote: session.remote });
  }

  // V3
  #tell(
    event: "$connect" | "$disconnect",
    session: Session,
    payload: Readonly<Record<string, string>>,
  ): void {
    const { router, departures, tracing, onBug } = this.#ports;
    const route = router.lifecycle(session.version, event);
    if (route === undefined) return;
    const call: InboundCall = {
      callId: `${session.connection}:${event.slice(1)}`,
      messageId: "",
      action: event,
      payloadJson: JSON.stringify({ ...payload, subprotocol: subprotocolOf(session.version) }),
      station: stationOf(session),
      patience: "once",
      waitedMs: 0,
      span: tracing.samples() ? beginCallSpan(tracing, session, event, "") : undefined,
    };
    const told = (answer: CallAnswer): void => {
      if (call.span !== undefined) endCallSpan(call.span, answer, false);
    };
    const ended = (): void => {
      this.#telling -= 1;
      if (this.#telling === 0) this.#onAllTold?.();
    };
    const come = (waitedMs: number): void => {
      const serving = async (): Promise<CallAnswer> => route.serve({ ...call, waitedMs }); // async: one that throws is over, too
      serving().then(told).catch(onBug).finally(ended); // how it ended, the integration counts
    };
    const over = (answer: CallAnswer): void => {
      told(answer);
      ended();
    };
    this.#telling += 1;
    departures.add(() => {
      if (route.turns?.mustWait === true) route.turns.wait("events", { come, over });
      else come(0);
    });
  }
}

function endCauseOf(label: EndLabel): EndCause {
  return label === "peer" || label === "lost" || label === "invalidUtf8"
    ? "closed"
    : closeTable[label].endCause;
}

// The epoch of the moment: a session that is gone is no longer granted anything.
function stationOf({ identity, key, version, connection, epoch, remote }: Station): Station {
  return { identity, key, version, connection, epoch, remote };
}
