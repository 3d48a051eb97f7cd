// What can keep the registry from answering, as one error class with stable codes. Expected ends are values, not these.

/** Stable codes of RegistryError. */
export type RegistryErrorCode =
  | "POOL_TIMEOUT" // no permit within redis.acquireTimeoutMs
  | "POOL_EXHAUSTED" // the line for permits is full (redis.maxWaiters)
  | "CIRCUIT_OPEN" // the shard's breaker is open
  | "DEADLINE" // the caller's time is up; the outcome of a write is unknown
  | "TIMEOUT" // one attempt was not answered within redis.commandTimeoutMs; outcome unknown
  | "UNAVAILABLE" // connection lost, CLUSTERDOWN, MOVED too often, LOADING …
  | "INBOX_FULL" // the receiving edge does not empty its inbox (registry.inboxMaxLength)
  | "REFUSED" // Redis refuses the command itself: WRONGTYPE, NOAUTH, NOPERM, OOM, a script's bug
  | "CLOSED" // this registry was stopped
  | "INVALID"; // the caller's argument

/** More about a REFUSED, where somebody acts on it. */
export type RefusalReason = "otherType"; // the key holds another type than this version expects

/** Whether a write that ended so may have been carried out all the same. */
const unknownOutcomes: ReadonlySet<RegistryErrorCode> = new Set(["DEADLINE", "TIMEOUT", "UNAVAILABLE"]);

/** The registry could not find out. `retryable` says whether the same call may succeed later without a change by a person. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: RegistryErrorCode;
  readonly retryable: boolean;
  /** When to try again at the earliest, ms; only where something is known about it. */
  readonly retryAfterMs: number | undefined;
  /** A write may have been carried out: an attempt was sent and not answered. */
  readonly isOutcomeUnknown: boolean;
  readonly reason: RefusalReason | undefined;

  constructor(
    code: RegistryErrorCode,
    message: string,
    options: {
      retryable: boolean;
      retryAfterMs?: number | undefined;
      isOutcomeUnknown?: boolean;
      reason?: RefusalReason | undefined;
      cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? unknownOutcomes.has(code);
    this.reason = options.reason;
  }

  /** The same, of a call of which an earlier attempt was sent. */
  afterAttempt(): RegistryError {
    if (this.isOutcomeUnknown) return this;
    const { retryable, retryAfterMs, reason } = this;
    return new RegistryError(this.code, this.message, {
      retryable,
      retryAfterMs,
      reason,
      isOutcomeUnknown: true,
      cause: this,
    });
  }
}
