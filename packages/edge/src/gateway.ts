// The whole process as one value: telemetry, registry, edge, commands, management. No process globals.
//
//   config → files (routes, credentials) → telemetry → registry → routes → edge ⇄ commands → management
//
// Y1. What a person wrote wrongly is told before anything is opened, all of it at once (StartError).
// Y2. What was opened is closed again in the opposite order, also when a later step fails.
// Y3. Management answers to the end of the drain: /readyz says that the edge drains, /v1 still works for others. Then new commands are
//     refused (503 `stopping`), and those that are open at other edges have what is left of `drain.deadlineMs`.
// Y4. Closing has one end for all parts, `closingMs` after the drain, whatever hangs: with the second for `$disconnect`s that is what
//     `drain.deadlineMs` leaves of the 30 s that Kubernetes waits.

import { randomUUID } from "node:crypto";
import type { GatewayConfig } from "@cpg/config";
import type { Random, Time } from "@cpg/session-registry";
import { startTelemetry, type Telemetry } from "@cpg/telemetry";
import { authenticateBy, authenticateNobody, type Authenticate } from "./authentication.ts";
import { allStreams, buildRoutes, type BuiltRoutes } from "./build-routes.ts";
import { createCommandRouter, type CommandRouter } from "./commands/command-router.ts";
import { within } from "./within.ts";
import { defaultCommandLimits, otherApiConnections, type CommandLimits } from "./commands/limits.ts";
import { commandMeter } from "./command-metrics.ts";
import { watchContests } from "./contested-identities.ts";
import { openCredentialsFile } from "./credentials-file.ts";
import { tooFewDescriptors } from "./descriptors.ts";
import { startEdge, type DrainEnd, type RunningEdge } from "./edge.ts";
import { createInstruments } from "./edge-instruments.ts";
import { observeReadiness, tellSettled } from "./gateway-metrics.ts";
import { judgeHealth, type HealthFacts } from "./health.ts";
import { systemIds } from "./ids.ts";
import { openStreamLog } from "./integrations/open-stream-log.ts";
import type { StreamLog } from "./integrations/stream-log.ts";
import { whyNotListening } from "./listening.ts";
import { measureLoopDelay } from "./loop-delay.ts";
import { createManagement, type ManagementOptions } from "./management/management.ts";
import { readNamedFiles } from "./named-files.ts";
import { createProblemLog } from "./problem-log.ts";
import { logReadiness } from "./readiness-log.ts";
import { isElected } from "./redis-node-metrics.ts";
import { createRegistry, watchNodes } from "./registry.ts";
import type { RoutePlan } from "./routes-file.ts";
import type { Session } from "./session.ts";
import { createSessionLog } from "./session-log.ts";
import { observeSessions } from "./session-metrics.ts";
import { Sessions } from "./sessions.ts";
import { streamsOf, timedStreamLog, watchStreams } from "./stream-metrics.ts";

/** Something a person has to mend before the gateway can start: one line for each. */
export class StartError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
    this.problems = problems;
  }
}

/** A running gateway. */
export interface Gateway {
  readonly telemetry: Telemetry;
  readonly edge: RunningEdge;
  readonly managementPort: number;
  /** DESIGN §5: leaves in order, then stops. Never rejects. */
  drain(): Promise<DrainEnd>;
  /** Ends a drain at once, or stops without one. Never rejects. */
  stop(): Promise<void>;
}

/** The clocks and chances of the process. */
export interface GatewayPorts {
  readonly time: Time;
  readonly random: Random;
  /** What NODE_EXTRA_CA_CERTS says: Node has read it, and only warned if it cannot be used. */
  readonly extraCaFile?: string | undefined;
  /** How many descriptors this process may open; unless given, enough. */
  readonly descriptors?: number | undefined;
  /** In place of what the settings describe; the bench measures against one that counts nothing. */
  readonly openTelemetry?: (config: GatewayConfig) => Promise<Telemetry>;
}

// What closing may take once nothing is left to wait for, ms: all of it, and the least that each part has when others took all of it (Y4).
const closingMs = 4_000;
const leastMs = 200;
// Of that, what open requests of the management API have, and what the registry has to give the lease back, ms.
const requestsMs = 1_000;
const releaseMs = 2_000;

/** Closes one part; within the time that is left, ms. */
type Closer = (leftMs: number) => unknown;

/** Starts everything. Errors: StartError. */
export async function startGateway(given: GatewayConfig, ports: GatewayPorts): Promise<Gateway> {
  const files = readNamedFiles(given, ports.extraCaFile);
  if (files.kind === "invalid") throw new StartError(files.problems); // Y1
  const tooFew = tooFewDescriptors(given.listen.maxConnections, ports.descriptors);
  const { maxConnections } = tooFew ?? given.listen;
  const config = { ...given, listen: { ...given.listen, maxConnections } };
  const closers: Closer[] = [];
  const closeAll = async (): Promise<void> => {
    const endAtMs = ports.time.monotonicMs() + closingMs;
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      const [closer, leftMs] = [close, Math.max(leastMs, endAtMs - ports.time.monotonicMs())]; // Y4
      await within(ports.time, leftMs, async () => closer(leftMs)); // Y2
    }
  };
  try {
    const telemetry = await (ports.openTelemetry ?? openTelemetry)(config);
    closers.push(() => telemetry.shutdown());
    if (tooFew !== undefined)
      telemetry.logger.warn({ descriptors: ports.descriptors, maxConnections }, tooFew.says);
    return await assemble({ config, ports, plan: files.routes, telemetry, closers, closeAll });
  } catch (error) {
    await closeAll();
    if (error instanceof StartError) throw error;
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
}

interface Assembly {
  readonly config: GatewayConfig;
  readonly ports: GatewayPorts;
  readonly plan: readonly RoutePlan[];
  readonly telemetry: Telemetry;
  readonly closers: Closer[];
  readonly closeAll: () => Promise<void>;
}

async function assemble(assembly: Assembly): Promise<Gateway> {
  const { config, ports, telemetry, closers, closeAll } = assembly;
  const { logger } = telemetry;
  const authenticate = openAuthentication(assembly);
  tellSettled(telemetry, config, assembly.plan);
  const { ownership } = createRegistry(config, telemetry, ports);
  const routes = openRoutes(assembly);
  closers.push(() => routes.close());
  const sessions = new Sessions<Session>();
  const commands = openCommands(assembly, { ownership, sessions });
  const sessionLog = createSessionLog(logger, ports.time, config.listen.path);
  const edge = await startEdge({
    settings: config,
    ownership,
    authenticate,
    router: routes.router,
    ...ports,
    ids: systemIds,
    logger,
    instruments: createInstruments(telemetry),
    tracing: telemetry.tracing,
    sessionLog,
    contests: watchContests(logger, telemetry, ports.time),
    sessions,
    onPeerMessage: (message, ageMs) => commands.onPeerMessage(message, ageMs),
  });
  closers.push((leftMs) => edge.stop(Math.min(releaseMs, leftMs)));
  watchRedis(assembly, { edge, ownership, streamLog: routes.streamLog });
  const health = watchHealth(assembly, { edge, ownership, sessions, commands });
  const managementPort = await openManagement(assembly, { commands, ownership, health, sessionLog });
  logger.info(
    { port: edge.listenPort, managementPort, metrics: telemetry.metricsUrl },
    "charge points are served",
  );
  let draining: Promise<DrainEnd> | undefined;
  const leave = async (): Promise<DrainEnd> => {
    const deadlineAtMs = ports.time.monotonicMs() + config.drain.deadlineMs;
    const end = await edge.drain();
    await commands.stop(deadlineAtMs - ports.time.monotonicMs()); // Y3
    await closeAll();
    return end;
  };
  return {
    telemetry,
    edge,
    managementPort,
    drain: () => (draining ??= leave()),
    async stop() {
      edge.hurry();
      void commands.stop(0);
      await (draining ?? closeAll());
    },
  };
}

async function openTelemetry({ edge, telemetry, metrics }: GatewayConfig): Promise<Telemetry> {
  const { serviceName, logLevel, otlpEndpoint, tracesSampleRatio } = telemetry;
  const { enabled, host, port } = metrics;
  try {
    return await startTelemetry({
      serviceName,
      edge: edge.name,
      logLevel,
      metrics: enabled ? { host, port } : undefined,
      otlpEndpoint,
      tracesSampleRatio,
    });
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new StartError([whyNotListening("metrics", host, port, error)], { cause: error });
  }
}

function openAuthentication({ config, ports, telemetry, closers }: Assembly): Authenticate {
  const { mode, file } = config.auth;
  if (mode === "none" || file === undefined) {
    telemetry.logger.warn(
      "AUTHENTICATION IS OFF (auth.mode none): every charge point that says its name is let in",
    );
    return authenticateNobody;
  }
  const credentials = openCredentialsFile(file, ports.time, telemetry.logger);
  closers.push(() => credentials.close());
  telemetry.observe("auth_file_charge_points", () => [{ value: credentials.count() }]);
  telemetry.observe("auth_file_usable", () => [{ value: credentials.isUsable() ? 1 : 0 }]);
  return authenticateBy(() => credentials.current());
}

interface OpenRoutes extends BuiltRoutes {
  /** The streams' own way to Redis; undefined while no route goes to one. */
  readonly streamLog: StreamLog | undefined;
}

function openRoutes({ config, ports, plan, telemetry }: Assembly): OpenRoutes {
  const { logger } = telemetry;
  let streamLog: StreamLog | undefined;
  if (config.routes.file === undefined) {
    logger.warn("no routes.file: Heartbeat is answered here, every other action is NotImplemented");
  } else if (plan.length === 0) {
    logger.warn("routes.file has no routes: every action is NotImplemented");
  }
  const problems = createProblemLog(logger, ports.time);
  const built = buildRoutes(plan, config, {
    ...ports,
    ids: systemIds,
    instruments: createInstruments(telemetry),
    problems,
    openStreamLog() {
      const log = openStreamLog(config, {
        time: ports.time,
        random: ports.random,
        onProblem: (error) => problems.failed(allStreams, error),
      });
      return (streamLog = timedStreamLog(log, telemetry, ports.time));
    },
  });
  return { ...built, close: () => built.close(), streamLog };
}

/** What is told about Redis: its nodes by one edge of all, a stream by each that has a route to it. */
function watchRedis(
  { config, ports, plan, telemetry, closers }: Assembly,
  { edge, ownership, streamLog }: Pick<Live, "edge" | "ownership"> & Pick<OpenRoutes, "streamLog">,
): void {
  const { name } = config.edge;
  const isWatcher = (): boolean => isElected({ name, isDraining: edge.isDraining }, ownership.edges());
  closers.push(watchNodes(config, telemetry, { time: ports.time, isWatcher }));
  if (streamLog === undefined) return;
  const stop = watchStreams(streamsOf(plan, config.routes.stream.maxLength), {
    time: ports.time,
    meter: telemetry,
    keyPrefix: config.redis.keyPrefix,
    redisNodesMs: config.telemetry.redisNodesMs,
    length: (stream) => streamLog.length(stream),
  });
  closers.push(stop);
}

function openCommands(
  { config, ports, telemetry, closers }: Assembly,
  { ownership, sessions }: Pick<Parameters<typeof createCommandRouter>[0], "ownership" | "sessions">,
): CommandRouter {
  const commands = createCommandRouter({
    edge: config.edge.name,
    ownership,
    sessions,
    time: ports.time,
    meter: commandMeter(telemetry),
    tracing: telemetry.tracing,
    newId: randomUUID,
    limits: limitsOf(config),
  });
  telemetry.observe("commands_pending", () => [{ value: commands.pending }]);
  closers.push(() => commands.stop(0));
  return commands;
}

function limitsOf({ management }: GatewayConfig): CommandLimits {
  return { ...defaultCommandLimits, maxPending: management.maxPendingCommands };
}

interface Live {
  readonly edge: RunningEdge;
  readonly ownership: Parameters<typeof createCommandRouter>[0]["ownership"];
  readonly sessions: Sessions<Session>;
  readonly commands: CommandRouter;
}

function watchHealth({ config, ports, telemetry, closers }: Assembly, live: Live): () => HealthFacts {
  const { edge, ownership, sessions } = live;
  const loop = measureLoopDelay(ports.time);
  closers.push(() => loop.close());
  const health = (): HealthFacts => ({
    ownership: ownership.health(),
    isDraining: edge.isDraining,
    sessions: sessions.size,
    maxSessions: config.listen.maxConnections,
    loopDelayMs: loop.currentMs(),
  });
  const readiness = logReadiness(() => judgeHealth(health()), telemetry.logger, ports.time);
  closers.push(() => readiness.cancel());
  observeReadiness(
    telemetry,
    () => judgeHealth(health()),
    () => edge.isDraining,
  );
  observeSessions(telemetry, sessions, ports.time);
  return health;
}

async function openManagement(
  { config, ports, telemetry, closers }: Assembly,
  {
    commands,
    ownership,
    health,
    sessionLog,
  }: Pick<Live, "commands" | "ownership"> & Pick<ManagementOptions, "health" | "sessionLog">,
): Promise<number> {
  const { host, port, token, maxPendingCommands, maxBodyBytes } = config.management;
  const { maxTimeoutMs } = defaultCommandLimits;
  const management = createManagement({
    host,
    port,
    token,
    edge: config.edge.name,
    router: commands,
    ownership,
    health,
    timeouts: { defaultMs: Math.min(config.ocpp.callTimeoutMs, maxTimeoutMs), maxMs: maxTimeoutMs },
    maxConnections: maxPendingCommands + otherApiConnections,
    maxBodyBytes,
    time: ports.time,
    tracing: telemetry.tracing,
    log: telemetry.logger,
    sessionLog,
  });
  const started = await management.start();
  closers.push((leftMs) => management.stop(Math.min(requestsMs, leftMs)));
  return started.port;
}
