// Composition of one edge's up path. No process globals: several edges can live in one process.
//
//   uws → upgrade → session-lifetimes → session → inbound-calls → router → departures → integration → outbox → socket

import type { GatewayConfig } from "@cpg/config";
import type { Ownership, PeerMessage, Random, Time } from "@cpg/session-registry";
import { noTracing, type Span, type Tracing } from "@cpg/telemetry";
import { createAdmission } from "./admission.ts";
import type { Authenticate } from "./authentication.ts";
import type { ContestedIdentities } from "./contested-identities.ts";
import { Departures } from "./departures.ts";
import { Drain } from "./drain.ts";
import type { Ids } from "./ids.ts";
import { noInstruments, type Instruments } from "./instruments.ts";
import { LeftBehind } from "./left-behind.ts";
import { Lingering, placesFor, tickMs, type LingeringPorts } from "./lingering.ts";
import type { Router } from "./router.ts";
import type { Session, SessionContext } from "./session.ts";
import { SessionLifetimes } from "./session-lifetimes.ts";
import type { SessionLog } from "./session-log.ts";
import type { SessionTable } from "./session-port.ts";
import { Sessions } from "./sessions.ts";
import type { Listener } from "./socket-port.ts";
import { createUpgrade } from "./upgrade.ts";
import { listen, type BorderHandlers } from "./uws.ts";

/** The settings that the up path reads. */
export type EdgeSettings = Pick<GatewayConfig, "listen" | "ocpp" | "drain"> & {
  readonly routes: Pick<GatewayConfig["routes"], "gatherMs">;
};

/** What one edge is made of. */
export interface EdgeParts {
  readonly settings: EdgeSettings;
  readonly ownership: Ownership<Session>;
  readonly authenticate: Authenticate;
  readonly router: Router;
  readonly time: Time;
  readonly random: Random;
  readonly ids: Ids;
  readonly logger: EdgeLogger;
  readonly instruments?: Instruments;
  readonly tracing?: Tracing;
  /** What is told of each charge point; nothing unless given. */
  readonly sessionLog?: SessionLog | undefined;
  /** Told of each session that was superseded; nobody unless given. */
  readonly contests?: ContestedIdentities;
  /** Give one to build what needs the sessions (the command router) before the edge starts. */
  readonly sessions?: Sessions<Session>;
  /** What came out of this edge's inboxes: the command router's `onPeerMessage`. */
  readonly onPeerMessage?: (message: PeerMessage, ageMs: number) => void;
}

/** The part of pino that is used. */
export interface EdgeLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A started edge. */
export interface RunningEdge {
  readonly sessions: SessionTable;
  /** The port charge points connect to. */
  readonly listenPort: number;
  readonly isDraining: boolean;
  /**
   * DESIGN §5, SIGTERM: ends when every socket is gone and released, or at `drain.deadlineMs`; then `$disconnect`s that are on their way have a
   * second. May be called again.
   */
  drain(): Promise<DrainEnd>;
  /** Makes now the deadline of a drain that runs or will run. */
  hurry(): void;
  /** Ends at once what is left: sockets (without a close frame) and the lease, for which the registry has `releaseMs`. */
  stop(releaseMs?: number): Promise<void>;
}

/** How a drain went. */
export interface DrainEnd {
  /** Sockets that were closed in order. */
  readonly closed: number;
  /** Sockets that were still busy at the deadline and were closed all the same. */
  readonly forced: number;
}

// Answers are remembered for two call timeouts: a station that gave up after one and tries again is still recognised.
const rememberedCallTimeouts = 2;
// How long the registry may take to give the lease back when nothing else is left to do, ms.
const usualReleaseMs = 5_000;

/** Starts an edge: the registry first, then the port. Errors: the port cannot be had. */
export async function startEdge(parts: EdgeParts): Promise<RunningEdge> {
  const { settings, ownership, router } = parts;
  const sessions = parts.sessions ?? new Sessions<Session>();
  const wiring = wiringOf(parts);
  const { instruments, onBug, time } = wiring;
  const lifetimes = new SessionLifetimes({ sessions, ownership, router, ...wiring });
  const context = sessionContext(parts, { ...wiring, lifetimes });
  let isDraining = false;
  const drains = (): boolean => isDraining;
  const { maxConnections } = settings.listen;
  const lingering = lingeringOf({ maxConnections, connections: () => sessions.size, isDraining: drains });
  await ownership.start({
    granted: (session, epoch) => lifetimes.granted(session, epoch),
    superseded: (session) => lifetimes.superseded(session),
    message: (message, ageMs) => parts.onPeerMessage?.(message, ageMs),
  });
  const decide = createUpgrade({
    ...pickUpgrade(settings),
    authenticate: parts.authenticate,
    admission: createAdmission({
      ownership,
      connections: () => sessions.size + lingering.lent,
      isDraining: drains,
      maxConnections,
    }),
    time,
    ids: parts.ids,
    instruments,
    log: parts.sessionLog,
    begin: (socket, facts) => lifetimes.begin(context, socket, facts),
  });
  const listener = await openPort(parts, lingering, { decide, onBug, instruments });
  const drain = new Drain({ ...settings.drain, ...wiring, sessions, listener, ownership, lifetimes });
  return {
    sessions,
    listenPort: listener.port,
    get isDraining() {
      return isDraining;
    },
    drain() {
      isDraining = true;
      return drain.run();
    },
    hurry: () => drain.hurry(),
    async stop(releaseMs = usualReleaseMs) {
      isDraining = true;
      drain.hurry();
      listener.close();
      await ownership.stop(releaseMs);
    },
  };
}

function lingeringOf(ports: Omit<LingeringPorts, "places">): Lingering {
  return new Lingering({ ...ports, places: placesFor(ports.maxConnections) });
}

async function openPort(
  parts: EdgeParts,
  lingering: Lingering,
  { decide, onBug, instruments }: Pick<BorderHandlers, "decide" | "onBug"> & Pick<Wiring, "instruments">,
): Promise<Listener> {
  const { listen: l, ocpp } = parts.settings;
  const handlers: BorderHandlers = {
    decide,
    onBug,
    onRefused: (reason) => instruments.refused(reason),
    onHandshake: (seconds) => instruments.handshake(seconds),
    log: parts.sessionLog,
    time: parts.time,
  };
  try {
    const port = await listen({ ...l, lingering, maxOutboxBytes: ocpp.maxOutboxBytes }, handlers);
    const ticking = parts.time.every(tickMs, () => lingering.tick());
    return {
      ...port,
      close() {
        ticking.cancel();
        port.close();
      },
    };
  } catch (error) {
    await parts.ownership.stop(0);
    throw error;
  }
}

function pickUpgrade({ listen: l, ocpp }: EdgeSettings): {
  path: string;
  retryAfterSeconds: number;
  versions: EdgeSettings["ocpp"]["versions"];
  noSubprotocol: EdgeSettings["ocpp"]["noSubprotocol"];
} {
  const { path, retryAfterSeconds } = l;
  return { path, retryAfterSeconds, versions: ocpp.versions, noSubprotocol: ocpp.noSubprotocol };
}

/** What the parts of an edge share. */
interface Wiring {
  readonly departures: Departures;
  readonly leftBehind: LeftBehind;
  readonly instruments: Instruments;
  readonly tracing: Tracing;
  readonly onBug: SessionContext["onBug"];
  readonly log: EdgeParts["sessionLog"];
  readonly contests: EdgeParts["contests"];
  readonly logger: EdgeLogger;
  readonly time: Time;
}

function wiringOf(parts: EdgeParts): Wiring {
  const { settings, logger, time, instruments = noInstruments, tracing = noTracing, contests } = parts;
  const onBug = (error: unknown, span?: Span): void =>
    logger.error({ err: error, ...span?.logFields }, "a handler failed: this is a bug");
  const departures = new Departures(settings.routes.gatherMs, time, onBug);
  const leftBehind = new LeftBehind(settings.ocpp.maxInboundCalls);
  return {
    departures,
    leftBehind,
    instruments,
    tracing,
    onBug,
    log: parts.sessionLog,
    contests,
    logger,
    time,
  };
}

function sessionContext(
  parts: EdgeParts,
  { lifetimes, ...wiring }: Wiring & { readonly lifetimes: SessionLifetimes },
): SessionContext {
  const { ocpp } = parts.settings;
  return {
    ...wiring,
    router: parts.router,
    maxInboundCalls: ocpp.maxInboundCalls,
    reusedIdMemory: ocpp.reusedIdMemory,
    rememberMs: rememberedCallTimeouts * ocpp.callTimeoutMs,
    maxOutboxBytes: ocpp.maxOutboxBytes,
    maxQueuedCommands: ocpp.maxQueuedCommands,
    callTimeoutMs: ocpp.callTimeoutMs,
    newMessageId: () => parts.ids.message(),
    onEnded: (session, label, code) => lifetimes.end(session, label, code),
  };
}
