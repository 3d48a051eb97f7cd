import { uniquePrefix } from "@cpg/testkit";
import { Cluster } from "ioredis";
import { inject } from "vitest";
import { Keyspace } from "../src/keyspace.ts";
import { MemoryBackend } from "../src/memory/memory-backend.ts";
import { MemoryStore } from "../src/memory/memory-store.ts";
import { noMeter } from "../src/meter.ts";
import { partitionOf } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { describeStore } from "./conformance/store.ts";
import { redisSettings, retention } from "./settings.ts";

const backend = new MemoryBackend(
  retention,
  () => (performance.timeOrigin + systemTime.monotonicMs()) * 1000,
);
describeStore("the in-process store", () => new MemoryStore(backend, systemTime));

const prefix = uniquePrefix();
const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
const ports = { time: systemTime, random: systemRandom, meter: noMeter };
describeStore(
  "the store in Redis Cluster",
  () => new RedisStore(redisSettings(nodes, prefix), retention, ports),
  async (key, garbage) => {
    const cluster = new Cluster([...inject("redisNodes")]);
    const row = new Keyspace(prefix).row(partitionOf(key), key);
    if (garbage === "type") await cluster.set(row, "not a hash");
    if (garbage === "format") await cluster.hset(row, { v: "99", epoch: "1", inc: "x" });
    if (garbage === "number") {
      await cluster.hset(row, {
        v: "1",
        epoch: "many",
        inc: "x",
        conn: "y",
        stamp: "z",
        edge: "e",
        id: key,
        ver: "1.6",
      });
    }
    cluster.disconnect();
  },
);
