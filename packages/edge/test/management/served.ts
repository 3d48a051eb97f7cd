// A management API that really listens, over a router and a registry that answer as told.

import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { systemTime, type EdgeRow, type OwnershipHealth, type SessionPage } from "@cpg/session-registry";
import { vi } from "vitest";
import type { CommandRouter } from "../../src/commands/command-router.ts";
import type { HealthFacts } from "../../src/health.ts";
import { createManagement, type ManagementOptions } from "../../src/management/management.ts";

export const healthy: OwnershipHealth = {
  isLeaseValid: true,
  leaseAgeMs: 12,
  lastHeardMs: 3,
  isChannelAlive: true,
  owed: 0,
  openCircuits: [],
  problems: [],
};

export const goodFacts: HealthFacts = {
  ownership: healthy,
  isDraining: false,
  sessions: 3,
  maxSessions: 10,
  loopDelayMs: 1,
};

type Routes = Pick<CommandRouter, "command" | "close" | "find">;

/** Starts one; `stop` it. */
export async function serve(changes: Partial<ManagementOptions> = {}) {
  const router = {
    command: vi.fn<Routes["command"]>(async () => ({ kind: "offline" })),
    close: vi.fn<Routes["close"]>(async () => ({ kind: "closed" })),
    find: vi.fn<Routes["find"]>(async () => ({ kind: "offline" })),
  };
  const ownership = {
    list: vi.fn<(limit: number, cursor: string | undefined) => Promise<SessionPage>>(async () => ({
      sessions: [],
    })),
    edges: vi.fn<() => readonly EdgeRow[]>(() => []),
  };
  const facts = { now: goodFacts };
  const log = { error: vi.fn<(fields: object, message: string) => void>() };
  const management = createManagement({
    port: 0,
    token: undefined,
    edge: "edge-a",
    router,
    ownership,
    health: () => facts.now,
    timeouts: { defaultMs: 30_000, maxMs: 120_000 },
    maxConnections: 100,
    time: systemTime,
    log,
    ...changes,
  });
  const { port } = await management.start();
  const base = `http://127.0.0.1:${port}`;
  return { management, router, ownership, facts, log, port, base };
}

export type Served = Awaited<ReturnType<typeof serve>>;

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: Record<string, unknown> | undefined;
}

/** Asks, and reads the answer's JSON. */
export async function ask(served: Served, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${served.base}${path}`, init);
  const text = await response.text();
  const body = (text === "" ? undefined : JSON.parse(text)) as Record<string, unknown> | undefined;
  return { status: response.status, headers: response.headers, body };
}

/** POSTs a command. */
export function post(
  served: Served,
  body: unknown,
  options: { id?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return ask(served, `/v1/charge-points/${options.id ?? "CP1"}/commands`, {
    method: "POST",
    headers: { "content-type": "application/json", ...options.headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Writes bytes to the port and reads until the server closes. */
export function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("close", () => resolve(text)).on("error", reject);
  });
}

/** A token that nobody can have guessed. */
export const newToken = (): string => randomUUID();
