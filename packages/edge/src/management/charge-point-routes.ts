// /v1/charge-points: who is connected, commands, closing a connection. Only translates; the router decides.

import { parseIdentity, type Identity } from "@cpg/ocpp";
import { RegistryError, type Ownership, type SessionRow, type Time } from "@cpg/session-registry";
import { noTracing, type Span, type Tracing } from "@cpg/telemetry";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import type { CommandRouter } from "../commands/command-router.ts";
import { identityFaults } from "../identity-faults.ts";
import { within } from "../within.ts";
import { retryAfterOf } from "../commands/locate.ts";
import type { CommandOutcome, Verification } from "../commands/outcomes.ts";
import { hasInfinity, isTooDeep, maxJsonDepth } from "../rewritable-json.ts";
import type { SessionLog } from "../session-log.ts";
import type { LiveSession } from "../session-port.ts";
import { acceptCommandSpan, tracedCommand } from "../spans.ts";
import { pathOf, type ManagementApp } from "./app.ts";
import { HttpProblem, type ProblemName } from "./problems.ts";
import {
  commandAnswer,
  commandBody,
  defaultPageSize,
  identityParams,
  pageQuery,
  problemResponses,
  sessionPage,
  sessionShape,
} from "./schemas.ts";

/** What these routes need. */
export interface ChargePointPorts {
  /** Name of this edge. */
  readonly edge: string;
  readonly router: Pick<CommandRouter, "command" | "close" | "find">;
  readonly ownership: Pick<Ownership, "list">;
  readonly time: Time;
  /** Of a request, and so of a command. */
  readonly maxBodyBytes: number;
  /** Off unless given. */
  readonly tracing?: Tracing;
  readonly sessionLog?: Pick<SessionLog, "commanded" | "closed"> | undefined;
  /** `ocpp.callTimeoutMs`, and the longest that a caller may ask for. */
  readonly timeouts: { readonly defaultMs: number; readonly maxMs: number };
}

// A page touches every partition in turn: longer than one call, shorter than a caller's patience.
const listMs = 10_000;

// How requests about one charge point can fail.
const findProblems: readonly ProblemName[] = [
  "invalid-request",
  "invalid-identity",
  "unauthorized",
  "offline",
  "registry-away",
];
const closeProblems: readonly ProblemName[] = [
  ...findProblems,
  "body-too-large",
  "unsupported-media-type",
  "edge-busy",
  "stopping",
  "no-answer",
];
const commandProblems: readonly ProblemName[] = [...closeProblems, "line-full", "leaving"];

/** Adds the routes. */
export function addChargePointRoutes(app: ManagementApp, ports: ChargePointPorts): void {
  addFind(app, ports);
  addList(app, ports);
  addCommand(app, ports);
  addClose(app, ports);
}

function addFind(app: ManagementApp, ports: ChargePointPorts): void {
  const schema = {
    operationId: "getChargePoint",
    summary: "One charge point's session",
    params: identityParams,
    response: {
      200: sessionShape,
      ...problemResponses(...findProblems),
    },
  };
  app.route({
    method: "GET",
    url: "/v1/charge-points/:id",
    schema,
    handler: async (request) => {
      const identity = identityOf(request);
      const found = await ports.router.find(identity);
      switch (found.kind) {
        case "here":
          return ownSession(found.session, found.ownership, ports.edge);
        case "there":
          return rowSession(found.row);
        case "registryAway":
          throw new HttpProblem("registry-away", { retryAfterMs: found.retryAfterMs });
        case "offline":
        default:
          throw new HttpProblem("offline");
      }
    },
  });
}

function addList(app: ManagementApp, ports: ChargePointPorts): void {
  const schema = {
    operationId: "listChargePoints",
    summary: "The sessions of all edges, in pages",
    description: "In no order, as Redis SCAN: who stays connected meanwhile is listed at least once.",
    querystring: pageQuery,
    response: {
      200: sessionPage,
      ...problemResponses("invalid-request", "invalid-cursor", "unauthorized", "registry-away"),
    },
  };
  app.route({
    method: "GET",
    url: "/v1/charge-points",
    schema,
    handler: async (request) => {
      const { limit = defaultPageSize, cursor } = request.query;
      const listed = await within(ports.time, listMs, () => ports.ownership.list(limit, cursor));
      if (listed.kind === "value") {
        const { sessions, cursor: next } = listed.value;
        return { chargePoints: sessions.map(rowSession), ...(next === undefined ? {} : { cursor: next }) };
      }
      const error = listed.kind === "error" ? listed.error : undefined;
      if (error instanceof RegistryError && error.code === "INVALID") throw new HttpProblem("invalid-cursor");
      if (error !== undefined && !(error instanceof RegistryError)) {
        throw new Error("the registry broke its contract in list", { cause: error });
      }
      throw new HttpProblem("registry-away", { retryAfterMs: retryAfterOf(error) });
    },
  });
}

function addCommand(app: ManagementApp, ports: ChargePointPorts): void {
  const { tracing = noTracing } = ports;
  const schema = {
    operationId: "sendCommand",
    summary: "Send a CALL to a charge point and wait for its answer",
    params: identityParams,
    body: commandBody(ports.timeouts),
    response: {
      200: commandAnswer,
      ...problemResponses(...commandProblems),
    },
  };
  app.route({
    method: "POST",
    url: "/v1/charge-points/:id/commands",
    schema,
    handler: async (request, reply) => {
      refuseIdempotencyKey(request);
      const identity = identityOf(request);
      const { action, payload, timeoutMs = ports.timeouts.defaultMs } = request.body;
      if (isTooDeep(payload)) throw new HttpProblem("invalid-request", { detail: tooDeep });
      const payloadJson = JSON.stringify(payload);
      if (payloadJson.includes("null") && hasInfinity(payload))
        throw new HttpProblem("invalid-request", { detail: tooGreat });
      // Numbers are written anew, and may take more than they did: 1e20 becomes 21 digits.
      if (Buffer.byteLength(payloadJson) > ports.maxBodyBytes) throw new HttpProblem("body-too-large");
      const span = acceptCommandSpan(tracing, traceparentOf(request), identity, action);
      tellTrace(reply, span);
      const command = { identity, action, payloadJson, timeoutMs, span };
      const outcome = await tracedCommand(span, () => ports.router.command(command));
      ports.sessionLog?.commanded({ caller: request.ip, identity, action, span }, outcome);
      return answerOf(outcome);
    },
  });
}

function traceparentOf({ headers }: FastifyRequest): string | undefined {
  const { traceparent } = headers;
  return typeof traceparent === "string" ? traceparent : undefined;
}

// W3C Trace Context Level 2 §4: how a caller that began no trace learns which one it is in.
function tellTrace(reply: FastifyReply, span: Span | undefined): void {
  if (span !== undefined) reply.header("traceresponse", span.traceparent);
}

const tooGreat = "body.payload must not hold numbers that a double cannot: they would arrive as null.";
const tooDeep = `body.payload must not nest deeper than ${String(maxJsonDepth)} levels.`;

function addClose(app: ManagementApp, ports: ChargePointPorts): void {
  const schema = {
    operationId: "closeConnection",
    summary: "Close a charge point's connection",
    description: "It may connect again at once.",
    params: identityParams,
    response: {
      204: { description: "Closed.", type: "null" },
      ...problemResponses(...closeProblems),
    },
  };
  app.route({
    method: "DELETE",
    url: "/v1/charge-points/:id/connection",
    schema,
    handler: async (request, reply) => {
      const identity = identityOf(request);
      const outcome = await ports.router.close(identity);
      ports.sessionLog?.closed({ caller: request.ip, identity }, outcome);
      if (outcome.kind !== "closed") throw problemOfOutcome(outcome);
      return reply.code(204).send();
    },
  });
}

function answerOf(outcome: CommandOutcome): Static<typeof commandAnswer> {
  if (outcome.kind === "answered") {
    const { payload, ownership, edge } = outcome;
    return { status: "answered", payload, ownership, edge };
  }
  if (outcome.kind === "rejected") {
    const { code, description, details, ownership, edge } = outcome;
    return { status: "rejected", error: { code, description, details }, ownership, edge };
  }
  throw problemOfOutcome(outcome);
}

function problemOfOutcome(outcome: Exclude<CommandOutcome, { kind: "answered" | "rejected" }>): HttpProblem {
  switch (outcome.kind) {
    case "offline":
      return new HttpProblem("offline");
    case "noAnswer":
      return new HttpProblem("no-answer", {
        members: {
          delivery: outcome.delivery,
          ...(outcome.ownership === undefined ? {} : { ownership: outcome.ownership }),
        },
      });
    case "lineFull":
      return new HttpProblem("line-full", { retryAfterMs: outcome.retryAfterMs });
    case "edgeBusy":
      return new HttpProblem("edge-busy", { retryAfterMs: outcome.retryAfterMs });
    case "registryAway":
      return new HttpProblem("registry-away", { retryAfterMs: outcome.retryAfterMs });
    case "leaving":
      return new HttpProblem("leaving", { retryAfterMs: outcome.retryAfterMs });
    case "stopping":
    default:
      return new HttpProblem("stopping", { retryAfterMs: outcome.retryAfterMs });
  }
}

// From the raw URL, so that it is decoded once and by the same rule as the charge point's own URL (FACTS §7).
function identityOf(request: FastifyRequest): Identity {
  const segment = pathOf(request.raw.url).split("/")[3] ?? "";
  const parsed = parseIdentity(segment);
  if (parsed.ok) return parsed.identity;
  throw new HttpProblem("invalid-identity", { detail: identityFaults[parsed.fault] });
}

// Ignoring it would promise what nobody keeps: this edge could remember its own requests, but a repetition reaches any
// edge, or this one after a restart (API.md, "Repeating a command").
function refuseIdempotencyKey(request: FastifyRequest): void {
  if (request.headers["idempotency-key"] === undefined) return;
  throw new HttpProblem("invalid-request", {
    detail:
      "Idempotency-Key is not supported: leave it out, and repeat a command only after `delivery: notSent`.",
  });
}

function ownSession(
  session: LiveSession,
  ownership: Verification,
  edge: string,
): Static<typeof sessionShape> {
  const { identity: id, version, connection, epoch, remote } = session;
  const connectedAt = new Date(session.connectedAtMs).toISOString();
  const base = { id, version, edge, connection, connectedAt, remote, ownership };
  return epoch === undefined ? base : { ...base, epoch };
}

function rowSession(row: SessionRow): Static<typeof sessionShape> {
  const { identity: id, version, edge, connection, epoch, remote } = row;
  const connectedAt = new Date(row.stampUs / 1000).toISOString();
  return { id, version, edge, connection, epoch, connectedAt, remote, ownership: "verified" };
}
