// Writes into a store what no script of ours writes.

import type { IdentityKey } from "@cpg/ocpp";
import { Cluster } from "ioredis";
import { Keyspace } from "../src/keyspace.ts";
import type { MemoryBackend } from "../src/memory/memory-backend.ts";
import { partitionOf } from "../src/partition.ts";
import type { Sabotage } from "./conformance/store.ts";

const hourUs = 3_600_000_000;
const row = { v: "1", epoch: "1", inc: "xx", conn: "yy", stamp: "1", edge: "ee", ver: "1.6", ip: "" };

/** In this process. */
export function memorySabotage(backend: MemoryBackend): Sabotage {
  return {
    postdate(key) {
      const found = backend.row(partitionOf(key), key) as { stampUs: number } | undefined;
      if (found) found.stampUs += hourUs;
      return Promise.resolve();
    },
  };
}

/** In Redis. */
export function redisSabotage(
  nodes: readonly { readonly host: string; readonly port: number }[],
  prefix: string,
): Sabotage {
  const onRow = async (key: IdentityKey, act: (cluster: Cluster, row: string) => Promise<unknown>) => {
    const cluster = new Cluster([...nodes]);
    await act(cluster, new Keyspace(prefix).row(partitionOf(key), key));
    cluster.disconnect();
  };
  return {
    corrupt: (key, garbage) =>
      onRow(key, (cluster, name) => {
        if (garbage === "type") return cluster.set(name, "not a hash");
        if (garbage === "format") return cluster.hset(name, { ...row, id: key, v: "99" });
        const epoch = garbage === "number" ? "many" : "1.5";
        return cluster.hset(name, { ...row, id: key, epoch });
      }),
    postdate: (key) => onRow(key, (cluster, name) => cluster.hincrby(name, "stamp", hourUs)),
    async spoil(what, partition, incarnation) {
      const cluster = new Cluster([...nodes]);
      const name = new Keyspace(prefix)[what](partition, incarnation);
      const aside = `${name}:aside`;
      const wasThere = (await cluster.exists(name)) === 1;
      if (wasThere) await cluster.rename(name, aside);
      await cluster.set(name, "of another type");
      return async () => {
        await (wasThere ? cluster.rename(aside, name) : cluster.del(name));
        cluster.disconnect();
      };
    },
  };
}
