// One call to one shard, and how policies wrap it. Types only.
//
//   withDeadline(withRetry(withCircuitGate(withPool(withBreaker(command)))))
//
// DESIGN §4: an open circuit is seen before queueing, and our own pool's refusals never reach the breaker.

/** A call as the policies see it. */
export interface Call<T> {
  /** Label of the counters: claim, release, lookup … */
  readonly operation: string;
  /** Shard that serves it now; asked again at every attempt, since a failover moves it. Undefined while unknown. */
  shard(): string | undefined;
  /** Monotonic ms after which the caller has no use for an answer. */
  readonly deadlineAtMs: number;
  /** It must not be carried out twice: no attempt follows one of unknown outcome. */
  readonly isOnce?: boolean;
  /** One attempt. Rejects with RegistryError. */
  run(shard: string): Promise<T>;
}

/** Something that carries out calls. */
export type Invoke = <T>(call: Call<T>) => Promise<T>;

/** Wraps one Invoke in another. */
export type Policy = (next: Invoke) => Invoke;
