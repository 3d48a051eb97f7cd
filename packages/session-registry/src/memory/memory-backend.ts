// The registry in one process: what Redis and the scripts of lua/ do, said in TypeScript. Synchronous and without I/O.
//
// Several handles (memory-store.ts) may share one backend: the model tests do. A gateway never shares it between processes,
// so `npm start -- --registry memory` refuses a second edge.
// Each guard below is the counterpart of one in the Lua; the mutation check (SPEC, *Attacked by*) removes them one by one.

import { isCandidate, type IdentityKey } from "@cpg/ocpp";
import type { ConnectionId, Incarnation, LifecycleEvent, SessionRow } from "../model.ts";
import { partitionOf, partitions, type Partition } from "../partition.ts";
import {
  inboxPage,
  type Claim,
  type Claimant,
  type ClaimOutcome,
  type ClaimReply,
  type HandOverReply,
  type InboxEntry,
  type LeaseEntry,
  type LeaseRenewal,
  type Release,
  type ReleaseOutcome,
  type OnWake,
} from "../store-port.ts";
import { leaseValue, readLease, tombstoneValue } from "../lease-value.ts";

/** Bounds, as in `registry.*`. */
export interface MemoryRetention {
  readonly eventsMaxLength: number;
  readonly inboxMaxLength: number;
  readonly tombstoneMs: number;
}

/** One partition's keys. */
interface PartitionState {
  readonly rows: Map<IdentityKey, SessionRow>;
  readonly events: { readonly streamId: string; readonly event: LifecycleEvent }[];
  readonly leases: Map<Incarnation, string>;
  readonly fenced: Set<Incarnation>;
  readonly index: Map<Incarnation, Set<IdentityKey>>;
  /** Connection → µs after which it may be forgotten. */
  readonly undone: Map<ConnectionId, number>;
  readonly inboxes: Map<Incarnation, InboxEntry[]>;
}

/** A copy of everything stored. */
export interface MemorySnapshot {
  readonly partitions: readonly PartitionState[];
}

/** Everything that handles share. */
export class MemoryBackend {
  #partitions: readonly PartitionState[] = partitions.map(() => ({
    rows: new Map(),
    events: [],
    leases: new Map(),
    fenced: new Set(),
    index: new Map(),
    undone: new Map(),
    inboxes: new Map(),
  }));
  readonly #wakers = new Map<Incarnation, OnWake>();
  readonly #retention: MemoryRetention;
  readonly clockUs: () => number;
  #sequence = 0;
  #lastUs = 0;

  /** `clockUs`: the one clock of this "shard", µs since 1970. */
  constructor(retention: MemoryRetention, clockUs: () => number) {
    this.#retention = retention;
    this.clockUs = clockUs;
  }

  /** No two readings are alike, as in Redis, where no two scripts fit into one microsecond: an identity that comes back gets a greater epoch. */
  nowUs(): number {
    this.#lastUs = Math.max(this.#lastUs + 1, Math.round(this.clockUs()));
    return this.#lastUs;
  }

  row(partition: Partition, key: IdentityKey): SessionRow | undefined {
    return this.#at(partition).rows.get(key);
  }

  claim(partition: Partition, claimant: Claimant, claims: readonly Claim[]): ClaimReply {
    const state = this.#at(partition);
    if (state.fenced.has(claimant.incarnation)) return { kind: "fenced" };
    return { kind: "answered", outcomes: claims.map((claim) => this.#claimOne(partition, claimant, claim)) };
  }

  #claimOne(partition: Partition, claimant: Claimant, claim: Claim): ClaimOutcome {
    const state = this.#at(partition);
    const now = this.nowUs();
    const row = state.rows.get(claim.key);
    const same = row?.connection === claim.connection;
    if (state.undone.has(claim.connection)) return { kind: "undone" }; // R4
    if (row && same && row.incarnation === claimant.incarnation) return { kind: "granted", epoch: row.epoch }; // R4
    if (row && !same && row.stampUs <= now && isNewer(row, claim)) {
      return { kind: "superseded", by: { edge: row.edge, epoch: row.epoch } }; // R1
    }
    const epoch = Math.max(now, claimant.epochFloor + 1, row ? row.epoch + 1 : 0); // R2
    if (row) {
      this.#event(partition, row, { kind: "disconnected", cause: same ? "edge-fenced" : "superseded" });
      if (!same && row.incarnation !== claimant.incarnation) {
        this.#append(partition, row.incarnation, {
          kind: "evict",
          key: claim.key,
          conn: row.connection,
          epoch: String(epoch),
          edge: claimant.edge,
        });
      }
    }
    const granted: SessionRow = {
      key: claim.key,
      identity: claim.identity,
      version: claim.version,
      remote: claim.remote,
      connection: claim.connection,
      stampUs: Math.min(claim.stampUs, now),
      edge: claimant.edge,
      incarnation: claimant.incarnation,
      epoch,
    };
    state.rows.set(claim.key, granted);
    this.#indexOf(state, claimant.incarnation).add(claim.key);
    this.#event(partition, granted, { kind: "connected", cause: "" });
    return { kind: "granted", epoch };
  }

  release(partition: Partition, incarnation: Incarnation, releases: readonly Release[]): ReleaseOutcome[] {
    return releases.map((release) => this.#releaseOne(partition, incarnation, release));
  }

  #releaseOne(partition: Partition, incarnation: Incarnation, release: Release): ReleaseOutcome {
    const state = this.#at(partition);
    const row = state.rows.get(release.key);
    const isMine = row?.incarnation === incarnation; // R3: incarnation …
    const matches =
      (release.connection === undefined || row?.connection === release.connection) && // … connection …
      (release.epoch === undefined || row?.epoch === release.epoch); // … and epoch
    if (release.epoch === undefined && release.connection !== undefined) {
      state.undone.set(release.connection, this.nowUs() + this.#retention.tombstoneMs * 1000); // R4
      for (const [connection, until] of state.undone)
        if (until <= this.nowUs()) state.undone.delete(connection);
    }
    if (!isMine) state.index.get(incarnation)?.delete(release.key);
    if (!row || !isMine || !matches) return "elsewhere";
    state.rows.delete(release.key);
    state.index.get(incarnation)?.delete(release.key);
    this.#event(partition, row, { kind: "disconnected", cause: release.cause });
    return "ended";
  }

  renew(partition: Partition, renewal: LeaseRenewal): "renewed" | "fenced" {
    const { leases } = this.#at(partition);
    const value = leases.get(renewal.incarnation);
    if (value !== undefined && readLease(renewal.incarnation, value).state.kind === "dead") return "fenced";
    leases.set(renewal.incarnation, leaseValue(renewal));
    return "renewed";
  }

  leases(partition: Partition): LeaseEntry[] {
    return [...this.#at(partition).leases].map(([incarnation, value]) => readLease(incarnation, value));
  }

  bury(partition: Partition, judged: LeaseEntry): boolean {
    const { leases } = this.#at(partition);
    if (leases.get(judged.incarnation) !== judged.value) return false;
    leases.set(judged.incarnation, tombstoneValue(Math.floor(this.nowUs() / 1000)));
    return true;
  }

  forget(partition: Partition, tombstone: LeaseEntry): void {
    const { leases } = this.#at(partition);
    if (leases.get(tombstone.incarnation) === tombstone.value) leases.delete(tombstone.incarnation);
  }

  fence(partition: Partition, incarnation: Incarnation, limit: number): IdentityKey[] {
    const state = this.#at(partition);
    state.fenced.add(incarnation);
    return [...(state.index.get(incarnation) ?? [])].sort().slice(0, limit);
  }

  index(
    partition: Partition,
    incarnation: Incarnation,
    page: { readonly after: string; readonly limit: number },
  ) {
    const keys = [...(this.#at(partition).index.get(incarnation) ?? [])].sort();
    return keys.filter((key) => key > page.after).slice(0, page.limit);
  }

  post(partition: Partition, to: Incarnation, message: string): "delivered" | "dead" | "full" {
    const state = this.#at(partition);
    if (state.fenced.has(to)) return "dead";
    if ((state.inboxes.get(to)?.length ?? 0) >= this.#retention.inboxMaxLength) return "full";
    this.#append(partition, to, { m: message });
    return "delivered";
  }

  tell(partition: Partition, to: Incarnation, message: string): boolean {
    const listener = this.#wakers.get(to);
    if (listener === undefined) return false;
    const atUs = this.nowUs();
    queueMicrotask(() => listener(partition, { message, atUs }));
    return true;
  }

  handOver(keys: readonly IdentityKey[], asker: Incarnation, content: string): HandOverReply {
    const rows = keys.flatMap((key, at) => {
      const row = this.row(partitionOf(key), key);
      return row !== undefined && isCandidate(at, row.version) ? [row] : [];
    });
    const [row] = rows.sort((a, b) => b.epoch - a.epoch);
    if (!row) return { kind: "absent" };
    if (row.incarnation === asker) return { kind: "own", row };
    const partition = partitionOf(row.key);
    if (this.#at(partition).fenced.has(row.incarnation)) return { kind: "dead", row };
    const message = `${row.key}\n${row.connection}\n${row.epoch}\n${content}`;
    if (this.tell(partition, row.incarnation, message)) return { kind: "delivered", row };
    return { kind: this.post(partition, row.incarnation, message), row };
  }

  readInbox(partition: Partition, incarnation: Incarnation, afterId: string): InboxEntry[] {
    const { inboxes } = this.#at(partition);
    const left = (inboxes.get(incarnation) ?? []).filter((entry) => order(entry.id) > order(afterId));
    inboxes.set(incarnation, left);
    return left.slice(0, inboxPage);
  }

  events(partition: Partition, afterId: string, limit: number) {
    const after = order(afterId);
    return this.#at(partition)
      .events.filter((entry) => order(entry.streamId) > after)
      .slice(0, limit);
  }

  listen(incarnation: Incarnation, onWake: OnWake): void {
    this.#wakers.set(incarnation, onWake);
  }

  unlisten(incarnation: Incarnation): void {
    this.#wakers.delete(incarnation);
  }

  wake(partition: Partition, incarnation: Incarnation): void {
    const waker = this.#wakers.get(incarnation);
    if (waker) queueMicrotask(() => waker(partition));
  }

  #append(partition: Partition, to: Incarnation, fields: Readonly<Record<string, string>>): void {
    const { inboxes } = this.#at(partition);
    const inbox = inboxes.get(to) ?? [];
    inbox.push({ id: this.#nextId(), fields });
    if (inbox.length > this.#retention.inboxMaxLength) inbox.shift();
    inboxes.set(to, inbox);
    this.wake(partition, to);
  }

  #event(partition: Partition, row: SessionRow, what: Pick<LifecycleEvent, "kind" | "cause">): void {
    const { events } = this.#at(partition);
    events.push({
      streamId: this.#nextId(),
      event: {
        ...what,
        id: `${row.key}:${row.epoch}:${what.kind}`,
        identity: row.identity,
        epoch: row.epoch,
        edge: row.edge,
        atMs: Math.floor(this.nowUs() / 1000),
      },
    });
    if (events.length > this.#retention.eventsMaxLength) events.shift();
  }

  /** What an asynchronous replica has at this moment. */
  snapshot(): MemorySnapshot {
    return { partitions: structuredClone(this.#partitions) };
  }

  /** A failover to a replica that had only this: every write since is lost, time is not. */
  restore(snapshot: MemorySnapshot): void {
    this.#partitions = structuredClone(snapshot.partitions);
  }

  #indexOf(state: PartitionState, incarnation: Incarnation): Set<IdentityKey> {
    let index = state.index.get(incarnation);
    if (!index) state.index.set(incarnation, (index = new Set()));
    return index;
  }

  #nextId(): string {
    return `${Math.floor(this.nowUs() / 1000)}-${++this.#sequence}`;
  }

  #at(partition: Partition): PartitionState {
    const state = this.#partitions[partition];
    if (!state) throw new RangeError(`no partition ${partition}`);
    return state;
  }
}

/** Whether the row's socket is newer than the claim's; the connection id breaks a tie, the same way at every edge. */
function isNewer(row: SessionRow, claim: Claim): boolean {
  return row.stampUs > claim.stampUs || (row.stampUs === claim.stampUs && row.connection > claim.connection);
}

/** Entries are numbered through the whole backend, so the part after the dash alone orders them. */
function order(id: string): number {
  return Number(id.split("-")[1] ?? "0");
}
