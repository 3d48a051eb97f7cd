// The library alone, starved on purpose: 4 permits, Redis 20 ms away, 5,000 claims at once. Refusals are typed and at once, lines are
// bounded, everything is granted in the end, and the circuit stays closed, since Redis is healthy (R9).

import { randomUUID } from "node:crypto";
import { asIdentity, identityKey } from "@cpg/ocpp";
import {
  type ConnectionId,
  createClusterRegistry,
  noMeter,
  type Registry,
  RegistryError,
  type RegistryMeter,
  systemTime,
} from "@cpg/session-registry";
import { until } from "../world/observer.ts";
import { type RedisStack, startRedisStack } from "../world/redis-stack.ts";
import { type Limits, starvedSettings } from "../world/starved-settings.ts";
import { delay, every, nowMs } from "../world/time.ts";
import type { Context } from "../world/world.ts";
import type { Scenario } from "./scenario.ts";

const farMs = 20;
const permits = 4;
const grantLimitMs = 60_000;
const lookupDeadlineMs = 1000;
/**
 * What thousands of refusals and retries may hold up the event loop on a busy machine, ms (0.8 s seen beside other builds).
 * An unbounded line would take 8 s.
 */
const lookupSlackMs = 2000;

/** As shipped but for the permits: claims of one partition travel together, so lines stay short. */
const batched: Limits = { permits, maxWaiters: 4096, acquireTimeoutMs: 500, maxClaimsPerCall: 64 };
/** One claim a call, lines of 8, 30 ms of patience: refusals by the thousand. */
const starved: Limits = { permits, maxWaiters: 8, acquireTimeoutMs: 30, maxClaimsPerCall: 1 };

export const poolExhaustion: Scenario = {
  name: "pool-exhaustion",
  summary:
    "the library with 4 permits, Redis 20 ms away: claims at once, batched as shipped, then starved; then lookups",
  inQuick: true,
  async run(context) {
    const stack = await startRedisStack("delayed", [], context.options.nodeTimeoutMs);
    try {
      for (const proxy of stack.proxies) proxy.setDelay(farMs, "down");
      await claimAll(context, stack, { name: "batched as shipped", limits: batched, mustRefuse: false });
      await claimAll(context, stack, { name: "starved", limits: starved, mustRefuse: true });
    } finally {
      await stack.stop();
    }
  },
};

interface Case {
  readonly name: string;
  readonly limits: Limits;
  readonly mustRefuse: boolean;
}

async function claimAll(
  context: Context,
  stack: RedisStack,
  { name, limits, mustRefuse }: Case,
): Promise<void> {
  const { options, report, log } = context;
  log(`${options.claims} claims, ${name}`);
  const counts = new Map<string, number>();
  const registry = createClusterRegistry(starvedSettings(stack.seeds, limits), {
    meter: countingMeter(counts),
  });
  const granted = new Set<ConnectionId>();
  const lost: string[] = [];
  await registry.ownership.start({
    granted: ({ connection }) => granted.add(connection),
    superseded: ({ connection }) => lost.push(connection),
    message: () => undefined,
  });
  try {
    await until(() => registry.ownership.isLeaseValid(), 10_000);
    const watch = watchShards(registry);
    const beganAtMs = nowMs();
    const admitted = Array.from({ length: options.claims }, (_, i) => claim(registry, i)).filter(
      Boolean,
    ).length;
    await until(() => granted.size >= options.claims, grantLimitMs);
    const tookMs = nowMs() - beganAtMs;
    watch.stop();
    report.figure(`${name}: refused / retried`, countsText(counts));
    report.must(
      `${name}: all claims granted`,
      granted.size === options.claims && admitted === options.claims && lost.length === 0,
      `${granted.size} of ${options.claims} in ${tookMs} ms`,
    );
    if (mustRefuse) {
      const refusals =
        (counts.get("refused POOL_TIMEOUT") ?? 0) + (counts.get("refused POOL_EXHAUSTED") ?? 0);
      report.must(`${name}: refusals happened, typed`, refusals > 0, refusals);
    }
    report.must(
      `${name}: circuits stayed closed`,
      watch.worst.circuit === 0,
      `worst state ${watch.worst.circuit}`,
    );
    report.must(
      `${name}: never more than ${permits} in flight and ${limits.maxWaiters} waiting`,
      watch.worst.inUse <= permits && watch.worst.waiting <= limits.maxWaiters,
      `${watch.worst.inUse} and ${watch.worst.waiting}`,
    );
    if (mustRefuse) await lookupAll(context, registry);
  } finally {
    await registry.ownership.stop(5000);
  }
}

/** 5,000 lookups whose callers wait a second: what they are told, and when. */
async function lookupAll({ options, report }: Context, registry: Registry): Promise<void> {
  const ends = new Map<string, number>();
  let worstMs = 0;
  await Promise.all(
    Array.from({ length: options.claims }, async (_, i) => {
      const beganAtMs = nowMs();
      const end = await registry.ownership.lookup([keyOf(i)], lookupDeadlineMs).then(
        ({ kind }) => kind,
        (error: unknown) => (error instanceof RegistryError ? error.code : "not typed"),
      );
      worstMs = Math.max(worstMs, nowMs() - beganAtMs);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }),
  );
  const typed = new Set(["found", "POOL_TIMEOUT", "POOL_EXHAUSTED", "DEADLINE"]);
  report.figure(`lookups with ${lookupDeadlineMs} ms to spare`, countsText(ends));
  report.must(
    "lookups end found or typed",
    [...ends.keys()].every((end) => typed.has(end)),
    [...ends.keys()].join(", "),
  );
  report.must(
    "no lookup outlives its deadline",
    worstMs <= lookupDeadlineMs + lookupSlackMs,
    `${worstMs} ms`,
  );
  await delay(100);
}

const keyOf = (i: number): ReturnType<typeof identityKey> => {
  const read = asIdentity(`pool-${i}`);
  if (!read.ok) throw new Error("no identity");
  return identityKey(read.identity, "1.6");
};

function claim(registry: Registry, i: number): boolean {
  const read = asIdentity(`pool-${i}`);
  if (!read.ok) return false;
  const admission = registry.ownership.claim({
    key: keyOf(i),
    identity: read.identity,
    connection: randomUUID() as string as ConnectionId,
    version: "1.6",
    remote: "127.0.0.1",
    authenticatedAtMs: systemTime.monotonicMs(),
  });
  return admission.kind === "accepted";
}

function watchShards(registry: Registry): {
  readonly worst: { inUse: number; waiting: number; circuit: number };
  stop: () => void;
} {
  const worst = { inUse: 0, waiting: 0, circuit: 0 };
  const stop = every(2, () => {
    for (const { inUse, waiting, circuit } of registry.shardStates()) {
      worst.inUse = Math.max(worst.inUse, inUse);
      worst.waiting = Math.max(worst.waiting, waiting);
      worst.circuit = Math.max(worst.circuit, circuit);
    }
  });
  return { worst, stop };
}

function countingMeter(counts: Map<string, number>): RegistryMeter {
  const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  return {
    ...noMeter,
    poolRefused: (code) => count(`refused ${code}`),
    retry: (code) => count(`retried ${code}`),
  };
}

const countsText = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([key, value]) => `${key}: ${value}`).join(", ") || "none";
