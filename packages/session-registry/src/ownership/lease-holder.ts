// This edge's own lease: one incarnation at a time.
//
// H1. The lease ends at (monotonic moment before the last confirmed renewal was sent) + termMs: never later than any reader may judge.
// H2. A fenced incarnation is never renewed again: a new one begins, and whoever claims learns of it.
// H3. An incarnation under which nothing was claimed yet is given up when its renewal fails: another one's lease may live on a
//     shard that can be reached.
// H4. An incarnation that was not renewed for half the life of fences and tombstones is given up: they may be gone soon, and
//     a dead one would seem alive again.
// H5. After `stop` nothing is renewed and no incarnation begins.
// H6. An incarnation whose renewals fail for awayMs, while other shards answer all the while, is given up: its shard is lost, and the edge
//     would own nothing on the others until that returns. Were it back in the same instant: what is claimed anew is fenced off from the
//     old name partition by partition (O5 of partition-loop.ts), and the old lease stands still until readers bury it, as any dead one's.
//     While nobody answers the count does not begin: of an outage's shards none is lost because it is the last to return.

import { RegistryError } from "../errors.ts";
import type { Incarnation } from "../model.ts";
import { leasePartitionOf } from "../partition.ts";
import type { LeaseEntry, LeaseRenewal, RegistryStore } from "../store-port.ts";
import { leaseValue, readLease } from "../lease-value.ts";
import type { Random, Time, Timer } from "../time.ts";

/** What a holder needs. */
export interface LeaseContext {
  readonly store: RegistryStore;
  readonly time: Time;
  readonly random: Random;
  readonly edge: string;
  readonly renewMs: number;
  /** What the holder counts on and readers wait for, ms. */
  readonly termMs: number;
  /** How long the own lease's shard may be away alone, ms: above a failover, and the lease has long lapsed by then (H6). */
  readonly awayMs: number;
  /** Life of fences and tombstones, ms (H4). */
  readonly fenceMs: number;
  sessions(): number;
  /** The incarnation has its first confirmed lease: it may claim. */
  begun(incarnation: Incarnation): void;
  /** `old` is dead; a new incarnation takes its place (and begins once its lease is confirmed). */
  replaced(old: Incarnation): void;
}

/** Names drawn at most for one whose lease lives elsewhere: of three shards one chance in 40 million of finding none. */
const maxDraws = 16;

/** See the head of this file. */
export class LeaseHolder {
  readonly #context: LeaseContext;
  #incarnation: Incarnation;
  #counter = 0;
  #isBegun = false;
  #isDraining = false;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  /** Since when renewals fail while others answer; undefined: they do not, or nobody answers (H6). */
  #aloneSinceMs: number | undefined;
  #renewal: LeaseRenewal | undefined;
  #failure: unknown;
  #renewing: Promise<void> | undefined;
  #isDue = false;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(context: LeaseContext) {
    this.#context = context;
    this.#incarnation = this.#newName();
  }

  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  /** Whether claims may be made: the lease was confirmed once. It may have lapsed since; then claims decide whether it still stands. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** H1. */
  isValid(): boolean {
    return this.#context.time.monotonicMs() < this.#validUntilMs;
  }

  /** ms since the last confirmed renewal was sent; Infinity before the first. */
  ageMs(): number {
    return this.#context.time.monotonicMs() - (this.#validUntilMs - this.#context.termMs);
  }

  /** Why the last renewal failed; undefined: it did not. */
  get failure(): RegistryError | undefined {
    return this.#failure instanceof RegistryError ? this.#failure : undefined;
  }

  /** Makes the first attempt and goes on by itself. */
  async start(): Promise<void> {
    this.#timer = this.#context.time.every(this.#context.renewMs, () => void this.renew());
    await this.renew();
  }

  setDraining(): void {
    this.#isDraining = true;
    void this.renew();
  }

  /** One renewal, or one more after that which is under way; never rejects. */
  renew(): Promise<void> {
    if (this.#isStopped) return Promise.resolve(); // H5
    if (this.#renewing) {
      this.#isDue = true;
      return this.#renewing;
    }
    if (this.#isBegun && this.ageMs() > this.#context.fenceMs / 2) this.#replace(this.#newName()); // H4
    this.#isDue = false;
    this.#renewing = this.#renewOnce().finally(() => {
      this.#renewing = undefined;
      if (this.#isDue) void this.renew();
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    const { store, time, edge, renewMs } = this.#context;
    const incarnation = this.#incarnation;
    const sentAtMs = time.monotonicMs();
    const renewal = {
      incarnation,
      edge,
      counter: ++this.#counter,
      sessions: this.#context.sessions(),
      isDraining: this.#isDraining,
    };
    this.#renewal = renewal;
    try {
      const outcome = await store.renew(leasePartitionOf(incarnation), renewal, renewMs);
      this.#failure = undefined;
      if (incarnation === this.#incarnation) this.#heard(outcome, sentAtMs);
    } catch (error) {
      this.#failure = error;
      if (incarnation === this.#incarnation && !this.#isStopped) this.#failed();
    }
  }

  #failed(): void {
    if (!this.#isBegun) {
      this.#incarnation = this.#nameElsewhere(); // H3
    } else if (this.#isAlone()) {
      this.#replace(this.#nameElsewhere()); // H6
      void this.renew();
    }
  }

  #isAlone(): boolean {
    const { store, time, renewMs, awayMs } = this.#context;
    const now = time.monotonicMs();
    const isAnyoneThere = now - (store.lastHeardAtMs() ?? Number.NEGATIVE_INFINITY) <= renewMs;
    this.#aloneSinceMs = isAnyoneThere ? (this.#aloneSinceMs ?? now) : undefined;
    return this.#aloneSinceMs !== undefined && now - this.#aloneSinceMs >= awayMs;
  }

  /** Somebody found this incarnation dead (a claim was fenced). */
  fenced(incarnation: Incarnation): void {
    if (incarnation !== this.#incarnation || this.#isStopped) return;
    this.#replace(this.#newName());
    void this.renew();
  }

  /** Ends the lease: nothing more is renewed (H5). Returns the lease as it was last written, once no renewal is under way. */
  async stop(): Promise<LeaseEntry | undefined> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    await this.#renewing;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    return this.#renewal && readLease(this.#renewal.incarnation, leaseValue(this.#renewal));
  }

  #replace(name: Incarnation): void {
    const old = this.#incarnation;
    this.#incarnation = name; // H2
    this.#isBegun = false;
    this.#aloneSinceMs = undefined;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    this.#context.replaced(old);
  }

  #heard(outcome: "renewed" | "fenced", sentAtMs: number): void {
    if (outcome === "fenced") return this.fenced(this.#incarnation);
    this.#validUntilMs = sentAtMs + this.#context.termMs;
    this.#aloneSinceMs = undefined;
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#context.begun(this.#incarnation);
  }

  /** One whose lease does not live on the present one's shard, if there is another (H3, H6). */
  #nameElsewhere(): Incarnation {
    const shardOf = (name: Incarnation): string | undefined =>
      this.#context.store.shardOf(leasePartitionOf(name));
    const away = shardOf(this.#incarnation);
    let name = this.#newName();
    for (let draws = 1; draws < maxDraws && shardOf(name) === away; draws++) name = this.#newName();
    return name;
  }

  /** Edge name and 48 random bits: two that ever lived under one name do not meet. */
  #newName(): Incarnation {
    const part = (): string =>
      Math.floor(this.#context.random.next() * 2 ** 24)
        .toString(36)
        .padStart(5, "0");
    return `${this.#context.edge}.${part()}${part()}` as Incarnation;
  }
}
