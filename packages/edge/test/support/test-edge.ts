// Starts a real edge on a free port, with the fake registry and routes made in the test.

import { loadConfig, type GatewayConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { authenticateNobody } from "../../src/authentication.ts";
import { startEdge, type EdgeParts, type EdgeSettings, type RunningEdge } from "../../src/edge.ts";
import { systemIds } from "../../src/ids.ts";
import type { CallAnswer, InboundCall, Route } from "../../src/integration.ts";
import type { Instruments } from "../../src/instruments.ts";
import type { ProblemLog } from "../../src/problem-log.ts";
import { createRouter } from "../../src/router.ts";
import { FakeOwnership } from "./fake-ownership.ts";

export function defaultConfig(): GatewayConfig {
  const loaded = loadConfig({
    argv: ["--auth-mode=none", "--edge-environment=development"],
    env: {},
    hostname: "test",
  });
  if (loaded.kind !== "config") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

/** Settings of a test: the defaults, a free port on loopback, and what differs. */
export function settingsWith(changes: {
  listen?: Partial<EdgeSettings["listen"]>;
  ocpp?: Partial<EdgeSettings["ocpp"]>;
  drain?: Partial<EdgeSettings["drain"]>;
  routes?: EdgeSettings["routes"];
}): EdgeSettings {
  const { listen, ocpp, drain, routes } = defaultConfig();
  return {
    listen: { ...listen, host: "127.0.0.1", port: 0, ...changes.listen },
    ocpp: { ...ocpp, ...changes.ocpp },
    drain: { ...drain, deadlineMs: 2_000, sliceIntervalMs: 20, ...changes.drain },
    routes: changes.routes ?? routes,
  };
}

/** Counts by `name label`, and what is in flight or waiting now. */
export class Counts implements Instruments {
  readonly #counts = new Map<string, number>();
  opened = () => this.#add("opened");
  refused = (reason: string) => this.#add(`refused ${reason}`);
  ended = (label: string, code: number) => {
    this.#add(`ended ${label}`);
    this.#add(`ended ${label} ${String(code)}`);
  };
  handshake = () => this.#add("handshake");
  frameIn = (type: string) => this.#add(`in ${type}`);
  frameOut = (type: string) => this.#add(`out ${type}`);
  served = (version: string, action: string, as: string) => this.#add(`served ${version} ${action} ${as}`);
  processing = () => this.#add("processing");
  malformed = (reason: string) => this.#add(`malformed ${reason}`);
  ignored = (reason: string) => this.#add(`ignored ${reason}`);
  reusedId = () => this.#add("reusedId");
  integration = (name: string) => ({
    attempt: (end: string, seconds: number | undefined) => {
      this.#add(`attempt ${name} ${end}`);
      if (seconds === undefined) this.#add(`not sent ${name} ${end}`);
    },
    inFlight: (requests: number) => void this.#counts.set(`in flight ${name}`, requests),
    waiting: (messages: number) => void this.#counts.set(`waiting ${name}`, messages),
    circuit: (state: number) => this.#add(`circuit ${name} ${String(state)}`),
  });
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }
  #add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }
}

/** What the log would be told of integrations: `name: words`, each once, and `name action` of those that met something. */
export class Problems implements ProblemLog {
  readonly told = new Set<string>();
  readonly by = new Set<string>();
  readonly answers = new Set<string>();
  failed = (integration: string, problem: Error | string, action?: string): void => {
    this.by.add(action === undefined ? integration : `${integration} ${action}`);
    this.told.add(`${integration}: ${typeof problem === "string" ? problem : problem.message}`);
  };
  answered = (integration: string): void => {
    this.answers.add(integration);
  };
}

/** A route that does what the test says. */
export function routeOf(
  serve: (call: InboundCall) => CallAnswer | Promise<CallAnswer>,
  kind: Route["kind"] = "http",
): Route {
  return { name: "test", kind, serve };
}

export interface TestEdge {
  readonly edge: RunningEdge;
  readonly ownership: FakeOwnership;
  readonly counts: Counts;
  /** Bugs that were logged: a test that expects none looks here. */
  readonly bugs: unknown[];
  readonly url: (identity: string) => string;
}

export async function startTestEdge(
  routes: Readonly<Record<string, Route>>,
  parts: Partial<EdgeParts> = {},
): Promise<TestEdge> {
  const ownership = new FakeOwnership();
  const counts = new Counts();
  const bugs: unknown[] = [];
  const edge = await startEdge({
    settings: settingsWith({}),
    ownership,
    authenticate: authenticateNobody,
    router: createRouter(new Map(Object.entries(routes))),
    time: systemTime,
    random: systemRandom,
    ids: systemIds,
    instruments: counts,
    logger: {
      info: () => undefined,
      warn: () => undefined,
      error: (fields) => bugs.push(fields),
    },
    ...parts,
  });
  const url = (identity: string): string => `ws://127.0.0.1:${String(edge.listenPort)}/ocpp/${identity}`;
  return { edge, ownership, counts, bugs, url };
}
