// Writes into a store what no script of ours writes.

import type { IdentityKey } from "@cpg/ocpp";
import { Cluster, Redis } from "ioredis";
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

type Nodes = readonly { readonly host: string; readonly port: number }[];

/** A user of Redis for one store, so that its rights can be taken without touching anybody else's. */
export interface RedisUser {
  readonly username: string;
  readonly password: string;
  /** Changes its rights on all nodes, as ACL SETUSER has them. */
  readonly grant: (...rights: readonly string[]) => Promise<void>;
}

/** Makes one who may do all. It ends with the cluster. */
export async function aRedisUser(nodes: Nodes, username: string): Promise<RedisUser> {
  const password = "opensesame";
  const grant = async (...rights: readonly string[]): Promise<void> => {
    for (const { host, port } of nodes) {
      const node = new Redis(port, host);
      await node.call("ACL", "SETUSER", username, ...rights);
      node.disconnect();
    }
  };
  await grant("on", `>${password}`, "~*", "&*", "+@all");
  return { username, password, grant };
}

/** In Redis, where the store speaks as `user`. */
export function redisSabotage(nodes: Nodes, prefix: string, user: RedisUser): Sabotage {
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
    async mute() {
      await user.grant("resetchannels");
      return () => user.grant("&*");
    },
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
