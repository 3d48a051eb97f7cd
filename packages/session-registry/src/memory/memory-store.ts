// One handle on the in-process registry: a RegistryStore without Redis. It never fails, so nothing is ever owed.

import type { IdentityKey } from "@cpg/ocpp";
import type { Incarnation } from "../model.ts";
import { partitionOf, type Partition } from "../partition.ts";
import type {
  Claim,
  Claimant,
  InboxPlace,
  LeaseEntry,
  LeaseRenewal,
  OnWake,
  RegistryStore,
  Release,
  RowReading,
} from "../store-port.ts";
import type { Time } from "../time.ts";
import type { MemoryBackend } from "./memory-backend.ts";

/** Name of the only shard there is. */
const shard = "memory";

/** See store-port.ts. */
export class MemoryStore implements RegistryStore {
  readonly #backend: MemoryBackend;
  readonly #time: Time;
  #offsetUs = Number.NEGATIVE_INFINITY;
  #listening: Incarnation | undefined;

  constructor(backend: MemoryBackend, time: Time) {
    this.#backend = backend;
    this.#time = time;
  }

  claim(partition: Partition, claimant: Claimant, claims: readonly Claim[]) {
    return Promise.resolve(this.#backend.claim(partition, claimant, claims));
  }

  release(partition: Partition, incarnation: Incarnation, releases: readonly Release[]) {
    return Promise.resolve(this.#backend.release(partition, incarnation, releases));
  }

  row(key: IdentityKey): Promise<RowReading> {
    const row = this.#backend.row(partitionOf(key), key);
    return Promise.resolve(row ? { kind: "found", row } : { kind: "absent" });
  }

  toShardUs(_partition: Partition, monotonicMs: number): number {
    // Read in this order the difference is never too great; the greatest ever seen is the one nothing came between.
    this.#offsetUs = Math.max(this.#offsetUs, this.#backend.clockUs() - this.#time.monotonicMs() * 1000);
    return Math.round(monotonicMs * 1000 + this.#offsetUs);
  }

  isClockKnown(): boolean {
    return true;
  }

  syncClock(): Promise<void> {
    return Promise.resolve();
  }

  renew(partition: Partition, renewal: LeaseRenewal) {
    return Promise.resolve(this.#backend.renew(partition, renewal));
  }

  leases(partition: Partition) {
    return Promise.resolve(this.#backend.leases(partition));
  }

  bury(partition: Partition, judged: LeaseEntry) {
    return Promise.resolve(this.#backend.bury(partition, judged));
  }

  forget(partition: Partition, tombstone: LeaseEntry): Promise<void> {
    return Promise.resolve(this.#backend.forget(partition, tombstone));
  }

  fence(partition: Partition, incarnation: Incarnation, limit: number) {
    return Promise.resolve(this.#backend.fence(partition, incarnation, limit));
  }

  index(
    partition: Partition,
    incarnation: Incarnation,
    page: { readonly after: string; readonly limit: number },
  ) {
    return Promise.resolve(this.#backend.index(partition, incarnation, page));
  }

  post(...[partition, to, message]: Parameters<RegistryStore["post"]>) {
    return Promise.resolve(this.#backend.post(partition, to, message));
  }

  tell(...[partition, to, message]: Parameters<RegistryStore["tell"]>) {
    return Promise.resolve(this.#backend.tell(partition, to, message));
  }

  handOver(keys: readonly IdentityKey[], asker: Incarnation, content: string) {
    return Promise.resolve(this.#backend.handOver(keys, asker, content));
  }

  readInbox(partition: Partition, incarnation: Incarnation, afterId: string) {
    return Promise.resolve(this.#backend.readInbox(partition, incarnation, afterId));
  }

  readInboxes(places: readonly InboxPlace[], incarnation: Incarnation) {
    return Promise.resolve(
      places.map(({ partition, afterId }) => this.#backend.readInbox(partition, incarnation, afterId)),
    );
  }

  trimInbox(): Promise<void> {
    return Promise.resolve(); // reading dropped them
  }

  listen(incarnation: Incarnation, onWake: OnWake): void {
    if (this.#listening) this.#backend.unlisten(this.#listening);
    this.#listening = incarnation;
    this.#backend.listen(incarnation, onWake);
  }

  probe(partition: Partition, incarnation: Incarnation): Promise<void> {
    return Promise.resolve(this.#backend.wake(partition, incarnation));
  }

  events(partition: Partition, afterId: string, limit: number) {
    return Promise.resolve(this.#backend.events(partition, afterId, limit));
  }

  shardOf(): string {
    return shard;
  }

  openCircuits(): readonly string[] {
    return [];
  }

  lastFailure(): undefined {
    return undefined;
  }

  lastHeardAtMs(): number {
    return this.#time.monotonicMs();
  }

  onMasterChange(): void {
    // There is no other master.
  }

  close(): Promise<void> {
    if (this.#listening) this.#backend.unlisten(this.#listening);
    return Promise.resolve();
  }
}
