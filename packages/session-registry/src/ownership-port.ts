// What an edge asks of the registry for the sockets it holds, and what it is told. Types only.
//
// An edge never waits for Redis on its message path: `claim` and `release` return at once, what comes of
// them is told through `OwnedSessions`.

import type { IdentityKey } from "@cpg/ocpp";
import type { ConnectionId, EdgeRow, EndCause, Epoch, SessionDetails, SessionRow } from "./model.ts";

/** A socket that has been authenticated and upgraded. */
export interface NewSession extends SessionDetails {
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  /** Time.monotonicMs() when its credentials were accepted: its stamp is made of this, once. */
  readonly authenticatedAtMs: number;
}

/**
 * What the edge does when the registry speaks. Called on the event loop, never re-entrantly from `claim` or `release`. `session` is the very
 * object that was claimed: nobody has to look for it.
 */
export interface OwnedSessions<S extends NewSession = NewSession> {
  /** The session is registered. May come again with a greater epoch after a failover or a new incarnation. */
  granted(session: S, epoch: Epoch): void;
  /** A newer socket owns the identity: close this one (R1, R6). The registry has forgotten it; no release is owed. */
  superseded(session: S, by: { readonly edge: string; readonly epoch: Epoch }): void;
  /** A command or answer from another edge. `ageMs`: how long it was on the way. */
  message(message: PeerMessage, ageMs: number): void;
}

/** What one edge says to another, over its channel or through its inbox. `body` is opaque here. */
export interface PeerMessage {
  /** Unique for ever; a receiver acts on it once (R11). */
  readonly id: string;
  readonly kind: "command" | "reply" | "close";
  /** Identity it is about: it decides the partition. */
  readonly key: IdentityKey;
  /** For `command` and `close`: the session the sender saw. For `reply`: of the session that answered. */
  readonly connection: ConnectionId;
  readonly epoch: Epoch;
  /** Incarnation to answer to. */
  readonly from: string;
  readonly body: string;
}

/** What a claim's caller is told at once. */
export type ClaimAdmission =
  { readonly kind: "accepted" } | { readonly kind: "refused"; readonly reason: "owed-full" | "closed" };

/** Why none may come in. `other-layout`: this edge came among edges of another one (SPEC, *Edges of two versions*). */
export type Refusal = "registry-away" | "owed-full" | "other-layout" | "stopping";

/** Whether a new charge point may come in now, asked before the upgrade. */
export type Admission =
  | { readonly kind: "open" }
  | { readonly kind: "closed"; readonly reason: Refusal; readonly retryAfterMs: number };

/** How a lookup ended. */
export type LookupResult =
  | {
      readonly kind: "found";
      readonly row: SessionRow;
      /** True when it is a session of this edge's present incarnation. */ readonly isOwn: boolean;
    }
  | { readonly kind: "absent" };

/** A message that harms nobody who hears it: not the dead, and not who has given up. */
export type PeerReply = PeerMessage & { readonly kind: "reply" };

/** As its sender writes it: whom it is from is added. */
export type Unsigned<M extends PeerMessage> = Omit<M, "from">;

/** What a message says, whoever it is for. */
export type PeerContent = Pick<PeerMessage, "kind" | "id" | "body">;

/** How handing a message over ended. Only `sent` delivered anything; `own`: the row names this edge, `dead`: its owner is dead. */
export type HandOver =
  | { readonly kind: "absent" }
  | { readonly kind: "sent"; readonly row: SessionRow }
  | { readonly kind: "own"; readonly row: SessionRow }
  | { readonly kind: "dead"; readonly row: SessionRow };

/** One page of sessions; `cursor` is absent on the last one. Weakly consistent, as Redis SCAN is. */
export interface SessionPage {
  readonly sessions: readonly SessionRow[];
  readonly cursor?: string;
}

/** State of the registry as this edge sees it, for /readyz and gauges. */
export interface OwnershipHealth {
  readonly isLeaseValid: boolean;
  readonly leaseAgeMs: number;
  /** Age of the last answer of any shard that was no refusal, ms. */
  readonly lastHeardMs: number;
  /** False when the own wake-up channel was probed and did not answer. */
  readonly isChannelAlive: boolean;
  /** Claims and releases that wait for Redis. */
  readonly owed: number;
  /** Shards whose circuit is open, `host:port`. */
  readonly openCircuits: readonly string[];
  /** Everything that keeps it from being ready, in words for people; empty when ready. */
  readonly problems: readonly string[];
}

/** The registry as one edge process uses it. */
export interface Ownership<S extends NewSession = NewSession> {
  /** Begins lease, inbox and reaper. Returns once begun; never fails because Redis is away. */
  start(sessions: OwnedSessions<S>): Promise<void>;
  admission(): Admission;
  claim(session: S): ClaimAdmission;
  /** The socket is gone (or the edge drains it). Safe whatever became of its claim: an unknown outcome is undone (R4). */
  release(session: Pick<S, "key" | "connection">, cause: EndCause): void;
  /** Whether this edge may call itself owner of what it was granted (lease checked in monotonic time, R7). */
  isLeaseValid(): boolean;
  /** Errors: RegistryError with `code` and `retryable`. */
  lookup(keys: readonly IdentityKey[], deadlineMs: number): Promise<LookupResult>;
  /** The owner said "not mine": removes the row if it still says so (R5). */
  purge(row: SessionRow): Promise<void>;
  /** Lays a message into the inbox of `to`, in time. `false`: that incarnation is dead. Errors: RegistryError. */
  send(to: string, message: Unsigned<PeerMessage>, deadlineMs: number): Promise<boolean>;
  /**
   * Tells `to` a reply if it listens, dead or late or not, and lays it into its inbox otherwise (`false`: it is dead). What was told may be lost with
   * the connection that carried it, and nobody knows. Errors: RegistryError.
   */
  tell(to: string, reply: Unsigned<PeerReply>, deadlineMs: number): Promise<boolean>;
  /**
   * Looks up the owner and brings it a message in one step, unless it is this edge: by the channel if it listens, and not late. `key`, `connection`
   * and `epoch` of the message are the row's. `keys` are those one identity may have (identityKeyCandidates). Errors: RegistryError; with an unknown
   * outcome one edge may have the message or get it yet, within `deadlineMs`, and no other one.
   */
  handOver(keys: readonly IdentityKey[], message: PeerContent, deadlineMs: number): Promise<HandOver>;
  list(limit: number, cursor: string | undefined): Promise<SessionPage>;
  edges(): readonly EdgeRow[];
  /** Says to the other edges that this one drains. */
  setDraining(): void;
  health(): OwnershipHealth;
  /** Releases what is left within the deadline, gives the lease back, closes connections. */
  stop(deadlineMs: number): Promise<void>;
}
