// /v1/edges, /v1/openapi.json, /healthz and /readyz.

import type { Ownership, Time } from "@cpg/session-registry";
import { judgeHealth, type HealthFacts } from "../health.ts";
import type { ManagementApp } from "./app.ts";
import { aliveShape, edgeList, problemResponses, readyShape } from "./schemas.ts";

/** What these routes need. */
export interface EdgePorts {
  /** Name of this edge. */
  readonly edge: string;
  readonly ownership: Pick<Ownership, "edges">;
  readonly time: Time;
  /** Facts for /readyz, taken at each request. */
  readonly health: () => HealthFacts;
}

/** Adds the routes. */
export function addEdgeRoutes(app: ManagementApp, ports: EdgePorts): void {
  app.get(
    "/v1/edges",
    {
      schema: {
        operationId: "listEdges",
        summary: "The edges",
        response: { 200: edgeList, ...problemResponses("unauthorized") },
      },
    },
    async () => ({
      edge: ports.edge,
      edges: ports.ownership.edges().map(({ edge, incarnation, sessions, isDraining, leaseAgeMs }) => {
        return { name: edge, incarnation, sessions, draining: isDraining, leaseAgeMs: wholeMs(leaseAgeMs) };
      }),
    }),
  );
  app.get("/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  addHealthRoutes(app, ports);
}

function addHealthRoutes(app: ManagementApp, ports: EdgePorts): void {
  const beganAtMs = ports.time.monotonicMs();
  app.get(
    "/healthz",
    {
      schema: {
        operationId: "getHealth",
        summary: "The event loop runs",
        security: [],
        response: { 200: aliveShape },
      },
    },
    async () => ({
      status: "alive" as const,
      uptimeSeconds: Math.round((ports.time.monotonicMs() - beganAtMs) / 1000),
    }),
  );
  const schema = {
    operationId: "getReadiness",
    summary: "Whether this edge should get new charge points, and why not",
    security: [],
    response: { 200: readyShape, 503: readyShape },
  };
  app.get("/readyz", { schema }, async (_request, reply) => {
    const facts = ports.health();
    const { ready, problems } = judgeHealth(facts);
    const { isLeaseValid, leaseAgeMs, lastHeardMs, isChannelAlive, owed, openCircuits } = facts.ownership;
    return reply.code(ready ? 200 : 503).send({
      ready,
      problems: [...problems],
      sessions: facts.sessions,
      maxSessions: facts.maxSessions,
      registry: {
        leaseValid: isLeaseValid,
        leaseAgeMs: wholeMs(leaseAgeMs),
        lastHeardMs: wholeMs(lastHeardMs),
        channelAlive: isChannelAlive,
        owed,
        openCircuits: [...openCircuits],
      },
    });
  });
}

// Never yet (no lease, nothing heard of) is infinitely long ago, for which JSON has no number.
function wholeMs(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms) : null;
}
