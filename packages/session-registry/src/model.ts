// The words of the session registry. Pure: types only.
//
// The invariants they serve, R1–R11, stand in SPEC.md beside this package's README.

import type { Identity, IdentityKey, OcppVersion } from "@cpg/ocpp";

/** One life of one edge's lease. A fenced one never comes back: the edge takes a new one (SPEC, *Lease*). */
export type Incarnation = string & { readonly __brand: "Incarnation" };

/** One socket, for ever unique. It is also the id of every claim made for that socket, so a retry is recognised (R4). */
export type ConnectionId = string & { readonly __brand: "ConnectionId" };

/** Number of a grant; greater than every earlier one of the same identity (R2). At least the shard's TIME in µs, below 2^53. */
export type Epoch = number;

/** What a session row tells about its socket besides who owns it. */
export interface SessionDetails {
  /** As the charge point wrote it; the row's key may have folded its case. */
  readonly identity: Identity;
  readonly version: OcppVersion;
  /** Peer address as text; for people, never for decisions. */
  readonly remote: string;
}

/** A session as the registry's row tells it: a hint, the owner is the authority (R5). */
export interface SessionRow extends SessionDetails {
  readonly key: IdentityKey;
  /** Name of the owning edge (setting `edge.name`). */
  readonly edge: string;
  readonly incarnation: Incarnation;
  readonly connection: ConnectionId;
  readonly epoch: Epoch;
  /** When the socket was authenticated, in the shard's clock, µs since 1970. */
  readonly stampUs: number;
}

/** Why a session ended: the `cause` of its `disconnected` event. */
export type EndCause =
  | "closed" // the socket closed, whoever began it
  | "superseded" // a newer socket of the identity took over (R1)
  | "edge-died" // the owner's lease ran out (R7)
  | "edge-fenced" // the owner took a new incarnation and claimed again
  | "drained" // the owner shut down in order
  | "stale"; // the owner said "not mine" (R5)

/** One entry of the lifecycle stream, the truth about connections. At most repeated, never contradicted, by a failover that loses writes. */
export interface LifecycleEvent {
  /** `identity key:epoch:kind`. */
  readonly id: string;
  readonly kind: "connected" | "disconnected";
  readonly identity: Identity;
  readonly epoch: Epoch;
  readonly edge: string;
  /** Empty for `connected`. */
  readonly cause: EndCause | "";
  /** Shard's clock, ms since 1970. */
  readonly atMs: number;
}

/** An edge as its lease tells it. */
export interface EdgeRow {
  readonly edge: string;
  readonly incarnation: Incarnation;
  readonly sessions: number;
  readonly isDraining: boolean;
  /** Age of the last renewal this reader has seen, ms of the reader's own clock; Infinity before the first. */
  readonly leaseAgeMs: number;
}
