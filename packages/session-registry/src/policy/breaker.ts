// A circuit breaker per shard (opossum), so one dead master never stops the others.
//
// B1. Only what says something about the shard counts: time-outs and lost connections. The caller's faults, a refusal by Redis
//     and our own pool's refusals never open a circuit (the pool stands outside).
// B2. While open, calls end in microseconds with CIRCUIT_OPEN and `retryAfterMs`, before they queue (the gate).
// B3. opossum's percentiles and snapshots are off: each failure would sort the latency window (FACTS §4).

import CircuitBreaker from "opossum";
import { RegistryError } from "../errors.ts";
import type { Time } from "../time.ts";
import type { Policy } from "./call.ts";

/** Settings `redis.breaker.*`. */
export interface BreakerSettings {
  readonly errorThresholdPercent: number;
  /** Calls in the window before failures are judged. */
  readonly minimumCalls: number;
  readonly windowMs: number;
  /** How long it stays open before one call may try. */
  readonly resetMs: number;
}

/** State of a circuit; the numbers are those of the gauge `registry_circuit_state`. */
export const circuitStates = { closed: 0, halfOpen: 1, open: 2 } as const;

/** Whether a failure says something about the shard (B1). */
export const isAboutShard = (error: unknown): boolean =>
  !(error instanceof RegistryError) || error.code === "TIMEOUT" || error.code === "UNAVAILABLE";

/** The circuit of one shard. */
export class ShardCircuit {
  readonly #breaker: CircuitBreaker<[() => Promise<unknown>]>;
  readonly #settings: BreakerSettings;
  readonly #time: Time;
  #openedAtMs = 0;

  constructor(shard: string, settings: BreakerSettings, time: Time) {
    this.#settings = settings;
    this.#time = time;
    this.#breaker = new CircuitBreaker((attempt: () => Promise<unknown>) => attempt(), {
      name: shard,
      timeout: false, // every attempt has redis.commandTimeoutMs already
      errorThresholdPercentage: settings.errorThresholdPercent,
      volumeThreshold: settings.minimumCalls,
      resetTimeout: settings.resetMs,
      rollingCountTimeout: settings.windowMs,
      rollingPercentilesEnabled: false, // B3
      enableSnapshots: false,
      errorFilter: (error: unknown) => !isAboutShard(error), // B1
    });
    this.#breaker.on("open", () => {
      this.#openedAtMs = time.monotonicMs();
    });
  }

  get state(): number {
    if (this.#breaker.opened) return circuitStates.open;
    return this.#breaker.halfOpen ? circuitStates.halfOpen : circuitStates.closed;
  }

  get isOpen(): boolean {
    return this.#breaker.opened;
  }

  /** Whether a call now would be refused: it is open, or half-open and the one call that tries is under way (B2). */
  get isRefusing(): boolean {
    return this.#breaker.opened || (this.#breaker.halfOpen && !this.#breaker.pendingClose);
  }

  /** What a caller is told while the circuit is open (B2). */
  refusal(): RegistryError {
    const leftMs = this.#openedAtMs + this.#settings.resetMs - this.#time.monotonicMs();
    return new RegistryError("CIRCUIT_OPEN", `circuit of ${this.#breaker.name} is open`, {
      retryable: true,
      retryAfterMs: Math.max(1, Math.ceil(leftMs)),
    });
  }

  async run<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return (await this.#breaker.fire(attempt)) as T;
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      if (error instanceof Error && (error as { code?: string }).code === "EOPENBREAKER")
        throw this.refusal();
      throw error;
    }
  }

  shutdown(): void {
    this.#breaker.shutdown();
  }
}

/** Refuses before the pool's line while the shard's circuit is open (B2). */
export function withCircuitGate(circuitOf: (shard: string) => ShardCircuit): Policy {
  return (next) => (call) => {
    const shard = call.shard();
    if (shard !== undefined) {
      const circuit = circuitOf(shard);
      if (circuit.isRefusing) return Promise.reject(circuit.refusal());
    }
    return next(call);
  };
}

/** Runs each attempt through the circuit of the shard that serves it. */
export function withBreaker(circuitOf: (shard: string) => ShardCircuit): Policy {
  return (next) => (call) => {
    const shard = call.shard();
    return shard === undefined ? next(call) : circuitOf(shard).run(() => next(call));
  };
}
