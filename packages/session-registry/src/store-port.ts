// What a registry store can do: one call, one partition, one atomic step. Types only.
//
// Two stores implement it: memory/ (one process, for development and the model tests) and redis/ (Redis Cluster). All that
// decides when to call — claims, lease, reaper, inbox — stands above and is the same for both. One conformance suite
// (test/conformance) runs against each.
//
// Errors: every call rejects with RegistryError when it could not find out. `deadlineMs` is how long the caller waits, all retries included.

import type { IdentityKey } from "@cpg/ocpp";
import type {
  ConnectionId,
  EndCause,
  Epoch,
  Incarnation,
  LifecycleEvent,
  SessionDetails,
  SessionRow,
} from "./model.ts";
import type { Partition } from "./partition.ts";

/** The claiming side of a claim call. */
export interface Claimant {
  readonly incarnation: Incarnation;
  readonly edge: string;
  /** Greatest epoch this edge ever saw: every grant is greater (R2). */
  readonly epochFloor: Epoch;
}

/** One claim. The connection is also its claim id (R4). */
export interface Claim extends SessionDetails {
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  /** µs in the shard's clock; the same in every attempt. */
  readonly stampUs: number;
}

/** What became of one claim. */
export type ClaimOutcome =
  | { readonly kind: "granted"; readonly epoch: Epoch }
  | { readonly kind: "superseded"; readonly by: { readonly edge: string; readonly epoch: Epoch } }
  /** Its undo came first. */
  | { readonly kind: "undone" };

/** Reply to a claim call: one outcome per claim in order, or the incarnation may claim no more. */
export type ClaimReply =
  | {
      readonly kind: "answered";
      readonly outcomes: readonly ClaimOutcome[];
      /** An earlier attempt of the same call was sent and not answered: it may yet be carried out. */
      readonly hasStray?: boolean;
    }
  | { readonly kind: "fenced" };

/** One release, undo, purge or reaping. */
export interface Release {
  readonly key: IdentityKey;
  /** Undefined: whatever connection the incarnation holds it by (reaper). */
  readonly connection: ConnectionId | undefined;
  /** Undefined: whatever epoch; with a connection this is an undo and leaves a tombstone (R4). */
  readonly epoch: Epoch | undefined;
  readonly cause: EndCause;
}

/** Whether a release found its row: "elsewhere" is no error (R3). */
export type ReleaseOutcome = "ended" | "elsewhere";

/** State of one lease as a reader sees it. `value` is opaque: death is judged by whether it changes. */
export interface LeaseEntry {
  readonly incarnation: Incarnation;
  readonly value: string;
  readonly state:
    | {
        readonly kind: "alive";
        readonly edge: string;
        readonly sessions: number;
        readonly isDraining: boolean;
        /** See `layout` in lease-value.ts; undefined: it cannot be read. */
        readonly layout: number | undefined;
      }
    | {
        readonly kind: "dead";
        /** Shard's clock, ms since 1970; NaN: it cannot be read. */
        readonly atMs: number;
      };
}

/** What a holder writes when it renews. */
export interface LeaseRenewal {
  readonly incarnation: Incarnation;
  readonly edge: string;
  /** Grows with each renewal. */
  readonly counter: number;
  readonly sessions: number;
  readonly isDraining: boolean;
}

/** One entry of an inbox. `id` orders it and dates it (ms of the shard's clock before the dash). */
export interface InboxEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What became of handing a message to the owner of a charge point. `own`: the row names the asker, and nothing was delivered. */
export type HandOverReply =
  | { readonly kind: "absent" }
  | { readonly kind: "delivered" | "own" | "dead" | "full"; readonly row: SessionRow };

/** What was told over the channel: the message, and when by the shard's clock, µs. */
export interface Told {
  readonly message: string;
  readonly atUs: number;
}

/** Entries that one read of an inbox gives at most: a few dozen KB. Fewer: there were no more. */
export const inboxPage = 256;

/** An inbox, and how far it was read: after the entry of this id. "0": not at all. */
export interface InboxPlace {
  readonly partition: Partition;
  readonly afterId: string;
}

/** What a row read tells: absent, a session, or something that this version cannot read (never routed, replaced by the next claim). */
export type RowReading =
  | { readonly kind: "absent" }
  | { readonly kind: "found"; readonly row: SessionRow }
  | { readonly kind: "bad"; readonly reason: string };

/** A message that was told, or the word that an inbox has something. */
export type OnWake = (partition: Partition, told?: Told) => void;

/** A registry store: see the head of this file. */
export interface RegistryStore {
  claim(
    partition: Partition,
    claimant: Claimant,
    claims: readonly Claim[],
    deadlineMs: number,
  ): Promise<ClaimReply>;
  release(
    partition: Partition,
    incarnation: Incarnation,
    releases: readonly Release[],
    deadlineMs: number,
  ): Promise<readonly ReleaseOutcome[]>;
  row(key: IdentityKey, deadlineMs: number): Promise<RowReading>;

  /** An own monotonic moment (ms) in the clock of the partition's shard, µs; undefined while that shard was never heard. */
  toShardUs(partition: Partition, monotonicMs: number): number | undefined;
  /** Whether `toShardUs` is good enough to make stamps of. */
  isClockKnown(partition: Partition): boolean;
  /** Asks the shard for its time, so that `toShardUs` can tell. Asked for that already, it is not asked again: that answer, or failure, is everybody's. */
  syncClock(partition: Partition, deadlineMs: number): Promise<void>;

  renew(partition: Partition, renewal: LeaseRenewal, deadlineMs: number): Promise<"renewed" | "fenced">;
  leases(partition: Partition, deadlineMs: number): Promise<readonly LeaseEntry[]>;
  /** Compare-and-set of `judged.value` into a tombstone; false when the lease has moved on. */
  bury(partition: Partition, judged: LeaseEntry, deadlineMs: number): Promise<boolean>;
  /** Removes a tombstone that outlived its use. */
  forget(partition: Partition, tombstone: LeaseEntry, deadlineMs: number): Promise<void>;
  /** From now on no claim of this incarnation is granted in this partition. Returns keys that its index still names. */
  fence(
    partition: Partition,
    incarnation: Incarnation,
    limit: number,
    deadlineMs: number,
  ): Promise<readonly IdentityKey[]>;
  /** Keys of an incarnation's index after `after`, in byte order. */
  index(
    partition: Partition,
    incarnation: Incarnation,
    page: { readonly after: string; readonly limit: number },
    deadlineMs: number,
  ): Promise<readonly IdentityKey[]>;

  /**
   * Lays a message into the inbox of `to`, as the field `m` of its entry: writeMessage of ownership/peer-message.ts. Not delivered when Redis comes
   * to it after `deadlineMs` by its own clock (DEADLINE, or nobody hears of it); only the first words to a shard have no such limit.
   */
  post(
    partition: Partition,
    to: Incarnation,
    message: string,
    deadlineMs: number,
  ): Promise<"delivered" | "dead" | "full">;
  /**
   * Tells a message over the channel of `to`; false: nobody listens there, or nobody may be told. It is not asked whether `to` is dead, nor how
   * late it is, and what was told may be lost with the connection that carried it.
   */
  tell(partition: Partition, to: Incarnation, message: string, deadlineMs: number): Promise<boolean>;
  /**
   * Finds the row of `keys` that was granted last and, unless it names the asker, brings its owner a message: `content` (writeContent) behind key,
   * connection and epoch of the row. Told if the owner listens, or else stored; not when it is dead, and not late, as with `post`. `keys` are
   * those one identity may have: all of one partition. Tried again only while it is certain that nobody has it: the next attempt may find another owner.
   */
  handOver(
    keys: readonly IdentityKey[],
    asker: Incarnation,
    content: string,
    deadlineMs: number,
  ): Promise<HandOverReply>;
  /** Entries after `afterId` ("0" = from the beginning), oldest first, `inboxPage` at most; those up to `afterId` may be dropped. */
  readInbox(
    partition: Partition,
    incarnation: Incarnation,
    afterId: string,
    deadlineMs: number,
  ): Promise<readonly InboxEntry[]>;
  /**
   * The same for several inboxes, all of one shard, in one go: what a poll asks. In the order of `places`; undefined for one that could not be
   * read while others could.
   */
  readInboxes(
    places: readonly InboxPlace[],
    incarnation: Incarnation,
    deadlineMs: number,
  ): Promise<readonly (readonly InboxEntry[] | undefined)[]>;
  /** Drops the entries before `id`: an inbox holds only what its owner has not seen. Nobody depends on it. */
  trimInbox(partition: Partition, incarnation: Incarnation, id: string, deadlineMs: number): Promise<void>;
  /** Begins to listen for an incarnation (and stops for any earlier one). A wake-up is a hint: inboxes are polled too. */
  listen(incarnation: Incarnation, onWake: OnWake): void;
  /** Asks that a wake-up of this partition be sent to this incarnation: the probe of its own channel. */
  probe(partition: Partition, incarnation: Incarnation, deadlineMs: number): Promise<void>;

  /** Lifecycle events after `afterId`, oldest first, with their stream ids. */
  events(
    partition: Partition,
    afterId: string,
    limit: number,
    deadlineMs: number,
  ): Promise<readonly { readonly streamId: string; readonly event: LifecycleEvent }[]>;

  /** Name of the shard that serves a partition now (`host:port` of its master; "memory"); undefined while unknown. */
  shardOf(partition: Partition): string | undefined;
  /** Shards whose circuit is open. */
  openCircuits(): readonly string[];
  /** What a shard, or the way to it, said last when it failed; for people. */
  lastFailure(): string | undefined;
  /** When any shard answered last, monotonic ms; undefined: never. */
  lastHeardAtMs(): number | undefined;
  /** Called when a partition is served by another master than before, or by one that was away: what it acknowledged last may be lost. */
  onMasterChange(listener: (partition: Partition) => void): void;
  close(): Promise<void>;
}
