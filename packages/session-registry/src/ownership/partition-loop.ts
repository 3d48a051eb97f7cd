// Carries the claims and releases of one partition to the store, one call of each kind at a time.
//
// O1. One claim call of a partition is in flight; what comes meanwhile, and in a storm (surge.ts) within gatherMs of the last turn's
//     beginning, travels together in the next. So a storm fills batches instead of lines (a call costs many times what one more claim in
//     it does), in quiet times nobody waits, and attempts of one socket never overtake each other.
// O2. Releases go before claims, but for that of a session whose charge point came back here: the newer socket's claim ends the older's row
//     and makes its own in one script, so that nobody finds it absent. That release waits for as long as the newer is to be claimed: once it
//     was granted nothing is left to release, and if it is gone, or there is nobody to claim by, the release goes as any other.
// O3. A call that fails leaves everything owed; the loop waits (jittered, or as long as the open circuit asks) and goes on. It ends
//     only when nothing is owed.
// O4. What was owed before, and what is asserted again, is paced, so that a returning Redis is not met by all at once.
// O5. Before the first claim of a new incarnation in this partition, every old one is fenced here: a late attempt of it cannot win.
// O6. A claim is undone by tombstone unless every attempt of it was answered: one that was not may still be carried out (R4).
// O7. A release that was dropped stays owed, by this partition, until a reconcile that began after it is done (R9). One whose claim may yet be
//     carried out can come to be after that: only the fence of a buried incarnation keeps it out.
// O8. Before the incarnation ends in order, its index is looked at once more: a charge point that moved on left its name there, and it is not
//     known whether another edge will come before the tombstone goes (R9).
// O9. Once all that was held here under an old incarnation is claimed anew or released, what it has left is ended: the row of a socket that
//     closed before its claim under the new name was carried out, and names. Its lease may lie on a lost shard (H6), so nobody else would.

import { RegistryError } from "../errors.ts";
import type { Incarnation } from "../model.ts";
import type { Partition } from "../partition.ts";
import { backoffMs } from "../policy/retry.ts";
import type { Claim, ClaimOutcome, Claimant } from "../store-port.ts";
import { first, type Entry, type Successor } from "./book.ts";
import type { LoopContext } from "./loop-context.ts";
import { OldIncarnations } from "./old-incarnations.ts";
import { reconcile } from "./reconcile.ts";
import { isNewer, newestByKey } from "./take-over.ts";

/** Shortest pause after a failure, ms: while a half-open circuit tries one call, the others must not spin. */
const minPauseMs = 25;

/** See the head of this file. */
export class PartitionLoop {
  readonly #partition: Partition;
  readonly #context: LoopContext;
  readonly #wanted = new Set<Entry>();
  readonly #leaving = new Set<Entry>();
  readonly #old: OldIncarnations;
  #isToReconcile = false;
  /** Releases dropped, and last looks, that no reconcile followed yet (O7, O8). */
  #unseen = 0;
  #isRunning = false;
  #isStopped = false;
  #failures = 0;
  #turnAtMs = Number.NEGATIVE_INFINITY;
  /** How many more go at the pacer's rate (O4). */
  #paced = 0;

  constructor(partition: Partition, context: LoopContext) {
    this.#partition = partition;
    this.#context = context;
    this.#old = new OldIncarnations(partition, context);
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

  /** The entry is dropped: nothing is to be carried. `isKnown`: Redis may know of it; its row is found by reconciling. */
  remove(entry: Entry, isKnown: boolean): void {
    this.#wanted.delete(entry);
    this.#leaving.delete(entry);
    this.#isToReconcile ||= isKnown;
    if (isKnown) this.#unseen++;
    this.kick();
  }

  /** Every session of this incarnation is being released: one look more, and nothing is left of it here (O8). */
  lookOnceMore(): void {
    this.#isToReconcile = true;
    this.#unseen++;
    this.kick();
  }

  /** Whether rows may be here whose release was dropped (O7), names that were not looked at (O8), or either of an old incarnation (O9). */
  get hasUnseen(): boolean {
    return this.#unseen > 0 || this.#old.mayHold;
  }

  /** R6: only an entry whose epoch is lower. One whose claim is unanswered is left to that answer, which has the epoch. */
  evicted(entry: Entry, by: Successor): void {
    if (entry.phase === "leaving") return;
    if (entry.epoch === undefined || entry.phase === "asked" || entry.phase === "stale") {
      if (!entry.eviction || entry.eviction.epoch < by.epoch) entry.eviction = by;
    } else if (entry.epoch < by.epoch) {
      this.#lose(entry, by);
    }
  }

  /** Asks again for every session here, and looks for rows that nobody holds: the master may have lost what it acknowledged. */
  reassert(): void {
    for (const entry of this.#context.book.of(this.#partition)) {
      if (this.#context.book.move(entry, "reassert") && entry.phase === "wanted") this.#wanted.add(entry);
    }
    this.#paced = Math.max(this.#paced, this.#wanted.size); // O4
    this.#isToReconcile = true;
    this.kick();
  }

  /** The next claim is made by another incarnation than `old` (O5, O9). */
  changeIncarnation(old: Incarnation): void {
    this.#old.add(old);
  }

  /** Starts the loop if there is something to do. */
  kick(): void {
    if (this.#isRunning || !this.#hasWork()) return;
    this.#isRunning = true;
    this.#context.soon(() => void this.#run());
  }

  /** Nothing more is carried. */
  stop(): void {
    this.#isStopped = true;
  }

  #hasWork(): boolean {
    if (this.#isStopped) return false;
    if (this.#leaving.size > 0) return true;
    if (this.#wanted.size === 0 && this.#old.mayHold) return true;
    return (this.#wanted.size > 0 || this.#isToReconcile) && this.#context.claimant() !== undefined;
  }

  #isAtRest(): boolean {
    return this.#leaving.size === 0 && this.#wanted.size === 0;
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      try {
        await this.#gather(); // O1
        await this.#releaseSome(); // O2
        await this.#claimSome();
        if (this.#isAtRest()) this.#context.reconciled(await this.#old.empty()); // O9
        if (this.#isAtRest()) await this.#reconcile();
        this.#failures = 0;
      } catch (error) {
        await this.#pause(error); // O3
      }
    }
    this.#isRunning = false;
  }

  async #gather(): Promise<void> {
    const { time, gatherMs } = this.#context;
    const waitMs = this.#turnAtMs + gatherMs - time.monotonicMs();
    if (waitMs > 0 && this.#context.surge.rises())
      await new Promise<void>((resolve) => time.after(waitMs, resolve));
    this.#turnAtMs = time.monotonicMs();
  }

  async #releaseSome(): Promise<void> {
    if (this.#leaving.size === 0) return;
    if (this.#paced > 0) await this.#pace(this.#free().length);
    const entries = this.#free(); // chosen now: who came back meanwhile has its release wait
    const incarnation = entries[0]?.incarnation;
    const together = entries.filter((entry) => entry.incarnation === incarnation);
    if (incarnation !== undefined) await this.#release(incarnation, together);
    else for (const entry of together) this.#released(entry, false); // never sent: Redis knows nothing of it
  }

  /** Of the leaving those that wait for no claim (O2). */
  #free(): Entry[] {
    const coming = this.#context.claimant() ? newestByKey(this.#wanted) : undefined;
    const isFree = (entry: Entry): boolean => {
      const newer = coming?.get(entry.session.key);
      return !newer || !isNewer(newer, entry);
    };
    return first(this.#leaving, this.#batch(), isFree);
  }

  async #release(incarnation: Incarnation, entries: readonly Entry[]): Promise<void> {
    const { store, callDeadlineMs } = this.#context;
    const releases = entries.map((entry) => ({
      key: entry.session.key,
      connection: entry.session.connection,
      epoch: entry.isUnsettled ? undefined : entry.epoch, // O6
      cause: entry.cause,
    }));
    const outcomes = await store.release(this.#partition, incarnation, releases, callDeadlineMs);
    entries.forEach((entry, i) => this.#released(entry, outcomes[i] === "ended"));
  }

  #released(entry: Entry, ended: boolean): void {
    this.#leaving.delete(entry);
    this.#context.book.move(entry, "released");
    this.#context.released(entry, ended);
  }

  async #claimSome(): Promise<void> {
    if (this.#wanted.size === 0 || !this.#context.claimant()) return;
    await this.#old.fence(); // O5
    await this.#pace(Math.min(this.#wanted.size, this.#batch()));
    await this.#knowClock(); // behind the pace, which may take seconds: the master may change meanwhile
    // From here to the call nothing is awaited: what closed meanwhile has left the set and is not sent, and who lost its lease
    // meanwhile does not claim.
    const claimant = this.#context.claimant();
    const asked = first(this.#wanted, this.#batch());
    if (asked.length === 0 || !claimant || this.#old.areLoose) return;
    if (!this.#context.store.isClockKnown(this.#partition)) return; // the master changed while its clock was asked (R1)
    await this.#claim(claimant, asked);
  }

  async #knowClock(): Promise<void> {
    const { store, callDeadlineMs } = this.#context;
    if (!store.isClockKnown(this.#partition)) await store.syncClock(this.#partition, callDeadlineMs);
  }

  async #claim(claimant: Claimant, asked: readonly Entry[]): Promise<void> {
    const { store, book, callDeadlineMs } = this.#context;
    const leaving = newestByKey(this.#leaving);
    const claims = asked.map((entry) => this.#stamped(entry, leaving.get(entry.session.key)));
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
      asked.forEach((entry, i) => {
        const hasStray = (wereUnsettled[i] ?? true) || reply.hasStray === true; // O6
        this.#answer(entry, reply.outcomes[i], hasStray);
        const older = leaving.get(entry.session.key);
        if (reply.outcomes[i]?.kind === "granted" && older && isNewer(entry, older)) this.#takenOver(older);
      });
    } catch (error) {
      const isUnknown = !(error instanceof RegistryError) || error.isOutcomeUnknown;
      this.#putBack(asked, isUnknown ? asked.map(() => true) : wereUnsettled);
      throw error;
    }
  }

  /** R1: the stamp is made once, of the moment of authentication, in the shard's clock. */
  #stamped(entry: Entry, leaving: Entry | undefined): Claim {
    const { key, identity, connection, version, remote } = entry.session;
    entry.stampUs ??= this.#stampUs(entry, leaving);
    return { key, identity, connection, version, remote, stampUs: entry.stampUs };
  }

  /** Greater than that of the socket which it takes over from here, whatever that one's shard had for a clock (T1 of take-over.ts). */
  #stampUs(entry: Entry, leaving: Entry | undefined): number {
    const stampUs = this.#context.store.toShardUs(this.#partition, entry.session.authenticatedAtMs);
    if (stampUs === undefined)
      throw new RegistryError("UNAVAILABLE", "claim: no clock yet", { retryable: true });
    return leaving && isNewer(entry, leaving) ? Math.max(stampUs, (leaving.stampUs ?? 0) + 1) : stampUs;
  }

  /** The newer one's row stands where the older's did. One that may yet be carried out is undone all the same (O6). */
  #takenOver(older: Entry): void {
    if (older.isHeld && !older.isUnsettled) this.#released(older, true);
  }

  #answer(entry: Entry, outcome: ClaimOutcome | undefined, hasStray: boolean): void {
    const { book } = this.#context;
    // N2 of entry.ts: what closed meanwhile stays leaving and unsettled; its undo ends whatever was granted.
    if (entry.phase === "leaving" || !entry.isHeld) return;
    if (!outcome) return this.#putBack([entry], [true]);
    entry.isUnsettled = hasStray;
    if (outcome.kind === "superseded") return this.#lose(entry, outcome.by);
    if (outcome.kind === "undone") return void book.move(entry, "undone");
    const { eviction } = entry;
    entry.eviction = undefined;
    if (eviction && outcome.epoch < eviction.epoch) return this.#lose(entry, eviction); // R6
    book.grant(entry, outcome.epoch);
    book.move(entry, "granted");
    if (entry.phase === "wanted") this.#wanted.add(entry);
    this.#context.granted(entry, outcome.epoch);
  }

  /** A newer socket owns the identity. What may yet be carried out of this one's claim is undone (O6). */
  #lose(entry: Entry, by: Successor): void {
    this.#wanted.delete(entry);
    entry.cause = "superseded";
    if (!this.#context.book.move(entry, entry.isUnsettled ? "closed" : "superseded")) return;
    if (entry.phase === "leaving") this.add(entry);
    this.#context.superseded(entry, by);
  }

  #putBack(entries: readonly Entry[], areUnsettled: readonly boolean[]): void {
    entries.forEach((entry, i) => {
      if (entry.phase === "leaving") return; // its undo is owed, whatever became of the claim
      entry.isUnsettled = areUnsettled[i] ?? true;
      if (this.#context.book.move(entry, "failed")) this.#wanted.add(entry);
    });
  }

  async #reconcile(): Promise<void> {
    const claimant = this.#context.claimant();
    if (!this.#isToReconcile || !claimant) return;
    this.#isToReconcile = false;
    const unseen = this.#unseen;
    try {
      this.#context.reconciled(await reconcile(this.#partition, claimant.incarnation, this.#context));
      this.#unseen -= unseen; // O7
    } catch (error) {
      this.#isToReconcile = true;
      throw error;
    }
  }

  /** After a failure one goes first, to see whether the shard answers again. */
  #batch(): number {
    return this.#failures > 0 ? 1 : this.#context.maxClaimsPerCall;
  }

  /** O4. */
  async #pace(count: number): Promise<void> {
    if (count === 0 || this.#paced === 0) return;
    this.#paced = Math.max(0, this.#paced - count);
    await this.#context.pacer.take(count);
  }

  #pause(error: unknown): Promise<void> {
    const { retry, random, time } = this.#context;
    this.#paced = this.#wanted.size + this.#leaving.size;
    const askedMs = error instanceof RegistryError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = minPauseMs + askedMs + backoffMs(retry, this.#failures++, random.next());
    return new Promise((resolve) => time.after(waitMs, resolve));
  }
}
