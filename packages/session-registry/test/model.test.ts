import { eventually, uniquePrefix } from "@cpg/testkit";
import * as fc from "fast-check";
import { describe, inject, it } from "vitest";
import { MemoryBackend } from "../src/memory/memory-backend.ts";
import { noMeter } from "../src/meter.ts";
import { partitions } from "../src/partition.ts";
import { RedisStore } from "../src/redis/redis-store.ts";
import { systemRandom, systemTime } from "../src/time.ts";
import { comesBackInReplay, lostReaping, play, steps } from "./model/commands.ts";
import { memoryGround, realGround } from "./model/grounds.ts";
import { World } from "./model/world.ts";
import { redisSettings, retention } from "./settings.ts";

const seed = Number(process.env["MODEL_SEED"] ?? 20_261);
const runs = Number(process.env["MODEL_RUNS"] ?? 100);

describe("whatever happens in whatever order, the promises of SPEC.md hold", () => {
  it("on the in-process store, without ever looking again (R1–R7)", { timeout: 150_000 }, () =>
    fc.assert(
      fc.asyncProperty(steps({ hasFailovers: false }), (list) =>
        play(new World(memoryGround(MemoryBackend)), list),
      ),
      { seed, numRuns: 2 * runs },
    ),
  );

  it("on the in-process store with failovers that lose writes (R1–R7)", { timeout: 150_000 }, () =>
    fc.assert(
      fc.asyncProperty(steps({ hasFailovers: true }), (list) =>
        play(new World(memoryGround(MemoryBackend), { reassertMs: 5000 }), list),
      ),
      { seed, numRuns: runs, examples: [[[...lostReaping]], [[...comesBackInReplay]]] },
    ),
  );

  it(
    "on the in-process store while shards with leases of edges are away, failovers or not (H6, R1–R7)",
    { timeout: 150_000 },
    () =>
      fc.assert(
        fc.asyncProperty(steps({ hasFailovers: true, losesLeases: true }), (list) =>
          play(new World(memoryGround(MemoryBackend), { reassertMs: 5000 }), list),
        ),
        { seed, numRuns: runs },
      ),
  );

  it("on a real Redis Cluster (R1–R7)", { timeout: 150_000 }, async () => {
    const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
    const ports = { time: systemTime, random: systemRandom, meter: noMeter };
    const store = new RedisStore(redisSettings(nodes, uniquePrefix()), retention, ports);
    await eventually(() => partitions.every((partition) => store.shardOf(partition) !== undefined));
    await fc.assert(
      fc.asyncProperty(steps({ hasFailovers: false }), (list) =>
        play(new World(realGround(store), { inboxPollMs: 1500, leasePollMs: 400 }), list),
      ),
      { seed, numRuns: Math.ceil(runs / 25) },
    );
    await store.close();
  });
});
