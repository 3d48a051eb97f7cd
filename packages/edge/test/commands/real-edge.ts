// An edge for tests of the down path: real router, real registry, sockets that answer as told.

import { randomUUID } from "node:crypto";
import {
  createClusterRegistry,
  noMeter,
  systemTime,
  type ConnectionId,
  type OwnershipSettings,
  type RedisSettings,
  type RegistryMeter,
} from "@cpg/session-registry";
import { createCommandRouter } from "../../src/commands/command-router.ts";
import { defaultCommandLimits } from "../../src/commands/limits.ts";
import { silentMeter } from "../../src/commands/outcomes.ts";
import { FakeSession, FakeSessions, identityOf } from "./world.ts";

const retry = { baseMs: 20, maxMs: 500 };
const retention = {
  eventsMaxLength: 1000,
  inboxMaxLength: 1000,
  tombstoneMs: 120_000,
  inboxLifeMs: 120_000,
  fenceMs: 3_600_000,
};
const breaker = { errorThresholdPercent: 50, minimumCalls: 20, windowMs: 5000, resetMs: 500 };
const redis: Omit<RedisSettings, "nodes" | "keyPrefix"> = {
  connectTimeoutMs: 2000,
  commandTimeoutMs: 1000,
  socketTimeoutMs: 3000,
  connectionsPerShard: 1,
  permitsPerShard: 64,
  maxWaiters: 4096,
  acquireTimeoutMs: 500,
  slotsRefreshMs: 500,
  retry,
  breaker,
};
const ownershipOf = (edge: string): OwnershipSettings => ({
  edge,
  leaseMs: 15_000,
  leaseRenewMs: 1000,
  leasePollMs: 200,
  inboxPollMs: 200,
  reassertMs: 60_000,
  outagePolicy: "accept",
  maxOwed: 1000,
  replayPerSecond: 1000,
  maxClaimsPerCall: 64,
  gatherMs: 50,
  callDeadlineMs: 5000,
  fenceMs: 3_600_000,
  retry,
});

/** Circuits that never open. */
export const withoutCircuits = { breaker: { ...breaker, minimumCalls: 1_000_000 } };

/** Such an edge. */
export type RealEdge = Awaited<ReturnType<typeof startRealEdge>>;

/** An edge without sockets of its own: the real registry and the real router. */
export async function startRealEdge(
  name: string,
  place: Pick<RedisSettings, "nodes" | "keyPrefix">,
  changes: Partial<RedisSettings> = {},
) {
  const settings = { ownership: ownershipOf(name), redis: { ...redis, ...place, ...changes }, retention };
  const handOvers: string[] = [];
  const meter: RegistryMeter = {
    ...noMeter,
    call: (operation, outcome) => void (operation === "handOver" && handOvers.push(outcome)),
  };
  const { ownership } = createClusterRegistry(settings, { meter });
  const sessions = new FakeSessions();
  const router = createCommandRouter({
    edge: name,
    ownership,
    sessions,
    time: systemTime,
    meter: silentMeter,
    newId: randomUUID,
    limits: defaultCommandLimits,
  });
  const drop = (connection: ConnectionId): void => {
    const at = sessions.all.findIndex((session) => session.connection === connection);
    if (at >= 0) sessions.all.splice(at, 1);
  };
  await ownership.start({
    granted({ key, connection }, epoch) {
      const session = sessions.find(key, connection);
      if (session !== undefined) session.epoch = epoch;
    },
    superseded: ({ connection }) => drop(connection),
    message: (message, ageMs) => router.onPeerMessage(message, ageMs),
  });
  return {
    router,
    ownership,
    sessions,
    /** How the registry's calls for messages to other edges ended, all attempts of each made: "ok" or an error code. */
    handOvers,
    connect(id: string): FakeSession {
      const session = new FakeSession(id, randomUUID());
      session.epoch = undefined;
      session.answer = async () => ({ kind: "answered", payload: { by: name } });
      sessions.all.push(session);
      const { identity, key, connection, version, remote } = session;
      const authenticatedAtMs = systemTime.monotonicMs();
      ownership.claim({ identity, key, connection, version, remote, authenticatedAtMs });
      return session;
    },
    /** The socket closes, and the edge forgets to tell the registry: a ghost. */
    drop,
    command: (id: string) =>
      router.command({ identity: identityOf(id), action: "Reset", payloadJson: "{}", timeoutMs: 5000 }),
  };
}
