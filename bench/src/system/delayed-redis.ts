// A Redis Cluster behind delaying proxies, so that a client finds every node at the far end of a slow network. The proxies live in a
// process of their own. The cluster announces the proxies' ports, or MOVED would go around them.

import { findFreePorts, type RedisCluster } from "@cpg/infra";

import { startRedis } from "./redis.ts";
import { startWorker } from "./worker.ts";

/** The cluster and its slow way. */
export interface DelayedRedis {
  readonly cluster: RedisCluster;
  /** Of the proxies: what clients are told. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Adds so much to each round trip from now on. */
  setRoundTrip(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both. */
export async function startDelayedRedis(): Promise<DelayedRedis> {
  const nodes = 6;
  const ports = await findFreePorts(2 * nodes);
  const [targets, fronts] = [ports.slice(0, nodes), ports.slice(nodes)];
  const worker = await startWorker(new URL("../subjects/proxies.js", import.meta.url));
  await worker.ask("open", { targets, fronts });
  const cluster = await startRedis({
    ports: targets,
    configFor: ({ index }) => ({ "cluster-announce-port": String(fronts[index] ?? 0) }),
  });
  return {
    cluster,
    addresses: fronts.map((port) => ({ host: "127.0.0.1", port })),
    setRoundTrip: (milliseconds) => worker.ask("setDelay", { milliseconds: milliseconds / 2 }),
    async stop() {
      await cluster.stop();
      await worker.stop();
    },
  };
}
