// Starts a real edge on a free port, with the fake registry and routes made in the test.

import { loadConfig, type GatewayConfig } from "@cpg/config";
import { systemRandom, systemTime } from "@cpg/session-registry";
import { authenticateNobody } from "../../src/authentication.ts";
import type { EndLabel } from "../../src/close-codes.ts";
import { startEdge, type EdgeParts, type EdgeSettings, type RunningEdge } from "../../src/edge.ts";
import { systemIds } from "../../src/ids.ts";
import type { CallAnswer, InboundCall, Route } from "../../src/integration.ts";
import type { Instruments } from "../../src/instruments.ts";
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
}): EdgeSettings {
  const { listen, ocpp, drain } = defaultConfig();
  return {
    listen: { ...listen, host: "127.0.0.1", port: 0, ...changes.listen },
    ocpp: { ...ocpp, ...changes.ocpp },
    drain: { ...drain, deadlineMs: 2_000, sliceIntervalMs: 20, ...changes.drain },
  };
}

/** Counts by `name label`. */
export class Counts implements Instruments {
  readonly #counts = new Map<string, number>();
  readonly accepted = this.#tally("accepted");
  readonly refused = this.#tally("refused");
  readonly ended = this.#tally("ended");
  readonly malformed = this.#tally("malformed");
  readonly ignored = this.#tally("ignored");
  readonly unexpectedAnswers = { inc: () => this.#add("unexpectedAnswers") };
  readonly unserved = { add: (count: number) => this.#add("unserved", count) };
  readonly lifecycleLost = { inc: () => this.#add("lifecycleLost") };
  route = (route: string) => ({ served: (as: string) => this.#add(`served ${route} ${as}`) });
  attempt = (name: string) => this.#tally(`attempt ${name}`);
  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }
  ended_(label: EndLabel): number {
    return this.of(`ended ${label}`);
  }
  #tally(name: string) {
    return { inc: (label: string) => this.#add(`${name} ${label}`) };
  }
  #add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
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
