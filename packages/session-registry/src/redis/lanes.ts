// The ways to Redis: two lanes of connections, each call wrapped in the policies of DESIGN §4.
//
//   data     claims, releases, lookups, posts      deadline → retry → circuit gate → pool → breaker → command
//   control  lease, inboxes, reaping               deadline → retry → pool → command, on connections of their own
//
// N1. A storm on the data lane never delays a renewal, and a circuit that the storm opened never keeps a live edge from renewing:
//     it would be declared dead for being busy.
// N3. An attempt settles, whatever the client does: its permit comes back (redirections and connecting inside it included).
// N2. A shard is named by its present master (`host:port`): after a failover the new master begins with a closed circuit.
// N4. A master that lost its slots to another is nobody's concern any more: nothing is sent there, so its circuit would never close.
// N5. Nor is anything kept of it, once nobody waits for it: masters that come and go under new addresses would add up.

import type { Redis } from "ioredis";
import { RegistryError } from "../errors.ts";
import type { RegistryMeter } from "../meter.ts";
import { partitionSlots, partitions, type Partition } from "../partition.ts";
import {
  circuitStates,
  isAboutShard,
  ShardCircuit,
  withBreaker,
  withCircuitGate,
} from "../policy/breaker.ts";
import type { Call, Invoke } from "../policy/call.ts";
import { endingWithin, withDeadline } from "../policy/deadline.ts";
import { Slots, withPool } from "../policy/pool.ts";
import { withRetry } from "../policy/retry.ts";
import type { Random, Time } from "../time.ts";
import { openClient, type RegistryClient, type ScriptReader } from "./client.ts";
import { describeFailure, toRegistryError } from "./error-map.ts";
import type { RedisSettings } from "./settings.ts";
import { uneasyMs, type SlotMaps } from "./slot-maps.ts";

/** What a lane is made of. */
export interface LanePorts {
  readonly time: Time;
  readonly random: Random;
  readonly meter: RegistryMeter;
  /** Other scripts than those of lua/: the mutation check takes guards out of them. */
  readonly scripts?: ScriptReader;
}

/** A successful attempt: which shard answered what, and when (monotonic ms). */
export interface Heard {
  readonly operation: string;
  readonly shard: string;
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  readonly reply: unknown;
}

/** Told of each. */
export type OnHeard = (heard: Heard) => void;

/** State of one shard's pool and circuit, for gauges. */
export interface ShardState {
  readonly shard: string;
  readonly inUse: number;
  readonly waiting: number;
  /** circuitStates of policy/breaker.ts. */
  readonly circuit: number;
}

/** An attempt and the three times that ioredis sends it again (maxRedirections in client.ts). */
const attemptsInside = 4;

/** One attempt. `lastFailure`: what a node said when it was spoken to last, for the person who wonders why none is known. */
const attempting =
  (lastFailure: () => string | undefined): Invoke =>
  (call) => {
    const shard = call.shard();
    if (shard !== undefined) return call.run(shard);
    const said = lastFailure();
    const text =
      `${call.operation}: no Redis node is known to serve this slot: none was reached yet (check redis.nodes), ` +
      `or the cluster does not cover it (redis-cli --cluster check)${said === undefined ? "" : `; the last one said: ${said}`}`;
    return Promise.reject(
      new RegistryError("UNAVAILABLE", text, { retryable: true, isOutcomeUnknown: false }),
    );
  };

/** What a node answers that never met another and was not told its address: slots, served by nobody in particular. */
const isNameless = ({ slots }: RegistryClient): boolean =>
  slots.length > 0 && slots.every((served) => served.length === 0);
const nameless = new Error(
  "the nodes do not tell their address (CLUSTER SLOTS): set cluster-announce-ip on each",
);

const addressOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

const closed = (operation: string): RegistryError =>
  new RegistryError("CLOSED", `${operation}: this registry was stopped; create a new one`, {
    retryable: false,
  });

const neverSettled = (operation: string): RegistryError =>
  new RegistryError("TIMEOUT", `${operation}: the client never settled the command`, { retryable: true });

/** What a lane is asked for, besides the command itself. */
interface Wanted {
  readonly operation: string;
  readonly partition: Partition;
  readonly deadlineMs: number;
  readonly isOnce: boolean;
}

/** One lane: connections, slots and circuits of its own. */
export class Lane {
  readonly #clients: readonly RegistryClient[];
  readonly #slots = new Map<string, Slots>();
  readonly #circuits = new Map<string, ShardCircuit>();
  readonly #invoke: Invoke;
  readonly #ports: LanePorts;
  readonly #onHeard: OnHeard;
  readonly #attemptLimitMs: number;
  #lastFailure: string | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #turn = 0;
  #isClosed = false;

  constructor(
    settings: RedisSettings,
    lane: { readonly name: string; readonly connections: number; readonly hasCircuit: boolean },
    ports: LanePorts,
    shared: { readonly maps: SlotMaps; readonly onHeard: OnHeard },
  ) {
    this.#ports = ports;
    this.#onHeard = shared.onHeard;
    this.#attemptLimitMs = attemptsInside * (settings.commandTimeoutMs + settings.connectTimeoutMs);
    this.#clients = Array.from({ length: lane.connections }, () => {
      const client = openClient(settings, lane.name, {
        scripts: ports.scripts,
        redirected: (kind) => ports.meter.redirected(kind),
      });
      shared.maps.add(client);
      const failed = (error: unknown): void => void (this.#lastFailure = describeFailure(error));
      client.on("error", failed); // also told through the calls that fail
      client.on("node error", failed);
      client.on("close", () => isNameless(client) && failed(nameless)); // ioredis calls that no error, and tries again
      client.on("+node", (node) => node.on("error", failed));
      return client;
    });
    this.onTopology(() => this.#letGo()); // N5
    const slotsOf = (shard: string): Slots => {
      let slots = this.#slots.get(shard);
      if (!slots) {
        const { permitsPerShard: permits, maxWaiters, acquireTimeoutMs } = settings;
        slots = new Slots({ permits, maxWaiters, acquireTimeoutMs }, ports.time, (code) =>
          ports.meter.poolRefused(code),
        );
        this.#slots.set(shard, slots);
      }
      return slots;
    };
    const circuitOf = (shard: string): ShardCircuit => {
      let circuit = this.#circuits.get(shard);
      if (!circuit)
        this.#circuits.set(shard, (circuit = new ShardCircuit(shard, settings.breaker, ports.time)));
      return circuit;
    };
    const deadline = withDeadline(ports.time);
    const retry = withRetry(settings.retry, { ...ports, onRetry: (code) => ports.meter.retry(code) });
    const pool = withPool(slotsOf);
    const attempt = attempting(() => this.#lastFailure);
    this.#invoke = lane.hasCircuit
      ? deadline(retry(withCircuitGate(circuitOf)(pool(withBreaker(circuitOf)(attempt)))))
      : deadline(retry(pool(attempt))); // N1
  }

  /** Master that serves a partition now; undefined while no slot map was had. */
  shardOf(partition: Partition): string | undefined {
    return this.#clients[0]?.slots[partitionSlots[partition] ?? 0]?.[0]; // N2
  }

  /** What a node, or the way to it, said last when it failed. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /** Whether a shard failed to answer lately, or is not spoken to because of it (N4). */
  get isUneasy(): boolean {
    if (this.#ports.time.monotonicMs() - this.#failedAtMs < uneasyMs) return true;
    const inCharge = this.#inCharge();
    return [...this.#circuits].some(
      ([shard, { state }]) => state !== circuitStates.closed && inCharge.has(shard),
    );
  }

  /** Whether a slot has no master, as far as this lane's map says. Two lanes may ask nodes of which one knows less. */
  get isLacking(): boolean {
    return this.#inCharge().has(undefined);
  }

  /** Called after every look at the cluster's slot map. */
  onTopology(listener: () => void): void {
    this.#clients[0]?.on("refresh", listener);
  }

  /** Called when a node is connected to again that was lost: if it crashed, it may have lost what it acknowledged last. */
  onReturn(listener: (shard: string) => void): void {
    const known = new Set<string>();
    const [client] = this.#clients;
    client?.on("+node", (node) => {
      const shard = addressOf(node);
      if (known.has(shard)) listener(shard);
      known.add(shard);
    });
    client?.on("refresh", () => {
      const kept = new Set([...this.#inCharge(), ...client.nodes().map(addressOf)]);
      for (const shard of known) if (!kept.has(shard)) known.delete(shard); // N5
    });
  }

  /** Carries out one command, or a script, on the shard of `partition`. */
  async call<T>(
    operation: string,
    partition: Partition,
    deadlineMs: number,
    command: (client: RegistryClient) => Promise<T>,
  ): Promise<T> {
    return (await this.callTelling(operation, partition, deadlineMs, command)).value;
  }

  /** The same, of what must not be carried out twice: an attempt of unknown outcome is the last one (policy/retry.ts T4). */
  async callOnce<T>(
    operation: string,
    partition: Partition,
    deadlineMs: number,
    command: (client: RegistryClient) => Promise<T>,
  ): Promise<T> {
    return (await this.#carryOut({ operation, partition, deadlineMs, isOnce: true }, command)).value;
  }

  /** The same, and whether an earlier attempt of it was sent and not answered: that one may yet be carried out. */
  async callTelling<T>(
    operation: string,
    partition: Partition,
    deadlineMs: number,
    command: (client: RegistryClient) => Promise<T>,
  ): Promise<{ readonly value: T; readonly hasStray: boolean }> {
    return this.#carryOut({ operation, partition, deadlineMs, isOnce: false }, command);
  }

  async #carryOut<T>(
    { operation, partition, deadlineMs, isOnce }: Wanted,
    command: (client: RegistryClient) => Promise<T>,
  ): Promise<{ readonly value: T; readonly hasStray: boolean }> {
    if (this.#isClosed) throw closed(operation);
    const { time, meter } = this.#ports;
    const beganAtMs = time.monotonicMs();
    let hasUnanswered = false;
    const call: Call<T> = {
      operation,
      deadlineAtMs: beganAtMs + deadlineMs,
      shard: () => this.shardOf(partition),
      isOnce,
      run: async (shard) => {
        const client = this.#clients[this.#turn++ % this.#clients.length];
        if (!client || this.#isClosed) throw closed(operation);
        const sentAtMs = time.monotonicMs();
        try {
          const reply = await endingWithin(time, this.#attemptLimitMs, command(client), () =>
            neverSettled(operation),
          ); // N3
          this.#onHeard({ operation, shard, sentAtMs, receivedAtMs: time.monotonicMs(), reply });
          return reply;
        } catch (error) {
          const failure = toRegistryError(operation, error);
          hasUnanswered ||= failure.isOutcomeUnknown;
          // What this package says itself, as that no node is known yet, is no sign of a change; but a client that never settles is.
          const isOwnWord = error instanceof RegistryError && error.code !== "TIMEOUT";
          if (!isOwnWord && isAboutShard(failure)) this.#failedAtMs = time.monotonicMs();
          throw failure;
        }
      },
    };
    try {
      const value = await this.#invoke(call);
      meter.call(operation, "ok", time.monotonicMs() - beganAtMs);
      return { value, hasStray: hasUnanswered };
    } catch (error) {
      const failure = toRegistryError(operation, error);
      meter.call(operation, failure.code, time.monotonicMs() - beganAtMs);
      throw hasUnanswered ? failure.afterAttempt() : failure;
    }
  }

  /** Pools and circuits of the masters in charge (N4) that were met so far. */
  states(): readonly ShardState[] {
    const inCharge = this.#inCharge();
    return [...this.#slots]
      .filter(([shard]) => inCharge.has(shard))
      .map(([shard, slots]) => ({
        shard,
        inUse: slots.inUse,
        waiting: slots.waiting,
        circuit: this.#circuits.get(shard)?.state ?? 0,
      }));
  }

  /** Masters in charge (N4) whose circuit is open. */
  openCircuits(): readonly string[] {
    const inCharge = this.#inCharge();
    return [...this.#circuits]
      .filter(([shard, circuit]) => circuit.isOpen && inCharge.has(shard))
      .map(([shard]) => shard);
  }

  /** Opens the connections to every master ahead of the first call; what cannot be reached now is tried again by the client. */
  warmUp(): void {
    for (const client of this.#clients) {
      client.on("ready", () => {
        for (const node of client.nodes("master")) node.ping().catch(() => undefined);
      });
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const circuit of this.#circuits.values()) circuit.shutdown();
    for (const client of this.#clients) client.disconnect();
  }

  /** N5. */
  #letGo(): void {
    const inCharge = this.#inCharge();
    for (const [shard, { inUse, waiting }] of this.#slots)
      if (!inCharge.has(shard) && inUse + waiting === 0) this.#slots.delete(shard);
    for (const [shard, circuit] of this.#circuits) {
      if (inCharge.has(shard) || this.#slots.has(shard)) continue;
      circuit.shutdown(); // it has a timer
      this.#circuits.delete(shard);
    }
  }

  #inCharge(): ReadonlySet<string | undefined> {
    return new Set(partitions.map((partition) => this.shardOf(partition)));
  }
}
