// Makes routes of a plan: one target per HTTP origin, one stream log for all streams. Closes what it opened.

import type { GatewayConfig } from "@cpg/config";
import type { Random, Time } from "@cpg/session-registry";
import type { Ids } from "./ids.ts";
import type { Closable, Route } from "./integration.ts";
import { createHttpRoute } from "./integrations/http.ts";
import { HttpTarget } from "./integrations/http-target.ts";
import { createLocalRoute } from "./integrations/local.ts";
import { sharedLookup } from "./integrations/shared-lookup.ts";
import type { StreamLog } from "./integrations/stream-log.ts";
import { createStreamRoute } from "./integrations/stream.ts";
import type { Instruments } from "./instruments.ts";
import type { ProblemLog } from "./problem-log.ts";
import { createRouter, type Router } from "./router.ts";
import { countingHeld, type StreamLoad } from "./stream-metrics.ts";
import type { HttpPlan, RoutePlan, StreamPlan } from "./routes-file.ts";

/** The settings routes depend on. */
export type RouteSettings = Pick<GatewayConfig, "edge" | "routes" | "redis">;

/** What routes are made with. */
export interface RoutePorts {
  readonly time: Time;
  readonly random: Random;
  readonly ids: Ids;
  readonly instruments: Instruments;
  readonly problems: ProblemLog;
  /** Connects; called only if a route goes to a stream. */
  readonly openStreamLog: () => StreamLog;
}

/** A router and what must be closed after it. */
export interface BuiltRoutes extends Closable {
  readonly router: Router;
}

/** The name under which the log tells of what all streams share: their way to Redis. */
export const allStreams = "streams";

/** Without a routes file: Heartbeat is answered here, everything else is NotImplemented. */
export const defaultRoutes: readonly RoutePlan[] = [
  {
    key: "Heartbeat",
    to: { type: "local", name: "clock", handler: "heartbeat" },
    deadlineMs: undefined,
    answer: {},
  },
];

/** Makes the routes of a plan. */
export function buildRoutes(
  plan: readonly RoutePlan[],
  settings: RouteSettings,
  ports: RoutePorts,
): BuiltRoutes {
  const builder = new Builder(settings, ports);
  const routes = new Map(plan.map((entry) => [entry.key, builder.route(entry)]));
  return { router: createRouter(routes), close: () => builder.close() };
}

class Builder {
  readonly #settings: RouteSettings;
  readonly #ports: RoutePorts;
  readonly #targets = new Map<string, HttpTarget>();
  readonly #loads = new Map<string, StreamLoad>();
  readonly #lookup = sharedLookup();
  #log: StreamLog | undefined;

  constructor(settings: RouteSettings, ports: RoutePorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  route(entry: RoutePlan): Route {
    const { to } = entry;
    if (to.type === "local") return createLocalRoute(entry.key, to.handler, this.#ports.time);
    return to.type === "http" ? this.#http(entry, to) : this.#stream(entry, to);
  }

  async close(): Promise<void> {
    await Promise.all([...[...this.#targets.values()].map((target) => target.close()), this.#log?.close()]);
  }

  #http(entry: RoutePlan, to: HttpPlan): Route {
    const { http } = this.#settings.routes;
    const { time, random, ids, instruments, problems } = this.#ports;
    let target = this.#targets.get(to.name);
    if (target === undefined) {
      const { connectionsPerTarget: connections, attemptTimeoutMs, maxResponseBytes } = http;
      const maxConcurrent = to.maxConcurrent ?? http.maxConcurrent;
      target = new HttpTarget(
        { origin: to.origin, connections, maxConcurrent, attemptTimeoutMs, maxResponseBytes },
        { instruments: instruments.integration(to.name), time, lookup: this.#lookup },
      );
      this.#targets.set(to.name, target);
    }
    const { name: edge } = this.#settings.edge;
    const { pathTemplate, headers } = to;
    const deadlineMs = entry.deadlineMs ?? to.deadlineMs ?? http.timeoutMs;
    const options = { name: entry.key, pathTemplate, headers, deadlineMs, edge };
    return createHttpRoute(options, target, {
      time,
      random,
      newTraceparent: () => ids.traceparent(),
      onFailure: (problem, action) => problems.failed(to.name, problem, action),
      onAnswer: () => problems.answered(to.name),
    });
  }

  #stream(entry: RoutePlan, to: StreamPlan): Route {
    const { stream, http } = this.#settings.routes;
    const { time, random, ids, instruments, problems } = this.#ports;
    this.#log ??= this.#ports.openStreamLog();
    const options = {
      name: entry.key,
      keyPrefix: this.#settings.redis.keyPrefix,
      stream: to.name,
      partitions: to.partitions,
      maxLength: to.maxLength ?? stream.maxLength,
      replicas: stream.waitReplicas,
      deadlineMs: entry.deadlineMs ?? to.deadlineMs ?? http.timeoutMs,
      answer: entry.answer,
      edge: this.#settings.edge.name,
    };
    const counted = instruments.integration(to.name);
    const route = createStreamRoute(options, {
      time,
      random,
      log: this.#log,
      instruments: counted,
      newTraceparent: () => ids.traceparent(),
      onNotStored: (why, action) => problems.failed(to.name, why, action),
      onStored() {
        problems.answered(to.name);
        problems.answered(allStreams);
      },
    });
    let load = this.#loads.get(to.name);
    if (load === undefined) this.#loads.set(to.name, (load = { messages: 0 }));
    return countingHeld(route, load, counted);
  }
}
