// Three edges, a few charge points, one registry, and a checker that looks at all of it after every step.
//
// M1. One row per identity, and it is what the last lifecycle event says.
// M2. Every grant of an identity has a greater epoch than all before it, also before a failover (R2); a repeated one is the same claim's.
// M3. `connected` and `disconnected` come once per epoch, in turn; after a failover at most again, never otherwise (R7).
// M4. What is ended is the connection that was named, or belongs to an incarnation that was buried, or given up by its edge (R3).
// M5. Who holds a valid lease is not buried.
// M7. The socket that was opened last is never told that a newer one took over (R1).
// M8. A claim that was granted keeps its epoch, however often it is repeated (R4), while its row stands.
// M9. Nothing is granted to an incarnation that was fenced there (R7); a failover may lose the fence.
// M10. What an edge releases is never the session of a charge point that came back to it and is still to be claimed there,
//     but for an incarnation that was buried.
// M6. After quiet: the newest open socket of an identity owns it, nobody else believes so, no row is without its socket, nothing is owed,
//     no row or lease is left of the dead.

import type { Identity, IdentityKey } from "@cpg/ocpp";
import { expect } from "vitest";
import type { ConnectionId, Incarnation, LifecycleEvent, SessionRow } from "../../src/model.ts";
import { RegistryOwnership } from "../../src/ownership/ownership.ts";
import type { OwnershipSettings } from "../../src/index.ts";
import { noMeter } from "../../src/meter.ts";
import {
  leasePartitionOf,
  leasePartitions,
  partitionOf,
  partitions,
  type Partition,
} from "../../src/partition.ts";
import type {
  Claim,
  Claimant,
  ClaimReply,
  RegistryStore,
  Release,
  ReleaseOutcome,
} from "../../src/store-port.ts";
import { ownershipSettings } from "../settings.ts";
import { ProcessTime, VirtualClock } from "../virtual-time.ts";
import { FaultyStore, type Network } from "./faulty-store.ts";

interface Socket {
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  readonly openedAtMs: number;
}

interface Edge {
  readonly name: string;
  readonly ownership: RegistryOwnership;
  readonly time: ProcessTime;
  readonly store: FaultyStore;
  readonly sockets: Map<ConnectionId, Socket>;
  readonly believed: Set<ConnectionId>;
}

/** The store below, and what only it can do. */
export interface Ground {
  readonly store: RegistryStore;
  /** Virtual ms in the shard's clock, µs. */
  shardUs(virtualMs: number): number;
  readonly clock: VirtualClock;
  /** Remembers what a replica has. */
  replicate?(): void;
  /** Loses every write since; the new master's clock is another. */
  failover?(clockStepMs: number): void;
}

let serial = 0;

/** See the head of this file. */
export class World {
  readonly clock: VirtualClock;
  readonly #ground: Ground;
  readonly #network: Network;
  readonly #edges: Edge[] = [];
  readonly #keys: readonly IdentityKey[];
  readonly #settings: Partial<OwnershipSettings>;
  readonly #granted = new Map<IdentityKey, Map<number, string>>();
  readonly #seen = new Map<string, LifecycleEvent>();
  readonly #newest = new Map<IdentityKey, ConnectionId>();
  /** Since the last failover. */
  readonly #standing = new Map<IdentityKey, { readonly who: string; readonly epoch: number }>();
  readonly #fenced = new Set<string>();
  readonly #buried = new Set<Incarnation>();
  readonly #givenUp = new Set<Incarnation | undefined>();
  #isPurging = false;
  readonly #found: { readonly row: SessionRow; readonly byEdge: number }[] = [];
  /** Mistakes seen where nobody could throw. */
  readonly #faults: string[] = [];
  readonly #tag = `${process.pid}-${++serial}`;

  constructor(ground: Ground, settings: Partial<OwnershipSettings> = {}) {
    this.#ground = ground;
    this.clock = ground.clock;
    this.#settings = settings;
    this.#keys = [0, 1].map((i) => `CP${i}-${this.#tag}` as IdentityKey);
    this.#network = {
      base: ground.store,
      clock: this.clock,
      pending: 0,
      isDown: false,
      lostLeases: new Set(),
      shardUs: (virtualMs) => ground.shardUs(virtualMs),
      observer: {
        claimed: (...args) => this.#claimed(...args),
        releasing: (...args) => this.#releasing(...args),
        released: (...args) => this.#released(...args),
        fenced: (partition, incarnation) => void this.#fenced.add(`${partition} ${incarnation}`),
      },
    };
    for (const i of [0, 1, 2]) this.#edges.push(this.#newEdge(`edge${i}-${this.#tag}`, i));
  }

  #newEdge(name: string, i: number): Edge {
    const time = new ProcessTime(this.clock, 1000 * (i + 1) * 17);
    const store = new FaultyStore(this.#network, time, (i - 1) * 4000); // 4 ms to either side
    const settings = ownershipSettings(name, {
      leaseMs: 2000,
      leaseRenewMs: 300,
      leasePollMs: 200,
      inboxPollMs: 200,
      reassertMs: 1e8, // never: without failovers nothing may need it
      callDeadlineMs: 1000,
      ...this.#settings,
    });
    let chance = ++serial * Math.E; // another one for each process, and never twice the same: no two incarnations share a name
    const ports = {
      store,
      time,
      random: { next: () => (chance = (chance + 0.6180339887) % 1) },
      soon: (run: () => void) => void time.after(0, run),
      meter: { ...noMeter, newIncarnation: () => void this.#givenUp.add(store.incarnation) },
    };
    const edge: Edge = {
      name,
      time,
      store,
      ownership: new RegistryOwnership(settings, ports),
      sockets: new Map(),
      believed: new Set(),
    };
    void edge.ownership.start({
      granted: ({ connection }) => void edge.believed.add(connection),
      superseded: ({ connection }) => {
        const socket = edge.sockets.get(connection);
        if (socket && this.#newest.get(socket.key) === connection)
          this.#faults.push(`M7: ${connection} is the newest, and was told that it is not`);
        edge.believed.delete(connection);
        edge.sockets.delete(connection);
      },
      message: () => undefined,
    });
    return edge;
  }

  /** A charge point connects: the older socket at the same edge closes. */
  open(i: number, id: number): void {
    const [edge, key] = [this.#edges[i]!, this.#keys[id]!];
    if (!edge.time.isRunning) return;
    const older = [...edge.sockets.values()].filter((socket) => socket.key === key);
    const connection = `conn-${this.#tag}-${++serial}` as ConnectionId;
    this.#newest.set(key, connection);
    edge.sockets.set(connection, { key, connection, openedAtMs: this.clock.nowMs });
    const admission = edge.ownership.claim({
      key,
      connection,
      identity: key as string as Identity,
      version: "1.6",
      remote: "",
      authenticatedAtMs: edge.time.monotonicMs(),
    });
    expect(admission.kind).toBe("accepted");
    for (const socket of older) this.#close(edge, socket);
  }

  close(i: number, id: number): void {
    const edge = this.#edges[i]!;
    if (!edge.time.isRunning) return;
    for (const socket of edge.sockets.values()) if (socket.key === this.#keys[id]) this.#close(edge, socket);
  }

  #close(edge: Edge, socket: Socket): void {
    edge.sockets.delete(socket.connection);
    edge.believed.delete(socket.connection);
    edge.ownership.release(socket, "closed");
  }

  edge(i: number): Edge {
    return this.#edges[i]!;
  }

  kill(i: number): void {
    const edge = this.#edges[i]!;
    edge.time.kill();
    this.#edges[i] = this.#newEdge(edge.name, i);
  }

  /** Another edge looks a session up, and later acts on what it saw. */
  async look(i: number, id: number): Promise<void> {
    const reading = await this.#ground.store.row(this.#keys[id]!, 5000);
    if (reading.kind === "found") this.#found.push({ row: reading.row, byEdge: i });
  }

  /** The owner, asked, has no such socket: the one who looked purges what he saw (R5). */
  purge(): void {
    const found = this.#found.shift();
    const edge = found && this.#edges[found.byEdge]!;
    if (!edge?.time.isRunning) return;
    const isHeld = this.#edges.some(({ sockets }) => sockets.has(found!.row.connection));
    if (isHeld) return;
    this.#isPurging = true;
    void edge.ownership.purge(found!.row).catch(() => undefined);
    this.#isPurging = false;
  }

  async failover(clockStepMs: number): Promise<void> {
    if (!this.#ground.failover) return;
    this.#network.isDown = true;
    await this.advance(4000);
    this.#ground.failover(clockStepMs);
    this.#standing.clear();
    this.#fenced.clear();
    this.#network.isDown = false;
    for (const { store } of this.#edges) for (const partition of partitions) store.changeMaster(partition);
  }

  /** The shard of an edge's present lease is away, for everybody. */
  loseLease(i: number): void {
    const { incarnation } = this.#edges[i]!.store;
    if (incarnation !== undefined) this.#network.lostLeases.add(leasePartitionOf(incarnation));
  }

  findLeases(): void {
    this.#network.lostLeases.clear();
  }

  replicate(): void {
    this.#ground.replicate?.();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms, () => this.#settle());
  }

  async #settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#network.pending > 0);
  }

  // ——— what is checked ———

  #claimed(claimant: Claimant, claims: readonly Claim[], reply: ClaimReply): void {
    if (reply.kind === "fenced") return;
    claims.forEach((claim, i) => {
      const outcome = reply.outcomes[i];
      if (outcome?.kind !== "granted") return;
      const grants = this.#granted.get(claim.key) ?? new Map<number, string>();
      this.#granted.set(claim.key, grants);
      const who = `${claimant.incarnation} ${claim.connection}`;
      const before = grants.get(outcome.epoch);
      if (before !== undefined ? before !== who : outcome.epoch <= Math.max(0, ...grants.keys()))
        this.#faults.push(`M2: ${who} got ${outcome.epoch}, which is not greater than what others had`);
      grants.set(outcome.epoch, who);
      const standing = this.#standing.get(claim.key);
      if (standing?.who === who && standing.epoch !== outcome.epoch)
        this.#faults.push(`M8: ${who} had ${standing.epoch} and now ${outcome.epoch}`);
      this.#standing.set(claim.key, { who, epoch: outcome.epoch });
      if (this.#fenced.has(`${partitionOf(claim.key)} ${claimant.incarnation}`))
        this.#faults.push(`M9: ${who} was fenced and got ${outcome.epoch}`);
    });
  }

  #releasing(incarnation: Incarnation, releases: readonly Release[]): void {
    const edge = this.#edges.find(({ store }) => store.incarnation === incarnation);
    for (const { key, connection } of releases) {
      if (!edge || connection === undefined || this.#isPurging) continue;
      for (const socket of edge.sockets.values())
        if (socket.key === key && !edge.believed.has(socket.connection))
          this.#faultsOfTheLiving.push([
            incarnation,
            `M10: ${connection} was released while ${socket.connection} waited`,
          ]);
    }
  }

  #released(
    incarnation: Incarnation,
    releases: readonly Release[],
    outcomes: readonly ReleaseOutcome[],
  ): void {
    releases.forEach((release, i) => {
      if (outcomes[i] !== "ended") return;
      this.#standing.delete(release.key);
      if (
        release.connection === undefined &&
        !this.#buried.has(incarnation) &&
        !this.#givenUp.has(incarnation)
      ) {
        this.#faultsOfTheLiving.push([incarnation, `M4: ${incarnation} was reaped alive`]);
      }
      for (const { sockets, time, store } of this.#edges) {
        const ended = release.connection !== undefined && sockets.get(release.connection);
        if (ended && time.isRunning && store.incarnation === incarnation)
          this.#faults.push(`M4: the open socket ${ended.connection} was ended by a release`);
      }
    });
  }

  /** None if by the next look that incarnation is buried. */
  readonly #faultsOfTheLiving: [Incarnation, string][] = [];

  /** M1–M5. */
  async check(): Promise<void> {
    await this.#settle();
    await this.#readTombstones();
    for (const [incarnation, fault] of this.#faultsOfTheLiving.splice(0))
      if (!this.#buried.has(incarnation)) this.#faults.push(fault);
    for (const key of this.#keys) await this.#checkKey(key);
    for (const { ownership, store, time, name } of this.#edges)
      if (time.isRunning && ownership.isLeaseValid() && this.#buriedNow.has(store.incarnation!))
        this.#faults.push(`M5: ${name} counts on the lease of ${store.incarnation}, which is buried`);
    expect(this.#faults).toEqual([]);
  }

  #buriedNow = new Set<Incarnation>();

  async #readTombstones(): Promise<void> {
    const leases = (await Promise.all(leasePartitions.map((p) => this.#ground.store.leases(p, 5000)))).flat();
    const dead = leases.filter(({ state }) => state.kind === "dead").map(({ incarnation }) => incarnation);
    this.#buriedNow = new Set(dead);
    for (const incarnation of dead) this.#buried.add(incarnation);
  }

  async #checkKey(key: IdentityKey): Promise<void> {
    const events = await this.#eventsOf(key);
    let open: LifecycleEvent | undefined;
    for (const event of events) {
      const again = this.#seen.get(event.id);
      if (again && again.edge !== event.edge) this.#faults.push(`M3: ${event.id} contradicts itself`);
      this.#seen.set(event.id, event);
      const isInTurn = event.kind === "connected" ? !open : open?.epoch === event.epoch;
      if (!isInTurn)
        this.#faults.push(`M3: ${event.id} (${event.cause}) while ${open?.id ?? "nothing"} is open`);
      open = event.kind === "connected" ? event : undefined;
    }
    const reading = await this.#ground.store.row(key, 5000);
    const epoch = reading.kind === "found" ? reading.row.epoch : undefined;
    if (epoch !== open?.epoch) this.#faults.push(`M1: row ${epoch}, last event ${open?.epoch} of ${key}`);
  }

  async #eventsOf(key: IdentityKey): Promise<LifecycleEvent[]> {
    const entries = await this.#ground.store.events(partitionOf(key), "0", 100_000, 5000);
    return entries.map(({ event }) => event).filter(({ id }) => id.startsWith(`${key}:`));
  }

  /** M6: everything works again, and a lease, a re-assertion and some polls go by. */
  async quiet(): Promise<void> {
    this.#network.isDown = false;
    this.findLeases();
    for (const edge of this.#edges) {
      edge.store.isCut = false;
      for (const fates of Object.values(edge.store.fates)) fates.length = 0;
      edge.time.resume();
    }
    await this.advance(16_000);
    await this.check();
    for (const key of this.#keys) await this.#checkQuiet(key);
    for (const edge of this.#edges) {
      expect(edge.ownership.health(), `${edge.name} after quiet`).toMatchObject({
        owed: 0,
        isLeaseValid: true,
      });
    }
    await this.#checkLeases();
  }

  async #checkQuiet(key: IdentityKey): Promise<void> {
    const open = this.#edges.flatMap((edge) =>
      [...edge.sockets.values()].filter((socket) => socket.key === key).map((socket) => ({ edge, socket })),
    );
    const newest = open.toSorted((a, b) => b.socket.openedAtMs - a.socket.openedAtMs)[0];
    expect(open.length, `M6: sockets open for ${key}`).toBeLessThanOrEqual(1);
    const reading = await this.#ground.store.row(key, 5000);
    const owner = reading.kind === "found" ? reading.row : undefined;
    expect(owner?.connection, `M6: owner of ${key}`).toBe(newest?.socket.connection);
    expect(owner?.incarnation, `M6: incarnation of ${key}'s owner`).toBe(newest?.edge.store.incarnation);
    if (newest) expect(newest.edge.believed).toContain(newest.socket.connection);
  }

  async #checkLeases(): Promise<void> {
    const all = await Promise.all(leasePartitions.map((p: Partition) => this.#ground.store.leases(p, 5000)));
    const alive = all
      .flat()
      .filter(({ state, incarnation }) => state.kind === "alive" && incarnation.includes(this.#tag));
    const present = this.#edges.map(({ store }) => store.incarnation as string);
    expect(alive.map(({ incarnation }) => incarnation as string).toSorted()).toEqual(present.toSorted());
  }
}
