// Carries the claims and releases of one partition to the store, one call of each kind at a time.
//
// O1. One claim call of a partition is in flight; what comes meanwhile travels together in the next. So a storm fills batches
//     instead of lines, and attempts of one socket never overtake each other.
// O2. Releases go before claims: a station that reconnects finds its old session ended, not superseded.
// O3. A call that fails leaves everything owed; the loop waits (jittered, or as long as the open circuit asks) and goes on. It ends
//     only when nothing is owed.
// O4. What was owed before, and what is asserted again, is paced, so that a returning Redis is not met by all at once.
// O5. Before the first claim of a new incarnation in this partition, the old one is fenced here: a late attempt of it cannot win.

import { RegistryError } from "../errors.ts";
import type { Epoch, Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import { backoffMs, type RetrySettings } from "../policy/retry.ts";
import type { Claim, ClaimOutcome, Claimant, RegistryStore } from "../store-port.ts";
import type { Random, Soon, Time } from "../time.ts";
import type { Book, Entry } from "./book.ts";
import type { Pacer } from "./pacer.ts";

/** What a loop needs around it. */
export interface LoopContext {
  readonly store: RegistryStore;
  readonly book: Book;
  readonly pacer: Pacer;
  readonly time: Time;
  readonly random: Random;
  readonly soon: Soon;
  readonly retry: RetrySettings;
  readonly maxClaimsPerCall: number;
  readonly callDeadlineMs: number;
  /** Who claims; undefined while there is no confirmed lease (an edge that died so early would never be reaped). */
  claimant(): Claimant | undefined;
  granted(entry: Entry, epoch: Epoch): void;
  superseded(entry: Entry, by: { readonly edge: string; readonly epoch: Epoch }): void;
  /** The store says that this incarnation is dead. */
  fenced(incarnation: Incarnation): void;
  /** A release found its row (`ended`) or not. */
  released(entry: Entry, ended: boolean): void;
}

/** Shortest pause after a failure, ms: while a half-open circuit tries one call, the others must not spin. */
const minPauseMs = 25;

/** See the head of this file. */
export class PartitionLoop {
  readonly #partition: Partition;
  readonly #context: LoopContext;
  #wanted = new Set<Entry>();
  #leaving = new Set<Entry>();
  #toFence: Incarnation | undefined;
  #isRunning = false;
  #failures = 0;

  constructor(partition: Partition, context: LoopContext) {
    this.#partition = partition;
    this.#context = context;
  }

  /** An entry is wanted or leaving: it will be carried. */
  add(entry: Entry): void {
    if (entry.phase === "leaving") {
      this.#wanted.delete(entry);
      this.#leaving.add(entry);
    } else if (entry.phase === "wanted") {
      this.#wanted.add(entry);
    }
    this.kick();
  }

  /** The entry is dropped or superseded: nothing is to be carried. */
  remove(entry: Entry): void {
    this.#wanted.delete(entry);
    this.#leaving.delete(entry);
  }

  /** The next claim is made by another incarnation than `old` (O5). */
  changeIncarnation(old: Incarnation): void {
    this.#toFence = old;
  }

  /** Starts the loop if there is something to do. */
  kick(): void {
    if (this.#isRunning || (this.#wanted.size === 0 && this.#leaving.size === 0)) return;
    this.#isRunning = true;
    this.#context.soon(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#leaving.size > 0 || (this.#wanted.size > 0 && this.#context.claimant())) {
      try {
        await this.#releaseSome(); // O2
        await this.#claimSome();
        this.#failures = 0;
      } catch (error) {
        await this.#pause(error); // O3
      }
    }
    this.#isRunning = false;
  }

  async #releaseSome(): Promise<void> {
    const entries = first(this.#leaving, this.#context.maxClaimsPerCall);
    const byIncarnation = Map.groupBy(entries, (entry) => entry.incarnation);
    for (const [incarnation, group] of byIncarnation) {
      if (incarnation !== undefined) await this.#release(incarnation, group);
    }
  }

  async #release(incarnation: Incarnation, entries: readonly Entry[]): Promise<void> {
    const { store, callDeadlineMs, book } = this.#context;
    const releases = entries.map((entry) => ({
      key: entry.session.key,
      connection: entry.session.connection,
      epoch: entry.isUnsettled ? undefined : entry.epoch,
      cause: entry.cause,
    }));
    const outcomes = await store.release(this.#partition, incarnation, releases, callDeadlineMs);
    entries.forEach((entry, i) => {
      this.#leaving.delete(entry);
      book.move(entry, "released");
      this.#context.released(entry, outcomes[i] === "ended");
    });
  }

  async #claimSome(): Promise<void> {
    const { store, book, callDeadlineMs, maxClaimsPerCall } = this.#context;
    const claimant = this.#context.claimant();
    if (!claimant || this.#wanted.size === 0) return;
    if (this.#toFence) {
      await store.fence(this.#partition, this.#toFence, 0, callDeadlineMs); // O5
      this.#toFence = undefined;
    }
    if (store.toShardUs(this.#partition, 0) === undefined)
      await store.syncClock(this.#partition, callDeadlineMs);
    const isReplay = this.#failures > 0 || first(this.#wanted, 1)[0]?.epoch !== undefined;
    if (isReplay) await this.#context.pacer.take(Math.min(this.#wanted.size, maxClaimsPerCall)); // O4
    // From here to the call nothing is awaited: what closed meanwhile has left the set and is not sent.
    const asked = first(this.#wanted, maxClaimsPerCall);
    if (asked.length === 0) return;
    const claims = asked.map((entry) => this.#stamped(entry));
    const wereUnsettled = asked.map((entry) => entry.isUnsettled);
    for (const entry of asked) {
      book.move(entry, "sent");
      entry.isUnsettled = true;
      entry.incarnation = claimant.incarnation;
      this.#wanted.delete(entry);
    }
    try {
      const reply = await store.claim(this.#partition, claimant, claims, callDeadlineMs);
      if (reply.kind === "fenced") {
        this.#putBack(asked, wereUnsettled);
        this.#context.fenced(claimant.incarnation);
        return;
      }
      asked.forEach((entry, i) => this.#answer(entry, reply.outcomes[i]));
    } catch (error) {
      const isUnknown = !(error instanceof RegistryError) || error.isOutcomeUnknown;
      this.#putBack(asked, isUnknown ? asked.map(() => true) : wereUnsettled);
      throw error;
    }
  }

  /** R1: the stamp is made once, of the moment of authentication, in the shard's clock. */
  #stamped(entry: Entry): Claim {
    const { key, identity, connection, version, remote, authenticatedAtMs } = entry.session;
    entry.stampUs ??= this.#context.store.toShardUs(this.#partition, authenticatedAtMs) ?? 0;
    return { key, identity, connection, version, remote, stampUs: entry.stampUs };
  }

  #answer(entry: Entry, outcome: ClaimOutcome | undefined): void {
    const { book } = this.#context;
    if (!outcome) return this.#putBack([entry], [true]);
    if (outcome.kind === "granted") {
      // N2 of entry.ts: what closed meanwhile stays leaving; its release carries no epoch and ends this row.
      if (!book.move(entry, "granted")) return;
      entry.isUnsettled = false;
      entry.epoch = outcome.epoch;
      if (entry.phase === "wanted") this.#wanted.add(entry);
      this.#context.granted(entry, outcome.epoch);
    } else if (book.move(entry, outcome.kind) && outcome.kind === "superseded") {
      this.#context.superseded(entry, outcome.by);
    }
  }

  #putBack(entries: readonly Entry[], areUnsettled: readonly boolean[]): void {
    entries.forEach((entry, i) => {
      entry.isUnsettled = areUnsettled[i] ?? true;
      if (this.#context.book.move(entry, "failed")) this.#wanted.add(entry);
    });
  }

  #pause(error: unknown): Promise<void> {
    const { retry, random, time } = this.#context;
    const askedMs = error instanceof RegistryError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = minPauseMs + askedMs + backoffMs(retry, this.#failures++, random.next());
    return new Promise((resolve) => time.after(waitMs, resolve));
  }
}

/** The oldest `count` of a set. */
function first(entries: ReadonlySet<Entry>, count: number): Entry[] {
  const chosen: Entry[] = [];
  for (const entry of entries) {
    if (chosen.length >= count) break;
    chosen.push(entry);
  }
  return chosen;
}
