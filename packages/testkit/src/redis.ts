// Real Redis Clusters for tests. I/O: processes, and at the first time a download (see @cpg/infra).
// A test that needs Redis fails where there is none; it is never skipped.

import {
  findRedisServer,
  type RedisCluster,
  type RedisClusterOptions,
  type RedisServer,
  startRedisCluster,
} from "@cpg/infra";
import { freePort } from "./names.ts";
import { startProcess } from "./process.ts";

/** The address of a node of the run's shared cluster, and the role it began with. */
export type ProvidedRedisNode = {
  readonly host: string;
  readonly port: number;
  readonly role: "master" | "replica";
};

declare module "vitest" {
  // eslint-disable-next-line typescript/consistent-type-definitions -- merging needs an interface
  interface ProvidedContext {
    /** The nodes of the cluster that `@cpg/testkit/redis-global-setup` started for this run: `inject("redisNodes")`. */
    redisNodes: readonly ProvidedRedisNode[];
  }
}

/**
 * A cluster of this test's own (to kill, pause, put a proxy before): 3 masters and 3 replicas on free ports unless told
 * otherwise, in about 2 s. Stop it yourself. Rejects with what to install when there is no Redis.
 */
export async function startTestRedisCluster(
  options: Omit<RedisClusterOptions, "server"> = {},
): Promise<RedisCluster> {
  return startRedisCluster({ ...options, server: await redisServer() });
}

/** A Redis without cluster mode, as a package installs it, and its `host:port`. Stop it yourself. */
export async function startTestRedisAlone(): Promise<{ readonly node: string; stop(): Promise<void> }> {
  const { command, env } = await redisServer();
  const port = String(await freePort());
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", "/"]; // it writes nothing
  const server = await startProcess({ command, args, env, readyLine: "Ready to accept connections" });
  return { node: `127.0.0.1:${port}`, stop: async () => void (await server.kill()) };
}

async function redisServer(): Promise<RedisServer> {
  const search = await findRedisServer({ log: (line) => process.stderr.write(`${line}\n`) });
  if (search.kind === "found") return search.server;
  throw new Error(`This test needs a real Redis. ${search.advice} (${search.reason})`);
}
