// The registry as one edge process uses it: puts claims, lease, inbox, reaper and reads together. See ownership-port.ts.

import type { IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { ConnectionId, EdgeRow, EndCause, Incarnation, SessionRow } from "../model.ts";
import type {
  Admission,
  ClaimAdmission,
  LookupResult,
  HandOver,
  NewSession,
  OwnedSessions,
  Ownership,
  OwnershipHealth,
  PeerContent,
  PeerMessage,
  SessionPage,
  PeerReply,
  Refusal,
  Unsigned,
} from "../ownership-port.ts";
import { leasePartitionOf, partitionOf, partitions, type Partition } from "../partition.ts";
import type { Timer } from "../time.ts";
import { checkDeadline, checkKey, checkLimit, checkSession, checkSettings } from "./arguments.ts";
import { Book, type Entry, type Successor } from "./book.ts";
import { verdict } from "./health.ts";
import { Inbox } from "./inbox.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { flowOf } from "./loop-context.ts";
import { termMsOf, watchOthers, type Others } from "./others.ts";
import { PartitionLoop } from "./partition-loop.ts";
import { readMessage } from "./peer-message.ts";
import { Posting } from "./posting.ts";
import type { OwnershipPorts, OwnershipSettings } from "./settings.ts";

/** However late it is: what the last word to the registry may take, ms. Without it every other edge waits for the lease to lapse. */
const minEndLeaseMs = 200;

/** See ownership-port.ts. */
export class RegistryOwnership implements Ownership {
  readonly #settings: OwnershipSettings;
  readonly #ports: OwnershipPorts;
  readonly #book = new Book();
  readonly #loops: readonly PartitionLoop[];
  readonly #lease: LeaseHolder;
  readonly #inbox: Inbox;
  readonly #others: Others;
  readonly #posting: Posting;
  readonly #timers: Timer[] = [];
  #sessions: OwnedSessions | undefined;
  #greatestEpoch = 0;
  #nextReassert = 0;
  #stopping: Promise<void> | undefined;

  constructor(settings: OwnershipSettings, ports: OwnershipPorts) {
    checkSettings(settings);
    this.#settings = settings;
    this.#ports = ports;
    const { store, time, random, meter } = ports;
    const { edge, fenceMs } = settings;
    const termMs = termMsOf(settings);
    const ownIncarnation = (): Incarnation => this.#lease.incarnation;
    this.#lease = new LeaseHolder({
      store,
      time,
      random,
      edge,
      termMs,
      fenceMs,
      awayMs: 2 * settings.leaseMs,
      renewMs: settings.leaseRenewMs,
      sessions: () => this.#book.sessions,
      begun: () => this.#kickAll(),
      replaced: (old) => this.#replaced(old),
    });
    this.#others = watchOthers(settings, ports, { ownIncarnation, hasLease: () => this.#lease.isBegun });
    this.#posting = new Posting({ ...settings, ...ports, ownIncarnation, reaper: this.#others.reaper });
    this.#inbox = new Inbox({
      store,
      time,
      meter,
      pollMs: settings.inboxPollMs,
      incarnation: ownIncarnation,
      received: (fields, ageMs) => this.#received(fields, ageMs),
    });
    this.#loops = this.#makeLoops();
    store.onMasterChange((partition) => {
      this.#inbox.changeMaster(partition);
      this.#loop(partition).reassert();
      this.#others.reaper.changeMaster(partition);
    });
  }

  async start(sessions: OwnedSessions): Promise<void> {
    if (this.#sessions || this.#stopping) {
      throw new RegistryError("CLOSED", "a registry starts once: create another one", { retryable: false });
    }
    this.#sessions = sessions;
    const { time } = this.#ports;
    this.#inbox.start();
    this.#timers.push(
      // One partition at a time, so that the whole fleet is looked at once in reassertMs and never all at once.
      time.every(this.#settings.reassertMs / partitions.length, () => {
        this.#nextReassert = (this.#nextReassert + 1) % partitions.length;
        this.#loop(this.#nextReassert as Partition).reassert();
      }),
    );
    this.#others.leaseWatch.start();
    await this.#lease.start();
  }

  admission(): Admission {
    const { outagePolicy, maxOwed, leaseRenewMs } = this.#settings;
    const closed = (reason: Refusal): Admission => ({ kind: "closed", reason, retryAfterMs: leaseRenewMs });
    if (this.#stopping) return closed("stopping");
    if (this.#others.strangers.names.length > 0) return closed("other-layout"); // V3 of health.ts
    if (this.#book.unregistered >= maxOwed) return closed("owed-full");
    if (outagePolicy === "reject" && !this.isLeaseValid()) return closed("registry-away"); // R8
    return { kind: "open" };
  }

  claim(session: NewSession): ClaimAdmission {
    checkSession(session);
    const partition = partitionOf(session.key);
    if (this.#book.get(partition, session.connection)) {
      throw new RegistryError(
        "INVALID",
        "that connection has claimed before: every socket has an id of its own",
        { retryable: false },
      );
    }
    if (this.#stopping) return { kind: "refused", reason: "closed" };
    if (this.#book.unregistered >= this.#settings.maxOwed) return { kind: "refused", reason: "owed-full" };
    this.#loop(partition).add(this.#book.add(session, partition));
    return { kind: "accepted" };
  }

  release({ key, connection }: Pick<NewSession, "key" | "connection">, cause: EndCause): void {
    const entry = this.#book.get(partitionOf(key), connection);
    if (!entry || entry.phase === "leaving") return;
    entry.cause = cause;
    const loop = this.#loop(entry.partition);
    const isKnown = entry.isUnsettled || entry.epoch !== undefined; // else it was never sent
    const isTooMuch = isKnown && this.#book.leaving >= this.#settings.maxOwed; // R9
    if (isTooMuch) this.#ports.meter.releaseDropped();
    if (isTooMuch || !isKnown) {
      this.#book.drop(entry);
      loop.remove(entry, isKnown);
      return;
    }
    this.#book.move(entry, "closed");
    loop.add(entry);
  }

  isLeaseValid(): boolean {
    return this.#lease.isValid();
  }

  async lookup(keys: readonly IdentityKey[], deadlineMs: number): Promise<LookupResult> {
    this.#checkOpen();
    checkDeadline("deadlineMs", deadlineMs);
    keys.forEach(checkKey);
    return this.#others.view.lookup(keys, deadlineMs);
  }

  async purge(row: SessionRow): Promise<void> {
    this.#checkOpen();
    await this.#posting.purge(row);
  }

  async send(to: string, message: Unsigned<PeerMessage>, deadlineMs: number): Promise<boolean> {
    this.#checkOpen();
    return this.#posting.send(to, message, deadlineMs);
  }

  async tell(to: string, reply: Unsigned<PeerReply>, deadlineMs: number): Promise<boolean> {
    this.#checkOpen();
    return this.#posting.tell(to, reply, deadlineMs);
  }

  async handOver(keys: readonly IdentityKey[], content: PeerContent, deadlineMs: number): Promise<HandOver> {
    this.#checkOpen();
    return this.#posting.handOver(keys, content, deadlineMs);
  }

  async list(limit: number, cursor: string | undefined): Promise<SessionPage> {
    this.#checkOpen();
    checkLimit(limit);
    return this.#others.view.list(limit, cursor);
  }

  edges(): readonly EdgeRow[] {
    return this.#others.view.edges();
  }

  setDraining(): void {
    this.#lease.setDraining();
  }

  health(): OwnershipHealth {
    const { store, time } = this.#ports;
    const heardAtMs = store.lastHeardAtMs();
    return verdict(
      {
        isLeaseValid: this.isLeaseValid(),
        leaseAgeMs: this.#lease.ageMs(),
        lastHeardMs: heardAtMs === undefined ? Number.POSITIVE_INFINITY : time.monotonicMs() - heardAtMs,
        isChannelAlive: this.#inbox.isChannelAlive,
        owed: this.#book.owed,
        openCircuits: store.openCircuits(),
      },
      this.#settings,
      {
        lastFailure: store.lastFailure(),
        refusal: this.#inbox.refusal,
        leaseFailure: this.#lease.failure,
        strangers: this.#others.strangers.names,
      },
    );
  }

  stop(deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(Math.max(0, deadlineMs || 0));
    return this.#stopping;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { time, store } = this.#ports;
    const endMs = time.monotonicMs() + deadlineMs;
    for (const entry of this.#book) this.release(entry.session, "drained");
    if (this.#lease.isBegun) for (const loop of this.#loops) loop.lookOnceMore(); // R9
    while (this.#isOwing() && time.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => time.after(10, resolve));
    }
    for (const timer of this.#timers) timer.cancel();
    this.#others.leaseWatch.stop();
    this.#others.reaper.stop();
    this.#inbox.stop();
    for (const loop of this.#loops) loop.stop();
    await this.#endLease(endMs);
    await store.close();
  }

  /** What was dropped, and what moved on, is not in the book any more. */
  #isOwing(): boolean {
    return this.#book.owed > 0 || this.#loops.some((loop) => loop.hasUnseen);
  }

  /** The lease becomes a tombstone: others end at once what is left, and again whatever a failover brings back (R7; E4 of reaper.ts). */
  async #endLease(endMs: number): Promise<void> {
    const last = await this.#lease.stop();
    if (!last) return;
    const deadlineMs = Math.max(minEndLeaseMs, endMs - this.#ports.time.monotonicMs());
    const burying = this.#ports.store.bury(leasePartitionOf(last.incarnation), last, deadlineMs);
    await burying.catch(() => undefined); // it will lapse
  }

  #makeLoops(): PartitionLoop[] {
    const { store, time, random, soon } = this.#ports;
    const { retry, maxClaimsPerCall, gatherMs, callDeadlineMs, edge } = this.#settings;
    const context = {
      store,
      time,
      random,
      soon,
      retry,
      maxClaimsPerCall,
      gatherMs,
      callDeadlineMs,
      book: this.#book,
      ...flowOf(this.#settings, time),
      claimant: () =>
        this.#lease.isBegun
          ? { incarnation: this.#lease.incarnation, edge, epochFloor: this.#greatestEpoch }
          : undefined,
      granted: (entry: Entry, epoch: number) => this.#granted(entry, epoch),
      superseded: (entry: Entry, by: Successor) => this.#lost(entry, by),
      fenced: (incarnation: Incarnation) => this.#lease.fenced(incarnation),
      released: (_entry: Entry, ended: boolean) => {
        if (!ended) this.#ports.meter.conditionalMiss("release");
      },
      reconciled: (rows: number) => {
        if (rows > 0) this.#ports.meter.rowsReconciled(rows);
      },
    };
    return partitions.map((partition) => new PartitionLoop(partition, context));
  }

  #granted(entry: Entry, epoch: number): void {
    this.#greatestEpoch = Math.max(this.#greatestEpoch, epoch);
    this.#sessions?.granted(entry.session, epoch);
  }

  #lost(entry: Entry, by: Successor): void {
    this.#greatestEpoch = Math.max(this.#greatestEpoch, by.epoch);
    this.#sessions?.superseded(entry.session, by);
  }

  #received({ m, kind, key, conn, edge, epoch }: Readonly<Record<string, string>>, ageMs: number): void {
    const message = m === undefined ? undefined : readMessage(m);
    const isEviction = kind === "evict";
    this.#ports.meter.inboxMessages(message?.kind ?? (isEviction ? "evict" : "unknown"), 1);
    if (isEviction)
      this.#evicted(partitionOf(key ?? ""), conn as ConnectionId, { edge: edge ?? "", epoch: Number(epoch) });
    else if (message) this.#sessions?.message(message, ageMs);
  }

  #evicted(partition: Partition, connection: ConnectionId, by: Successor): void {
    const entry = this.#book.get(partition, connection);
    if (!entry || !Number.isSafeInteger(by.epoch)) return;
    this.#ports.meter.evictions("received", 1);
    this.#loop(partition).evicted(entry, by); // R6
  }

  /** The old incarnation is dead: every session is claimed again under the new one, with its old stamp. */
  #replaced(old: Incarnation): void {
    this.#ports.meter.newIncarnation();
    this.#inbox.changeIncarnation();
    for (const loop of this.#loops) {
      loop.changeIncarnation(old);
      loop.reassert();
    }
  }

  #kickAll(): void {
    this.#inbox.changeIncarnation();
    for (const loop of this.#loops) loop.kick();
  }

  #checkOpen(): void {
    if (this.#stopping) {
      throw new RegistryError("CLOSED", "this registry was stopped: ask another edge, or create a new one", {
        retryable: false,
      });
    }
  }

  #loop(partition: Partition): PartitionLoop {
    const loop = this.#loops[partition];
    if (!loop) throw new RangeError(`no partition ${partition}`);
    return loop;
  }
}
