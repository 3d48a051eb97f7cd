// What the model stands on: the in-process store, which can fail over, or any other store.

import type { MemoryBackend, MemorySnapshot } from "../../src/memory/memory-backend.ts";
import { MemoryStore } from "../../src/memory/memory-store.ts";
import type { RegistryStore } from "../../src/store-port.ts";
import { retention } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";
import type { Ground } from "./world.ts";

/** Some day, µs since 1970. */
const beginUs = 1_800_000_000_000_000;

/** A fresh in-process store; `Backend` may be a mutant. */
export function memoryGround(Backend: typeof MemoryBackend): Ground {
  const clock = new VirtualClock();
  let stepUs = 0;
  const shardUs = (virtualMs: number): number => beginUs + virtualMs * 1000 + stepUs;
  const backend = new Backend(retention, () => shardUs(clock.nowMs));
  const store = new MemoryStore(backend, new ProcessTime(clock, 0));
  let replica: MemorySnapshot | undefined;
  return {
    clock,
    store,
    shardUs,
    replicate: () => void (replica = backend.snapshot()),
    failover(clockStepMs) {
      if (replica) backend.restore(replica);
      stepUs = clockStepMs * 1000;
    },
  };
}

/** A real store: its time is the real one, so virtual moments are put, in their order, into the hour before. */
export function realGround(store: RegistryStore): Ground {
  const hourAgoUs = (Date.now() - 3_600_000) * 1000;
  return { clock: new VirtualClock(), store, shardUs: (virtualMs) => hourAgoUs + virtualMs * 1000 };
}
