// Settings of the sides that face operators and backends: management API, metrics, routes, drain, telemetry. Data.
import { choice, flag, fraction, integer, optionalText, port, text } from "../kinds.ts";
import { isFilePath, isHost, isHttpBaseUrl } from "../shapes.ts";

/** The HTTP API through which backends command charge points. */
export const management = {
  host: text({
    default: "127.0.0.1",
    doc: "Address of the management API and the health endpoints.",
    why: "Loopback: who commands charge points is decided, not forgotten.",
    allowed: "a host name or an IP address",
    fits: isHost,
  }),
  port: port({ default: 8080, doc: "Port of the management API.", why: "The customary second HTTP port." }),
  token: optionalText({
    doc: "Bearer token of /v1. Required outside development when management.host is not loopback.",
    secret: true,
    allowed: "16 or more visible ASCII characters without blanks",
    fits: (value) => /^[!-~]{16,4096}$/.test(value),
  }),
  maxPendingCommands: integer({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: "commands",
    doc: "Commands one edge has taken and not yet answered; one more is answered 429.",
    why: "At a second a CALL, 1,000 commands a second. Each holds its caller's connection: with 128 for health, lists and closes 1,128 of the 2,000 descriptors that listen.maxConnections leaves.",
  }),
  maxBodyBytes: integer({
    default: 81_920,
    min: 1_024,
    max: 16_777_216,
    unit: "bytes",
    doc: "Largest request body of the API, and so the largest command.",
    why: "A payload of 64 KiB, which every charge point must be able to read, and what is around it; Fastify's 1 MB would overflow an outbox.",
  }),
};

/** The Prometheus scrape endpoint. */
export const metrics = {
  enabled: flag({ default: true, doc: "Serve /metrics for Prometheus." }),
  host: text({
    default: "127.0.0.1",
    doc: "Address of /metrics.",
    why: "The exporter itself would bind every interface.",
    allowed: "a host name or an IP address",
    fits: isHost,
  }),
  port: port({ default: 9464, doc: "Port of /metrics.", why: "OpenTelemetry's customary Prometheus port." }),
};

/** Which backend answers which OCPP action. */
export const routes = {
  file: optionalText({
    doc: "JSON file of routes. Absent: the local defaults.",
    allowed: "a path",
    fits: isFilePath,
  }),
  gatherMs: integer({
    default: 5,
    min: 0,
    max: 1_000,
    unit: "ms",
    doc: "In a crowd (three others within it): shortest time between two departures to backends and streams; what comes meanwhile leaves together, and its answers wait that long for each other. 0: never.",
    why: "A crowd from 600 a second on. At 2,000 ten leave together, for a sixth less CPU; a mobile network takes ten times as long.",
  }),
  http: {
    timeoutMs: integer({
      default: 25_000,
      min: 100,
      max: 600_000,
      unit: "ms",
      doc: "Deadline of a request to a backend, where its route names none.",
      why: "Below the 30 s after which a charge point gives its CALL up: an answer still arrives.",
    }),
    attemptTimeoutMs: integer({
      default: 8_000,
      min: 100,
      max: 600_000,
      unit: "ms",
      doc: "How long one attempt of such a request waits for its answer, and for a connection before; then its connection is closed and, within the deadline, it is made again.",
      why: "Three fit into the deadline; up to 8500 a backend that hangs opens the circuit, whose window is 10 s.",
    }),
    connectionsPerTarget: integer({
      default: 64,
      min: 1,
      max: 1_024,
      unit: "connections per target",
      doc: "Connections kept open to one backend.",
      why: "At 10 ms an answer, 64 carry 6,400 requests a second: more than 100,000 charge points make.",
    }),
    maxConcurrent: integer({
      default: 128,
      min: 1,
      max: 65_536,
      unit: "requests per target",
      doc: "Requests to one backend in flight or waiting for a connection; one more waits its turn.",
      why: "Two per connection: one under way, one that follows at once. What waits for its turn before that holds less than half as much memory.",
    }),
    maxResponseBytes: integer({
      default: 131_072,
      min: 1_024,
      max: 16_777_216,
      unit: "bytes",
      doc: "Largest answer of a backend; a larger one counts as a failure.",
      why: "Twice the largest message every charge point must be able to read; fits into maxOutboxBytes beside a command.",
    }),
  },
  stream: {
    maxLength: integer({
      default: 100_000,
      min: 1,
      max: 100_000_000,
      unit: "entries per stream",
      doc: "Entries of one stream after which messages are held back; nothing is trimmed.",
      why: "At 5,000 messages a second over 64 partitions: 20 minutes without a consumer, about 50 MB a partition.",
    }),
    waitReplicas: integer({
      default: 1,
      min: 0,
      max: 5,
      unit: "replicas",
      doc: "Replicas that must hold a transaction message before the charge point is answered; 0 asks none.",
      why: "A failover loses what only the master had; the reference cluster has one replica for each master.",
    }),
    waitTimeoutMs: integer({
      default: 1_000,
      min: 10,
      max: 60_000,
      unit: "ms",
      doc: "How long to wait for those replicas before trying again within the route's deadline.",
      why: "A replica in sync confirms in milliseconds; as long as any other Redis command may take.",
    }),
  },
};

/** How an edge leaves. */
export const drain = {
  deadlineMs: integer({
    default: 25_000,
    min: 0,
    max: 3_600_000,
    unit: "ms",
    doc: "How long a drain may take before the process ends anyway.",
    why: "5 s below the 30 s that Kubernetes waits between SIGTERM and SIGKILL: time to flush telemetry.",
  }),
  sliceSize: integer({
    default: 200,
    min: 1,
    max: 100_000,
    unit: "sockets",
    doc: "Sockets closed in one slice.",
    why: "200 every 100 ms is 2,000 a second, the pace at which the other edges claim them.",
  }),
  sliceIntervalMs: integer({
    default: 100,
    min: 1,
    max: 60_000,
    unit: "ms",
    doc: "Pause between two slices.",
    why: "With 200 a slice, 18,000 charge points have left after 9 s and do not come back in one second.",
  }),
};

/** What is told about the process. */
export const telemetry = {
  otlpEndpoint: optionalText({
    doc: "Base URL of an OTLP/HTTP collector, which then receives the metrics and traces too. Headers for it, a token for example: the variable OTEL_EXPORTER_OTLP_HEADERS.",
    allowed: "an http or https URL without user name, password, query or fragment",
    fits: isHttpBaseUrl,
  }),
  serviceName: text({
    default: "charge-point-gateway",
    doc: "OpenTelemetry's service.name, also in each line of the log.",
    allowed: "1 to 64 letters, digits, dots, hyphens or underscores",
    fits: (value) => /^[\w.-]{1,64}$/.test(value),
  }),
  logLevel: choice(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
    default: "info",
    doc: "Least level that is logged.",
  }),
  redisNodesMs: integer({
    default: 15_000,
    min: 100,
    max: 600_000,
    unit: "ms",
    orZero: "never",
    doc: "Interval at which the one edge that watches the Redis nodes asks each of them how it is, and the streams how long they are (at 0 still every 15 s: no exporter tells that). One interval for all edges.",
    why: "As often as Prometheus usually scrapes; three small commands to each node, and no scrape waits for them.",
  }),
  tracesSampleRatio: fraction({
    default: 0,
    min: 0,
    max: 1,
    unit: "ratio",
    doc: "Share of messages that are traced. A backend's own sampled traceparent is always carried on.",
    why: "Off until a collector is there to take them.",
  }),
};
