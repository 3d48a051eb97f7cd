// A world without I/O for the command router: a clock that is moved, a registry that is a map, a link between
// edges that loses, doubles and delays, and sockets that answer as told.

import {
  asIdentity,
  identityKey,
  isCandidate,
  type Identity,
  type IdentityKey,
  type OcppVersion,
} from "@cpg/ocpp";
import type { Span } from "@cpg/telemetry";
import type {
  ConnectionId,
  Incarnation,
  LookupResult,
  Ownership,
  PeerMessage,
  SessionRow,
  Time,
} from "@cpg/session-registry";
import { FakeTracing } from "../support/fake-tracing.ts";
import { createCommandRouter, type CommandRouter } from "../../src/commands/command-router.ts";
import { defaultCommandLimits, type CommandLimits } from "../../src/commands/limits.ts";
import type { Way } from "../../src/commands/told-replies.ts";
import type { PeerEvent } from "../../src/commands/outcomes.ts";
import type { CallOutcome, CloseCause, LiveSession, SessionTable } from "../../src/session-port.ts";

export function identityOf(text: string): Identity {
  const parsed = asIdentity(text);
  if (!parsed.ok) throw new Error(`not an identity: ${text}`);
  return parsed.identity;
}

/** Lets every promise that can go on go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock that stands still until it is moved. */
export class MovedTime implements Time {
  #nowMs = 0;
  readonly #timers = new Map<number, { atMs: number; run: () => void }>();
  #next = 0;

  get timers(): number {
    return this.#timers.size;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, run: () => void) {
    const id = (this.#next += 1);
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, run });
    return { cancel: () => void this.#timers.delete(id) };
  }
  every(): never {
    throw new Error("nothing here needs it");
  }
  /** Moves the clock, running what is due in order, and lets promises go on after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.atMs <= untilMs);
      const [first] = due.sort((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0]);
      if (first === undefined) break;
      this.#timers.delete(first[0]);
      this.#nowMs = Math.max(this.#nowMs, first[1].atMs);
      first[1].run();
      await settle();
    }
    this.#nowMs = untilMs;
  }
  /** Moves the clock as a busy event loop does: what was due meanwhile runs afterwards. */
  standStill(ms: number): Promise<void> {
    this.#nowMs += ms;
    return this.advance(0);
  }
}

/** What a socket was asked. */
export interface Call {
  readonly action: string;
  readonly payloadJson: string;
  readonly timeoutMs: number;
}

/** A socket that answers as told. */
export class FakeSession implements LiveSession {
  readonly calls: Call[] = [];
  readonly closes: CloseCause[] = [];
  readonly version: OcppVersion;
  readonly remote = "192.0.2.1";
  readonly connectedAtMs = 0;
  authenticatedAtMs = 0;
  readonly identity: Identity;
  readonly key: IdentityKey;
  readonly connection: ConnectionId;
  epoch: number | undefined = 1;
  answer: (call: Call) => Promise<CallOutcome> = async () => ({
    kind: "answered",
    payload: { status: "Accepted" },
  });

  constructor(id: string, connection: string, version: OcppVersion = "1.6") {
    this.identity = identityOf(id);
    this.version = version;
    this.key = identityKey(this.identity, version);
    this.connection = connection as ConnectionId;
  }
  call(action: string, payloadJson: string, timeoutMs: number): Promise<CallOutcome> {
    this.calls.push({ action, payloadJson, timeoutMs });
    return this.answer({ action, payloadJson, timeoutMs });
  }
  close(cause: CloseCause): void {
    this.closes.push(cause);
  }
}

/** The sockets of one edge, newest last. */
export class FakeSessions implements SessionTable {
  readonly all: FakeSession[] = [];
  get size(): number {
    return this.all.length;
  }
  byKey(key: IdentityKey): FakeSession | undefined {
    return this.all.findLast((session) => session.key === key);
  }
  find(_key: IdentityKey, connection: ConnectionId): FakeSession | undefined {
    return this.all.find((session) => session.connection === connection);
  }
  [Symbol.iterator](): Iterator<LiveSession> {
    return this.all[Symbol.iterator]();
  }
}

/** What the link does with one message; the default delivers it once, at once. */
export type Carry = (
  message: PeerMessage,
  to: string,
  deliver: (afterMs: number) => void,
  way: Way,
) => Promise<boolean> | boolean;

/** Everything that the edges of a test share. */
export class World {
  readonly tracing = new FakeTracing();
  readonly time = new MovedTime();
  readonly rows = new Map<string, SessionRow>();
  readonly edges = new Map<string, FakeEdge>();
  readonly purged: SessionRow[] = [];
  carry: Carry = (_message, _to, deliver) => {
    deliver(0);
    return true;
  };
  #ids = 0;

  edge(name: string, limits: Partial<CommandLimits> = {}): FakeEdge {
    const edge = new FakeEdge(this, name, { ...defaultCommandLimits, ...limits });
    this.edges.set(edge.incarnation, edge);
    return edge;
  }
  newId(): string {
    return `id-${(this.#ids += 1)}`;
  }
  /** The registry says that this edge holds the socket. */
  register(edge: FakeEdge, session: FakeSession, epoch = 1): SessionRow {
    const { identity, key, connection, version, remote } = session;
    const owner = { edge: edge.name, incarnation: edge.incarnation };
    const row = {
      identity,
      key,
      connection,
      version,
      remote,
      epoch,
      stampUs: 1_700_000_000_000_000,
      ...owner,
    };
    this.rows.set(key, row);
    return row;
  }
  async send(from: FakeEdge, to: string, message: Omit<PeerMessage, "from">, way: Way): Promise<boolean> {
    const whole: PeerMessage = { ...message, from: from.incarnation };
    const deliver = (afterMs: number): void => {
      this.time.after(afterMs, () => this.edges.get(to)?.router.onPeerMessage(whole, afterMs));
    };
    return this.carry(whole, to, deliver, way);
  }
}

/** One edge: its router over the shared world. */
export class FakeEdge {
  readonly sessions = new FakeSessions();
  readonly ended: string[] = [];
  readonly events: PeerEvent[] = [];
  readonly incarnation: Incarnation;
  readonly router: CommandRouter;
  readonly ownership: Ownership;
  readonly name: string;
  isLeaseValid = true;
  lookup: (keys: readonly IdentityKey[]) => Promise<LookupResult>;

  constructor(world: World, name: string, limits: CommandLimits) {
    this.name = name;
    this.incarnation = `${name}#1` as Incarnation;
    this.lookup = async (keys) => {
      const row = keys
        .map((key) => world.rows.get(key))
        .find((found, at) => found !== undefined && isCandidate(at, found.version));
      return row === undefined
        ? { kind: "absent" }
        : { kind: "found", row, isOwn: row.incarnation === this.incarnation };
    };
    const unused = (): never => {
      throw new Error("the command router has no business here");
    };
    this.ownership = {
      lookup: (keys) => this.lookup(keys),
      isLeaseValid: () => this.isLeaseValid,
      send: (to, message) => world.send(this, to, message, "inbox"),
      tell: (to, reply) => world.send(this, to, reply, "channel"),
      handOver: async (keys, content) => {
        const found = await this.lookup(keys);
        if (found.kind === "absent") return found;
        const { row, isOwn } = found;
        if (isOwn) return { kind: "own", row };
        const { key, connection, epoch } = row;
        const message = { ...content, key, connection, epoch };
        const isAlive = await world.send(this, row.incarnation, message, "channel");
        return { kind: isAlive ? "sent" : "dead", row };
      },
      async purge(row) {
        world.purged.push(row);
        if (world.rows.get(row.key)?.connection === row.connection) world.rows.delete(row.key);
      },
      start: unused,
      admission: unused,
      claim: unused,
      release: unused,
      list: unused,
      edges: unused,
      setDraining: unused,
      health: unused,
      stop: unused,
    };
    this.router = createCommandRouter({
      edge: name,
      ownership: this.ownership,
      sessions: this.sessions,
      time: world.time,
      meter: {
        ended: (outcome) => void this.ended.push(outcome),
        peer: (event) => void this.events.push(event),
      },
      tracing: world.tracing,
      newId: () => world.newId(),
      limits,
    });
  }

  /** Gives the edge a socket. */
  connect(id: string, connection: string, version: OcppVersion = "1.6"): FakeSession {
    const session = new FakeSession(id, connection, version);
    this.sessions.all.push(session);
    return session;
  }
  command(id: string, timeoutMs = 10_000, span?: Span) {
    return this.router.command({
      identity: identityOf(id),
      span,
      action: "Reset",
      payloadJson: '{"type":"Soft"}',
      timeoutMs,
    });
  }
}
