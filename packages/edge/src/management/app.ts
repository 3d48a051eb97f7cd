// The management API's HTTP server without its routes: parsing, authorization, and every error in the one shape.
//
// A1. Every answer that is not a success is a row of problems.ts, whoever found the fault: route, validator, router or
//     Node's HTTP server (raw-answers.ts).
// A2. Only the health endpoints answer without the token; a path that does not exist does not.
// A3. Unknown fields are refused, never dropped: a mistyped `timeoutMs` must not become the default.
// A4. A request means the same in either form of its target, `/path` and `http://host/path`.
// A5. A body is only read and written again, never merged into anything: JSON.parse makes own properties of all names.

import type { IncomingMessage } from "node:http";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from "fastify";
import { readTraceparent } from "@cpg/telemetry";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { bearerCheck } from "./bearer.ts";
import { explainFaults } from "./faults.ts";
import { HttpProblem, problemAnswer, type ProblemExtras, type ProblemName } from "./problems.ts";
import { answerOddRequests, answerParserError } from "./raw-answers.ts";
import { strictValidator } from "./strict-validator.ts";

/** The Fastify instance that routes are added to. */
export type ManagementApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Where faults of the gateway itself are told; pino fits. */
export interface ManagementLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What the server needs. */
export interface AppOptions {
  /** Without one, everybody who reaches the port may command charge points. */
  readonly token: string | undefined;
  readonly maxBodyBytes: number;
  /** How long a request may take to arrive whole, ms; 30 s unless given. */
  readonly requestTimeoutMs?: number | undefined;
  readonly log: ManagementLog;
}

/** Paths that answer without the token (A2). */
export const openPaths: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

// A request must have arrived whole after this long: slow ones hold a socket each.
const defaultRequestTimeoutMs = 30_000;
// Node looks for late requests from time to time only, by itself every 30 s: they are found after 31 s at most.
const looksPerTimeout = 30;
// Fastify's own 72 s would let connections that nobody uses any more keep others out.
const keepAliveMs = 10_000;
// Fastify refuses longer path parameters as "not found"; the identity's own check says what is wrong. Node's 16 KB of
// headers bound it.
const maxParamLength = 16_384;

/** Makes the server; the caller adds routes and listens. */
export function createApp(options: AppOptions): ManagementApp {
  const { requestTimeoutMs = defaultRequestTimeoutMs } = options;
  const isAuthorized = bearerCheck(options.token);
  const isAllowed = ({ url, headers }: IncomingMessage): boolean =>
    openPaths.has(pathOf(url)) || isAuthorized(headers.authorization); // A2
  const app = Fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    http: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs, // Node's own 60 s would hold for a request of which headers are missing
      connectionsCheckingInterval: requestTimeoutMs / looksPerTimeout,
      requireHostHeader: false, // the hook below does; Node's own refusal is an empty 400
    },
    return503OnClosing: false, // requests that arrive while it closes are answered in the API's own words
    forceCloseConnections: "idle",
    keepAliveTimeout: keepAliveMs,
    routerOptions: { maxParamLength },
    clientErrorHandler: answerParserError,
    // No hook runs before these.
    frameworkErrors: (error, { raw }, reply) =>
      void sendProblem(reply, ...problemOf(isAllowed(raw) ? error : new HttpProblem("unauthorized"))),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(strictValidator); // A3
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  acceptOnlyJson(app);
  letGoWhenClosing(app);
  answerOddRequests(app.server, isAllowed);

  app.addHook("onRequest", ({ raw }, _reply, done) => {
    const isHostMissing = raw.headers.host === undefined && raw.httpVersion === "1.1";
    if (!isAllowed(raw)) done(new HttpProblem("unauthorized"));
    else if (isHostMissing) done(new HttpProblem("invalid-request", { detail: noHost }));
    else done();
  });
  answerFaults(app, options.log);
  return app;
}

// A1, of what has come as far as a route, or would have.
function answerFaults(app: ManagementApp, log: ManagementLog): void {
  app.setNotFoundHandler(async () => {
    throw new HttpProblem("not-found");
  });
  app.setErrorHandler<FastifyError | HttpProblem>((error, request, reply) => {
    const [name, extras] = problemOf(error);
    if (name === "internal") {
      const fields = { err: error, method: request.method, route: request.routeOptions.url };
      log.error({ ...fields, ...tracedFields(reply) }, "request failed");
    }
    return sendProblem(reply, name, extras);
  });
}

/** The ids of the trace that the caller is told of, for the log. */
function tracedFields(reply: FastifyReply): object {
  const told = reply.getHeader("traceresponse");
  const read = typeof told === "string" ? readTraceparent(told) : undefined;
  return read === undefined ? {} : { trace_id: read.traceId, span_id: read.spanId };
}

// What the router takes off before it looks for a route: here and there it must be the same, or a request is judged by
// one path and carried out by another. Every server must accept this form (RFC 9112 §3.2.2).
const origin = /^https?:\/\/[^/?#]+/i;

/** The path of a request's URL, as it came: not decoded, without the query, and without `http://host` (A4). */
export function pathOf(url: string | undefined): string {
  return (url ?? "").replace(origin, "").split("?", 1)[0] ?? "";
}

// Nothing but JSON: a browser's form can send text/plain to any address without asking first. Nothing at all counts as
// JSON: clients that put a Content-Type on every request, also on DELETE, are right enough.
function acceptOnlyJson(app: ManagementApp): void {
  // A5: `__proto__` and `constructor` are names like any other, and a vendor's data may hold them.
  const parse = app.getDefaultJsonParser("ignore", "ignore");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>("application/json", { parseAs: "string" }, (request, body, done) => {
    if (body === "") done(null, undefined);
    else void parse(request, body, done);
  });
}

// A connection that is kept alive after its last answer would hold up the end of a closing server.
function letGoWhenClosing(app: ManagementApp): void {
  let isClosing = false;
  app.addHook("preClose", async () => {
    isClosing = true;
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    if (isClosing) reply.header("connection", "close");
    done();
  });
}

function sendProblem(reply: FastifyReply, name: ProblemName, extras: ProblemExtras): FastifyReply {
  const answer = problemAnswer(name, extras);
  return reply.code(answer.status).headers(answer.headers).serializer(String).send(answer.body);
}

const noHost = "A request of HTTP/1.1 needs the header Host (RFC 9112 §3.2).";
// Of a whole URL in the request line the router wants a host, too.
const badUrl =
  "The path holds a % without two hexadecimal digits or escapes that are not UTF-8, or the URL's host is none.";

// A1. Fastify's errors are recognised by their codes, here only.
function problemOf(error: FastifyError | HttpProblem): [ProblemName, ProblemExtras] {
  if (error instanceof HttpProblem) return [error.problem, error.extras];
  if (error.validation !== undefined) {
    return ["invalid-request", { detail: explainFaults(error.validationContext, error.validation) }];
  }
  switch (error.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return ["body-too-large", {}];
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return ["unsupported-media-type", {}];
    case "FST_ERR_BAD_URL":
      return ["invalid-request", { detail: badUrl }];
    default:
      if (error.statusCode === undefined || error.statusCode >= 500) return ["internal", {}];
      return ["invalid-request", { detail: `The request cannot be read: ${error.message}.` }];
  }
}
