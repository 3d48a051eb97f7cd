// The management API of one edge: builds the server, listens, and closes it in order. See ../../API.md.
//
// M1. It answers only when all its routes are there, and says in one sentence why it cannot listen.
// M2. Stopping lets open requests end until the deadline, then cuts them off; it always ends.

import swagger from "@fastify/swagger";
import type { Ownership, Time } from "@cpg/session-registry";
import type { Tracing } from "@cpg/telemetry";
import type { CommandRouter } from "../commands/command-router.ts";
import { within } from "../within.ts";
import type { HealthFacts } from "../health.ts";
import type { SessionLog } from "../session-log.ts";
import { whyNotListening } from "../listening.ts";
import { createApp, type ManagementApp, type ManagementLog } from "./app.ts";
import { addChargePointRoutes } from "./charge-point-routes.ts";
import { addEdgeRoutes } from "./edge-routes.ts";

/** What the management API needs. */
export interface ManagementOptions {
  /** `management.host`; loopback unless told otherwise. */
  readonly host?: string;
  /** `management.port`; 0 takes a free one. */
  readonly port: number;
  /** `management.token`; undefined: no authorization. */
  readonly token: string | undefined;
  /** Name of this edge. */
  readonly edge: string;
  readonly router: Pick<CommandRouter, "command" | "close" | "find">;
  readonly ownership: Pick<Ownership, "list" | "edges">;
  readonly health: () => HealthFacts;
  /** `ocpp.callTimeoutMs`, and the longest `timeoutMs` that a caller may ask for (CommandLimits.maxTimeoutMs). */
  readonly timeouts: { readonly defaultMs: number; readonly maxMs: number };
  /** Connections at most. Each open command holds one: above `management.maxPendingCommands`. */
  readonly maxConnections: number;
  /** Largest body, bytes. */
  readonly maxBodyBytes?: number;
  /** How long a request may take to arrive whole, ms; 30 s unless given. */
  readonly requestTimeoutMs?: number;
  readonly time: Time;
  /** Off unless given. */
  readonly tracing?: Tracing;
  readonly log: ManagementLog;
  /** What is told of each command; nothing unless given. */
  readonly sessionLog?: Pick<SessionLog, "commanded" | "closed"> | undefined;
}

/** The management API of one edge. */
export interface Management {
  /** Listens. Rejects with one clear sentence when it cannot, e.g. when the port is in use. Once. */
  start(): Promise<{ readonly port: number }>;
  /** Accepts no more, lets open requests end for `deadlineMs`, then cuts them off. Never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

const loopback = "127.0.0.1";
// OCPP messages of 64 KB and more must pass (FACTS §7); a payload is wrapped in a little JSON.
const defaultMaxBodyBytes = 1_048_576;

/** Makes the management API; nothing listens yet. */
export function createManagement(options: ManagementOptions): Management {
  const { maxBodyBytes = defaultMaxBodyBytes, host = loopback, port, log } = options;
  const { token, requestTimeoutMs } = options;
  const app = createApp({ token, maxBodyBytes, requestTimeoutMs, log });

  return {
    async start() {
      await addRoutes(app, { ...options, maxBodyBytes }); // M1
      app.server.maxConnections = options.maxConnections;
      // Who is turned away comes again, and then finds the place of one that only kept its connection: /healthz above all must be answered.
      app.server.on("drop", () => app.server.closeIdleConnections());
      try {
        await app.listen({ host, port });
      } catch (error) {
        await app.close();
        throw new Error(whyNotListening("management", host, port, error), { cause: error });
      }
      const address = app.server.address();
      return { port: typeof address === "object" && address !== null ? address.port : port };
    },
    async stop(deadlineMs) {
      const closing = app.close();
      const closed = await within(options.time, deadlineMs, () => closing);
      if (closed.kind === "value") return;
      app.server.closeAllConnections(); // M2
      await within(options.time, lastWordsMs, () => closing);
    },
  };
}

// What closing may take once no connection is left.
const lastWordsMs = 1000;

async function addRoutes(
  app: ManagementApp,
  options: ManagementOptions & { readonly maxBodyBytes: number },
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Charge Point Gateway: management API",
        description: "Any edge answers for every charge point. Errors are RFC 9457 problems.",
        version: "1",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: options.token === undefined ? [] : [{ bearer: [] }],
    },
  });
  addChargePointRoutes(app, options);
  addEdgeRoutes(app, options);
  await app.ready();
}
