// A registry store as one edge reaches it through a network that loses, delays and repeats: wraps the real one.
//
// Each call meets a fate, in the order the test gave them; with none left it is carried out and answered at once.
// What is under way goes on when the edge pauses or dies: the network is not the process.

import { RegistryError } from "../../src/errors.ts";
import type { Incarnation } from "../../src/model.ts";
import type { Partition } from "../../src/partition.ts";
import type {
  Claim,
  Claimant,
  ClaimReply,
  LeaseRenewal,
  RegistryStore,
  Release,
  ReleaseOutcome,
} from "../../src/store-port.ts";
import type { ProcessTime, VirtualClock } from "../virtual-time.ts";

/** What becomes of a call. */
export type Fate =
  | { readonly kind: "ok" }
  | { readonly kind: "slowReply"; readonly ms: number } // carried out now, answered later
  | { readonly kind: "lostReply" } // carried out now, never answered
  | { readonly kind: "late"; readonly ms: number } // carried out later, when the caller has given up
  | { readonly kind: "twice"; readonly ms: number } // carried out now and answered; a copy is carried out later
  | { readonly kind: "refused" }; // an open circuit: never sent

/** Calls whose fate a test decides. */
export type Fated = "claim" | "release" | "renew";

/** After this a caller is told TIMEOUT. */
const timeoutMs = 250;

/** Sees every claim and release in the order in which they are carried out. */
export interface Observer {
  fenced(partition: Partition, incarnation: Incarnation): void;
  claimed(claimant: Claimant, claims: readonly Claim[], reply: ClaimReply): void;
  /** As it leaves the edge, whatever becomes of it. */
  releasing(incarnation: Incarnation, releases: readonly Release[]): void;
  released(incarnation: Incarnation, releases: readonly Release[], outcomes: readonly ReleaseOutcome[]): void;
}

/** What all edges share: the store below, the time line, and how many calls are on their way. */
export interface Network {
  readonly base: RegistryStore;
  readonly clock: VirtualClock;
  readonly observer: Observer;
  pending: number;
  /** Redis answers nobody. */
  isDown: boolean;
  /** Partitions whose leases nobody can reach; whatever else lies there can be. */
  readonly lostLeases: Set<Partition>;
  shardUs(virtualMs: number): number;
}

/** See the head of this file. */
export class FaultyStore implements RegistryStore {
  /** For the calls of each kind to come. */
  readonly fates: Record<Fated, Fate[]> = { claim: [], release: [], renew: [] };
  /** This edge alone reaches nothing. */
  isCut = false;
  /** Of the last renewal. */
  incarnation: Incarnation | undefined;
  readonly #network: Network;
  readonly #time: ProcessTime;
  readonly #clockErrorUs: number;
  #onMasterChange: (partition: Partition) => void = () => undefined;
  #heardAtMs: number | undefined;

  constructor(network: Network, time: ProcessTime, clockErrorUs: number) {
    this.#network = network;
    this.#time = time;
    this.#clockErrorUs = clockErrorUs;
  }

  changeMaster(partition: Partition): void {
    if (this.#time.isRunning) this.#onMasterChange(partition);
  }

  claim(partition: Partition, claimant: Claimant, claims: readonly Claim[]): Promise<ClaimReply> {
    return this.#fated("claim", async () => {
      const reply = await this.#network.base.claim(partition, claimant, claims, 5000);
      this.#network.observer.claimed(claimant, claims, reply);
      return reply;
    });
  }

  release(partition: Partition, incarnation: Incarnation, releases: readonly Release[]) {
    this.#network.observer.releasing(incarnation, releases);
    return this.#fated("release", async () => {
      const outcomes = await this.#network.base.release(partition, incarnation, releases, 5000);
      this.#network.observer.released(incarnation, releases, outcomes);
      return outcomes;
    });
  }

  renew(partition: Partition, renewal: LeaseRenewal) {
    this.incarnation = renewal.incarnation;
    return this.#fated(
      "renew",
      this.#unlessLost(partition, () => this.#network.base.renew(partition, renewal, 5000)),
    );
  }

  row(...args: Parameters<RegistryStore["row"]>) {
    return this.#plain(() => this.#network.base.row(...args));
  }
  leases(...args: Parameters<RegistryStore["leases"]>) {
    return this.#plain(this.#unlessLost(args[0], () => this.#network.base.leases(...args)));
  }
  bury(...args: Parameters<RegistryStore["bury"]>) {
    return this.#plain(this.#unlessLost(args[0], () => this.#network.base.bury(...args)));
  }
  forget(...args: Parameters<RegistryStore["forget"]>) {
    return this.#plain(this.#unlessLost(args[0], () => this.#network.base.forget(...args)));
  }
  fence(...args: Parameters<RegistryStore["fence"]>) {
    return this.#plain(async () => {
      const keys = await this.#network.base.fence(...args);
      this.#network.observer.fenced(args[0], args[1]);
      return keys;
    });
  }
  index(...args: Parameters<RegistryStore["index"]>) {
    return this.#plain(() => this.#network.base.index(...args));
  }
  post(...args: Parameters<RegistryStore["post"]>) {
    return this.#plain(() => this.#network.base.post(...args));
  }
  tell(...args: Parameters<RegistryStore["tell"]>) {
    return this.#plain(() => this.#network.base.tell(...args));
  }
  handOver(...args: Parameters<RegistryStore["handOver"]>) {
    return this.#plain(() => this.#network.base.handOver(...args));
  }
  readInbox(...args: Parameters<RegistryStore["readInbox"]>) {
    return this.#plain(() => this.#network.base.readInbox(...args));
  }
  readInboxes(...args: Parameters<RegistryStore["readInboxes"]>) {
    return this.#plain(() => this.#network.base.readInboxes(...args));
  }
  events(...args: Parameters<RegistryStore["events"]>) {
    return this.#plain(() => this.#network.base.events(...args));
  }

  toShardUs(_partition: Partition, monotonicMs: number): number {
    const virtualMs = monotonicMs - this.#time.monotonicMs() + this.#network.clock.nowMs;
    return Math.round(this.#network.shardUs(virtualMs) + this.#clockErrorUs);
  }
  isClockKnown = (): boolean => true;
  syncClock = (): Promise<void> => Promise.resolve();
  trimInbox(...args: Parameters<RegistryStore["trimInbox"]>) {
    return this.#plain(() => this.#network.base.trimInbox(...args));
  }

  listen(): void {
    // No wake-ups: what only polling keeps right is right.
  }
  probe = (): Promise<void> => Promise.resolve();
  shardOf = (): string => "shard";
  openCircuits = (): readonly string[] => [];
  lastFailure = (): undefined => undefined;
  lastHeardAtMs = (): number | undefined => this.#heardAtMs;
  onMasterChange(listener: (partition: Partition) => void): void {
    this.#onMasterChange = listener;
  }
  close = (): Promise<void> => Promise.resolve();

  /** Told to the edge as its process gets to it. */
  #deliver(delayMs: number, settle: () => void): void {
    if (delayMs === 0 && this.#time.isRunning) settle();
    else this.#time.after(delayMs, settle);
  }

  /** Where leases are lost nothing is written late either: that shard is gone, not slow. */
  #unlessLost<T>(partition: Partition, work: () => Promise<T>): () => Promise<T> {
    return () => (this.#network.lostLeases.has(partition) ? Promise.reject(fail("UNAVAILABLE")) : work());
  }

  async #carriedOut<T>(work: () => Promise<T>): Promise<T> {
    this.#network.pending++;
    try {
      return await work();
    } finally {
      this.#network.pending--;
    }
  }

  #later(ms: number, work: () => Promise<unknown>): void {
    this.#network.clock.after(ms, () => {
      if (!this.#network.isDown) this.#carriedOut(work).catch(() => undefined);
    });
  }

  #plain<T>(work: () => Promise<T>): Promise<T> {
    return this.#run({ kind: "ok" }, work);
  }

  #fated<T>(kind: Fated, work: () => Promise<T>): Promise<T> {
    return this.#run(this.fates[kind].shift() ?? { kind: "ok" }, work);
  }

  #run<T>(fate: Fate, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const isAway = this.isCut || this.#network.isDown;
      if (isAway || fate.kind === "refused") {
        const error = fail(isAway ? "UNAVAILABLE" : "CIRCUIT_OPEN");
        this.#deliver(1, () => reject(error));
        return;
      }
      if (fate.kind === "late") {
        this.#later(timeoutMs + fate.ms, work);
        this.#deliver(timeoutMs, () => reject(fail("TIMEOUT")));
        return;
      }
      if (fate.kind === "twice") this.#later(fate.ms, work);
      const delayMs = fate.kind === "slowReply" ? fate.ms : 0;
      this.#carriedOut(work).then(
        (value) => {
          if (fate.kind === "lostReply") this.#deliver(timeoutMs, () => reject(fail("TIMEOUT")));
          // A client that repeated a command by itself says so.
          else
            this.#deliver(delayMs, () => {
              this.#heardAtMs = this.#time.monotonicMs();
              resolve(fate.kind === "twice" ? withStray(value) : value);
            });
        },
        (error: unknown) =>
          this.#deliver(delayMs, () => reject(error instanceof Error ? error : new Error(String(error)))),
      );
    });
  }
}

const fail = (code: "TIMEOUT" | "UNAVAILABLE" | "CIRCUIT_OPEN"): RegistryError =>
  new RegistryError(code, `${code} by fate`, { retryable: true });

const withStray = <T>(value: T): T =>
  typeof value === "object" && value !== null && "outcomes" in value ? { ...value, hasStray: true } : value;
