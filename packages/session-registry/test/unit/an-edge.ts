// One edge for tests that play a race by hand: a scripted store, a clock that moves when told.

import { asIdentity, type IdentityKey } from "@cpg/ocpp";
import type { NewSession, OwnershipSettings } from "../../src/index.ts";
import { RegistryError } from "../../src/errors.ts";
import { MemoryBackend } from "../../src/memory/memory-backend.ts";
import { MemoryStore } from "../../src/memory/memory-store.ts";
import { noMeter } from "../../src/meter.ts";
import type { ConnectionId } from "../../src/model.ts";
import { RegistryOwnership } from "../../src/ownership/ownership.ts";
import { partitionOf, type Partition } from "../../src/partition.ts";
import type { RegistryStore } from "../../src/store-port.ts";
import { ownershipSettings, retention } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";

export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const key = "CP1" as IdentityKey;
export const partition = partitionOf(key);
export const random = { next: () => 0.5 };
export const away = (): Promise<never> =>
  Promise.reject(new RegistryError("UNAVAILABLE", "away", { retryable: true, isOutcomeUnknown: false }));

/** One edge over a memory store whose calls the test may replace: `prepare` before the edge starts. */
export async function anEdge(
  changes: Partial<OwnershipSettings> = {},
  prepare: (store: RegistryStore) => void = () => undefined,
) {
  const clock = new VirtualClock();
  const time = new ProcessTime(clock, 1000);
  const backend = new MemoryBackend(retention, () => 1_800_000_000_000_000 + clock.nowMs * 1000);
  const store: RegistryStore = new MemoryStore(backend, time);
  prepare(store);
  let changeMaster: (p: Partition) => void = () => undefined;
  store.onMasterChange = (listener) => void (changeMaster = listener);
  const soon = (run: () => void): void => void time.after(0, run);
  const counted: string[] = [];
  const meter = {
    ...noMeter,
    releaseDropped: () => void counted.push("dropped"),
    conditionalMiss: () => void counted.push("missed"),
    rowsReconciled: (rows: number) => void counted.push(`reconciled ${rows}`),
  };
  const told: string[] = [];
  let chance = 0;
  const random = { next: () => (chance = (chance + 0.381966) % 1) }; // no two incarnations share a name
  const settings = ownershipSettings("edge", { reassertMs: 6400, ...changes });
  const ownership = new RegistryOwnership(settings, { store, time, random, soon, meter });
  await ownership.start({
    granted: ({ connection }) => void told.push(`granted ${connection}`),
    superseded: ({ connection }) => void told.push(`superseded ${connection}`),
    message: () => undefined,
  });
  const session = (connection: string, id = key): NewSession => {
    const identity = asIdentity(id);
    if (!identity.ok) throw new Error(id);
    return {
      key: id,
      identity: identity.identity,
      version: "1.6",
      remote: "",
      connection: connection as ConnectionId,
      authenticatedAtMs: time.monotonicMs(),
    };
  };
  const advance = (ms: number): Promise<void> => clock.advance(ms, settle);
  await advance(1);
  return {
    clock,
    time,
    backend,
    store,
    ownership,
    told,
    counted,
    session,
    advance,
    changeMaster: (p: Partition) => changeMaster(p),
  };
}
