// vitest globalSetup: one Redis Cluster (3 masters, 3 replicas, free ports) for the whole run of a package's tests.
// vitest.config.ts: `globalSetup: ["@cpg/testkit/redis-global-setup"]`; in a test: `inject("redisNodes")`.
// Shared: take key prefixes from `uniquePrefix()`, and never kill a node of it (`startTestRedisCluster` for that).
// Its nodes may forget scripts at any time: a test has them do so.

import type { TestProject } from "vitest/node";

import { startTestRedisCluster } from "./redis.ts";

/** Starts the cluster, provides `redisNodes`, and gives vitest what ends it. Rejects (the run fails) without a Redis. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTestRedisCluster();
  project.provide(
    "redisNodes",
    cluster.nodes.map(({ host, port, role }) => ({ host, port, role })),
  );
  return () => cluster.stop();
}
