// The registry as one edge process uses it: puts claims, lease, inbox, reaper and reads together. See ownership-port.ts.

import type { IdentityKey } from "@cpg/ocpp";
import { RegistryError } from "../errors.ts";
import type { ConnectionId, EdgeRow, EndCause, Incarnation, SessionRow } from "../model.ts";
import type {
  Admission,
  ClaimAdmission,
  LookupResult,
  NewSession,
  OwnedSessions,
  Ownership,
  OwnershipHealth,
  PeerMessage,
  SessionPage,
} from "../ownership-port.ts";
import { leasePartitionOf, leasePartitions, partitionOf, partitions, type Partition } from "../partition.ts";
import type { InboxEntry } from "../store-port.ts";
import type { Timer } from "../time.ts";
import { Book, type Entry } from "./book.ts";
import { DeathWatch } from "./death-watch.ts";
import { verdict } from "./health.ts";
import { Inbox } from "./inbox.ts";
import { LeaseHolder } from "./lease-holder.ts";
import { Pacer } from "./pacer.ts";
import { PartitionLoop } from "./partition-loop.ts";
import { readMessage, writeMessage } from "./peer-message.ts";
import { Reaper } from "./reaper.ts";
import { RegistryView } from "./registry-view.ts";
import type { OwnershipPorts, OwnershipSettings } from "./settings.ts";

/** See ownership-port.ts. */
export class RegistryOwnership implements Ownership {
  readonly #settings: OwnershipSettings;
  readonly #ports: OwnershipPorts;
  readonly #book = new Book();
  readonly #loops: readonly PartitionLoop[];
  readonly #lease: LeaseHolder;
  readonly #inbox: Inbox;
  readonly #watch: DeathWatch;
  readonly #reaper: Reaper;
  readonly #view: RegistryView;
  readonly #timers: Timer[] = [];
  #sessions: OwnedSessions | undefined;
  #greatestEpoch = 0;
  #nextReassert = 0;
  #isStopping = false;

  constructor(settings: OwnershipSettings, ports: OwnershipPorts) {
    this.#settings = settings;
    this.#ports = ports;
    const { store, time, random, meter } = ports;
    const { edge, callDeadlineMs, fenceMs } = settings;
    // Readers see a renewal up to one poll late and judge up to one poll late: two polls less, and what an edge
    // claimed is unroutable within leaseMs of its last renewal (R7).
    const termMs = settings.leaseMs - 2 * settings.leasePollMs;
    this.#watch = new DeathWatch(termMs, settings.leasePollMs);
    this.#lease = new LeaseHolder({
      store,
      time,
      random,
      edge,
      termMs,
      renewMs: settings.leaseRenewMs,
      sessions: () => this.#book.sessions,
      begun: () => this.#kickAll(),
      replaced: (old) => this.#replaced(old),
    });
    this.#reaper = new Reaper({
      store,
      time,
      random,
      callDeadlineMs,
      fenceMs,
      courtesyMs: settings.leasePollMs,
      buried: () => meter.edgeDeclaredDead(),
    });
    this.#inbox = new Inbox({
      store,
      time,
      meter,
      pollMs: settings.inboxPollMs,
      incarnation: () => this.#lease.incarnation,
      received: (entry, ageMs) => this.#received(entry, ageMs),
    });
    this.#view = new RegistryView({
      store,
      meter,
      callDeadlineMs,
      watch: this.#watch,
      reaper: this.#reaper,
      ownIncarnation: () => this.#lease.incarnation,
    });
    this.#loops = this.#makeLoops();
    store.onMasterChange((partition) => this.#reassert(partition));
  }

  async start(sessions: OwnedSessions): Promise<void> {
    this.#sessions = sessions;
    const { time } = this.#ports;
    const { leasePollMs, reassertMs } = this.#settings;
    this.#inbox.start();
    this.#timers.push(
      time.every(leasePollMs, () => this.#readLeases()),
      // One partition at a time, so that the whole fleet is looked at once in reassertMs and never all at once.
      time.every(reassertMs / partitions.length, () => {
        this.#nextReassert = (this.#nextReassert + 1) % partitions.length;
        this.#reassert(this.#nextReassert as Partition);
      }),
    );
    this.#readLeases();
    await this.#lease.start();
  }

  admission(): Admission {
    const { outagePolicy, maxOwed, leaseRenewMs } = this.#settings;
    if (this.#isStopping) return { kind: "closed", reason: "stopping", retryAfterMs: leaseRenewMs };
    if (this.#book.owed >= maxOwed)
      return { kind: "closed", reason: "owed-full", retryAfterMs: leaseRenewMs };
    if (outagePolicy === "reject" && !this.isLeaseValid()) {
      return { kind: "closed", reason: "registry-away", retryAfterMs: leaseRenewMs };
    }
    return { kind: "open" };
  }

  claim(session: NewSession): ClaimAdmission {
    if (this.#isStopping) return { kind: "refused", reason: "closed" };
    if (this.#book.owed >= this.#settings.maxOwed) return { kind: "refused", reason: "owed-full" };
    const entry = this.#book.add(session);
    this.#loop(entry.partition).add(entry);
    return { kind: "accepted" };
  }

  release(connection: ConnectionId, cause: EndCause): void {
    const entry = this.#book.get(connection);
    if (!entry || entry.phase === "leaving") return;
    entry.cause = cause;
    const loop = this.#loop(entry.partition);
    if (!entry.isUnsettled && entry.epoch === undefined) {
      this.#book.drop(entry); // never sent: Redis knows nothing of it
      loop.remove(entry);
      return;
    }
    this.#book.move(entry, "closed");
    loop.add(entry);
  }

  isLeaseValid(): boolean {
    return this.#lease.isValid();
  }

  lookup(keys: readonly IdentityKey[], deadlineMs: number): Promise<LookupResult> {
    return this.#view.lookup(keys, deadlineMs);
  }

  async purge(row: SessionRow): Promise<void> {
    const release = { key: row.key, connection: row.connection, epoch: row.epoch, cause: "stale" as const };
    const { callDeadlineMs } = this.#settings;
    const { meter, store } = this.#ports;
    const [outcome] = await store.release(partitionOf(row.key), row.incarnation, [release], callDeadlineMs);
    if (outcome === "ended") meter.staleRoute();
    else meter.conditionalMiss("purge");
  }

  async send(to: string, message: Omit<PeerMessage, "from">, deadlineMs: number): Promise<boolean> {
    const partition = partitionOf(message.key);
    const fields = writeMessage({ ...message, from: this.#lease.incarnation });
    const outcome = await this.#ports.store.post(partition, to as Incarnation, fields, deadlineMs);
    if (outcome === "full") {
      throw new RegistryError("INBOX_FULL", `the inbox of ${to} is full: that edge does not read it`, {
        retryable: true,
      });
    }
    return outcome === "posted";
  }

  list(limit: number, cursor: string | undefined): Promise<SessionPage> {
    return this.#view.list(limit, cursor);
  }

  edges(): readonly EdgeRow[] {
    return this.#view.edges();
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
    );
  }

  async stop(deadlineMs: number): Promise<void> {
    const { time, store } = this.#ports;
    if (this.#isStopping) return;
    this.#isStopping = true;
    const endMs = time.monotonicMs() + deadlineMs;
    for (const entry of this.#book) this.release(entry.session.connection, "drained");
    while (this.#book.owed > 0 && time.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => time.after(10, resolve));
    }
    for (const timer of this.#timers) timer.cancel();
    this.#inbox.stop();
    this.#reaper.stop();
    await this.#endLease(Math.max(1, endMs - time.monotonicMs()));
    await store.close();
  }

  /** Nothing left: the lease is removed. Something left: it becomes a tombstone, so that others end it at once. */
  async #endLease(deadlineMs: number): Promise<void> {
    const last = this.#lease.stop();
    if (!last) return;
    const partition = leasePartitionOf(last.incarnation);
    const { store } = this.#ports;
    const ending =
      this.#book.owed === 0
        ? store.forget(partition, last, deadlineMs)
        : store.bury(partition, last, deadlineMs);
    await ending.catch(() => undefined); // it will lapse
  }

  #makeLoops(): PartitionLoop[] {
    const { store, time, random, soon } = this.#ports;
    const { retry, maxClaimsPerCall, callDeadlineMs, edge } = this.#settings;
    const context = {
      store,
      time,
      random,
      soon,
      retry,
      maxClaimsPerCall,
      callDeadlineMs,
      book: this.#book,
      pacer: new Pacer(this.#settings.replayPerSecond, time),
      claimant: () =>
        this.#lease.isBegun
          ? { incarnation: this.#lease.incarnation, edge, epochFloor: this.#greatestEpoch }
          : undefined,
      granted: (entry: Entry, epoch: number) => this.#granted(entry, epoch),
      superseded: (entry: Entry, by: { readonly edge: string; readonly epoch: number }) =>
        this.#lost(entry, by),
      fenced: (incarnation: Incarnation) => this.#lease.fenced(incarnation),
      released: (_entry: Entry, ended: boolean) => {
        if (!ended) this.#ports.meter.conditionalMiss("release");
      },
    };
    return partitions.map((partition) => new PartitionLoop(partition, context));
  }

  #granted(entry: Entry, epoch: number): void {
    this.#greatestEpoch = Math.max(this.#greatestEpoch, epoch);
    this.#sessions?.granted(entry.session.connection, epoch);
  }

  #lost(entry: Entry, by: { readonly edge: string; readonly epoch: number }): void {
    this.#greatestEpoch = Math.max(this.#greatestEpoch, by.epoch);
    this.#sessions?.superseded(entry.session.connection, by);
  }

  #received(entry: InboxEntry, ageMs: number): void {
    const { meter } = this.#ports;
    const { fields } = entry;
    meter.inboxMessages(fields["kind"] ?? "unknown", 1);
    if (fields["kind"] === "evict") {
      this.#evicted(fields["conn"] as ConnectionId, {
        edge: fields["edge"] ?? "",
        epoch: Number(fields["epoch"]),
      });
      return;
    }
    const message = readMessage(fields);
    if (message) this.#sessions?.message(message, ageMs);
  }

  /** R6: only a session whose epoch is lower. One whose claim is still unanswered is left to that answer. */
  #evicted(connection: ConnectionId, by: { readonly edge: string; readonly epoch: number }): void {
    const entry = this.#book.get(connection);
    if (!entry || entry.epoch === undefined || !(entry.epoch < by.epoch)) return;
    if (!this.#book.move(entry, "superseded")) return;
    this.#ports.meter.evictions("received", 1);
    this.#loop(entry.partition).remove(entry);
    this.#lost(entry, by);
  }

  /** Asks again for every session of a partition: its master may have lost what it acknowledged. */
  #reassert(partition: Partition): void {
    for (const entry of this.#book) {
      if (entry.partition === partition && this.#book.move(entry, "reassert"))
        this.#loop(partition).add(entry);
    }
  }

  /** The old incarnation is dead: every session is claimed again under the new one, with its old stamp. */
  #replaced(old: Incarnation): void {
    this.#ports.meter.newIncarnation();
    for (const loop of this.#loops) loop.changeIncarnation(old);
    this.#inbox.changeIncarnation();
    for (const partition of partitions) this.#reassert(partition);
  }

  #kickAll(): void {
    this.#inbox.changeIncarnation();
    for (const loop of this.#loops) loop.kick();
  }

  #readLeases(): void {
    for (const partition of leasePartitions) void this.#readLeasesOf(partition);
  }

  async #readLeasesOf(partition: Partition): Promise<void> {
    const { store, time } = this.#ports;
    try {
      const entries = await store.leases(partition, this.#settings.leasePollMs);
      this.#view.remember(partition, entries);
      const judged = this.#watch.observe(partition, entries, time.monotonicMs());
      const others = judged.filter((entry) => entry.incarnation !== this.#lease.incarnation);
      await this.#reaper.look(partition, entries, others);
    } catch {
      this.#watch.missed(partition);
    }
  }

  #loop(partition: Partition): PartitionLoop {
    const loop = this.#loops[partition];
    if (!loop) throw new RangeError(`no partition ${partition}`);
    return loop;
  }
}
