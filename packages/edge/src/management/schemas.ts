// The shapes of the management API: what validates requests, types the handlers and becomes the OpenAPI document. Data.

import { Type } from "typebox";
import { problems, type ProblemName } from "./problems.ts";

/** Least `timeoutMs` of a command, ms: less is no time for a round trip over a mobile network. */
export const minTimeoutMs = 100;
/** Longest action name: OCPP's longest has 33 letters; DataTransfer vendors are not actions. */
export const maxActionLength = 64;
/** Most sessions of one page. */
export const maxPageSize = 1000;
/** Sessions of a page when the caller does not say. */
export const defaultPageSize = 100;

/** Path of one charge point. It is read from the raw URL (identity.ts of @cpg/ocpp), this only documents it. */
export const identityParams = Type.Object({
  id: Type.String({ description: "Identity of the charge point, percent-encoded once." }),
});

/** Query of the list. */
export const pageQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: maxPageSize, description: `Default ${defaultPageSize}.` }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: "`cursor` of the page before." }),
    ),
  },
  { additionalProperties: false },
);

/** Body of a command. */
export function commandBody(timeouts: { readonly defaultMs: number; readonly maxMs: number }) {
  return Type.Object(
    {
      action: Type.String({
        minLength: 1,
        maxLength: maxActionLength,
        description: "OCPP action, e.g. `Reset`.",
      }),
      payload: Type.Record(Type.String(), Type.Unknown(), { description: "Payload of the CALL." }),
      timeoutMs: Type.Optional(
        Type.Integer({
          minimum: minTimeoutMs,
          maximum: timeouts.maxMs,
          description: `How long to wait for the charge point's answer, ms. Default ${timeouts.defaultMs}.`,
        }),
      ),
    },
    { additionalProperties: false },
  );
}

const ownership = Type.Union([Type.Literal("verified"), Type.Literal("unverified")], {
  description:
    "`unverified`: the registry could not confirm that this is the charge point's newest connection.",
});

/** The charge point's answer to a command: a CALLRESULT or a CALLERROR. */
export const commandAnswer = Type.Union([
  Type.Object({
    status: Type.Literal("answered"),
    payload: Type.Unknown({ description: "Payload of the CALLRESULT." }),
    ownership,
    edge: Type.String({ description: "Edge that holds the connection." }),
  }),
  Type.Object({
    status: Type.Literal("rejected"),
    error: Type.Object({ code: Type.String(), description: Type.String(), details: Type.Unknown() }),
    ownership,
    edge: Type.String(),
  }),
]);

/** One session. */
export const sessionShape = Type.Object({
  id: Type.String(),
  version: Type.String({ description: "OCPP version: 1.6, 2.0.1 or 2.1." }),
  edge: Type.String({ description: "Edge that holds the connection." }),
  connection: Type.String({ description: "Id of the connection; another one after each reconnect." }),
  epoch: Type.Optional(
    Type.Integer({ description: "Number of the grant; absent until the registry gave it." }),
  ),
  connectedAt: Type.String({ format: "date-time" }),
  remote: Type.String({ description: "Peer address, for people." }),
  ownership,
});

/** One page of sessions. */
export const sessionPage = Type.Object({
  chargePoints: Type.Array(sessionShape),
  cursor: Type.Optional(Type.String({ description: "Absent on the last page." })),
});

function ageMs(description: string) {
  return Type.Union([Type.Integer(), Type.Null()], { description: `${description} ms; null: never yet.` });
}

/** The edges this one knows of. */
export const edgeList = Type.Object({
  edge: Type.String({ description: "The edge that answers." }),
  edges: Type.Array(
    Type.Object({
      name: Type.String(),
      incarnation: Type.String({ description: "One life of the edge's lease." }),
      sessions: Type.Integer(),
      draining: Type.Boolean(),
      leaseAgeMs: ageMs("Since the last renewal that the answering edge saw."),
    }),
  ),
});

/** Answer of /healthz. */
export const aliveShape = Type.Object({ status: Type.Literal("alive"), uptimeSeconds: Type.Number() });

/** Answer of /readyz, with 200 and with 503. */
export const readyShape = Type.Object({
  ready: Type.Boolean(),
  problems: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() })),
  sessions: Type.Integer(),
  maxSessions: Type.Integer(),
  registry: Type.Object({
    leaseValid: Type.Boolean(),
    leaseAgeMs: ageMs("Since the last renewal that was confirmed."),
    lastHeardMs: ageMs("Since a Redis node last did what it was asked."),
    channelAlive: Type.Boolean(),
    owed: Type.Integer(),
    openCircuits: Type.Array(Type.String()),
  }),
});

const problemShape = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    delivery: Type.Optional(
      Type.Union([Type.Literal("notSent"), Type.Literal("sent"), Type.Literal("unknown")]),
    ),
    ownership: Type.Optional(Type.Union([Type.Literal("verified"), Type.Literal("unverified")])),
  },
  { description: "RFC 9457" },
);

/**
 * Responses of these problems, by status, for the OpenAPI document. All of an operation's in one call: of two, a status
 * of the second would replace the first's.
 */
export function problemResponses(...names: readonly ProblemName[]): Record<number, object> {
  const byStatus: Record<number, ProblemName[]> = {};
  for (const name of names) (byStatus[problems[name].status] ??= []).push(name);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, sharing]) => [
      status,
      {
        description: sharing.map((name) => `${name}: ${problems[name].title}.`).join(" "),
        content: { "application/problem+json": { schema: problemShape } },
      },
    ]),
  );
}
