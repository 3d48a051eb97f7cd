import { uniquePrefix } from "@cpg/testkit";
import { inject } from "vitest";
import { MemoryBackend } from "../src/memory/memory-backend.ts";
import { MemoryStore } from "../src/memory/memory-store.ts";
import { noMeter } from "../src/meter.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { describeStore } from "./conformance/store.ts";
import { memorySabotage, redisSabotage } from "./sabotage.ts";
import { redisSettings, retention } from "./settings.ts";

const backend = new MemoryBackend(
  retention,
  () => (performance.timeOrigin + systemTime.monotonicMs()) * 1000,
);
describeStore("the in-process store", () => new MemoryStore(backend, systemTime), memorySabotage(backend));

const prefix = uniquePrefix();
const nodes = inject("redisNodes");
const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
const ports = { time: systemTime, random: systemRandom, meter: noMeter };
describeStore(
  "the store in Redis Cluster",
  () => new RedisStore(redisSettings(addresses, prefix), retention, ports),
  redisSabotage(nodes, prefix),
);
