import { uniquePrefix } from "@cpg/testkit";
import { inject } from "vitest";
import { createClusterRegistry } from "../src/index.ts";
import { MemoryBackend } from "../src/memory/memory-backend.ts";
import { MemoryStore } from "../src/memory/memory-store.ts";
import { noMeter } from "../src/meter.ts";
import { RegistryOwnership } from "../src/ownership/ownership.ts";
import { systemRandom, systemSoon, systemTime } from "../src/time.ts";
import { describeOwnership } from "./conformance/ownership.ts";
import { mortalTime } from "./mortal-time.ts";
import { ownershipSettings, redisSettings, retention } from "./settings.ts";

const backend = new MemoryBackend(
  retention,
  () => (performance.timeOrigin + systemTime.monotonicMs()) * 1000,
);
describeOwnership("ownership in this process", (name) => {
  const { time, die, isDead } = mortalTime();
  const store = new MemoryStore(backend, time);
  const ports = { store, time, random: systemRandom, soon: systemSoon, meter: noMeter };
  return {
    ownership: new RegistryOwnership(ownershipSettings(name), ports),
    kill: () => Promise.resolve(die()),
    isDead,
  };
});

const prefix = uniquePrefix();
const nodes = inject("redisNodes").map(({ host, port }) => `${host}:${port}`);
describeOwnership("ownership in Redis Cluster", (name) => {
  const { time, die, isDead } = mortalTime();
  const { ownership } = createClusterRegistry(
    { ownership: ownershipSettings(name), redis: redisSettings(nodes, prefix), retention },
    { time },
  );
  return { ownership, kill: () => Promise.resolve(die()), isDead };
});
