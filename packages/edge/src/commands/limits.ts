// The bounds of the down path, each with what it is derived from. Pure.

/** The bounds of the command router. */
export interface CommandLimits {
  /** `management.maxPendingCommands`: open commands of this edge's callers, and again as many for other edges. */
  readonly maxPending: number;
  /** Longest `timeoutMs` that any edge may ask for, ms. */
  readonly maxTimeoutMs: number;
  /** Patience for one lookup, ms: long enough for a retry, short beside a caller's patience. */
  readonly lookupMs: number;
  /** Patience for one write into an inbox, ms: above the failover time, so that it outlives one (FACTS §3: 4.2 s). */
  readonly sendMs: number;
  /** What a reply may take beyond the command's time, ms: an inbox is drained every 500 ms even if no wake-up comes. */
  readonly graceMs: number;
  /** How long a close may take, ms. */
  readonly closeMs: number;
  /** Ids remembered at most. With the default time limit of 30 s, 524,288 are 5,800 commands a second from other edges, in ≈ 60 MB. */
  readonly maxRememberedIds: number;
}

/** Bounds for settings that nobody changed. */
export const defaultCommandLimits: CommandLimits = {
  maxPending: 5000,
  maxTimeoutMs: 120_000,
  lookupMs: 2000,
  sendMs: 5000,
  graceMs: 1500,
  closeMs: 5000,
  maxRememberedIds: 524_288,
};

/**
 * How long the id of a message with `budgetMs` is remembered, ms. A copy (a client's replay on a new connection) may be written some
 * redirections or reconnects after the first, tens of seconds at worst, and lies in the inbox at most its own time before it is too old to
 * act (O3): the message's own time, and a minute.
 */
export function idRetentionMs(budgetMs: number): number {
  return budgetMs + 60_000;
}

/** Retry-After for an edge with all its commands open, ms: some end every second. */
export const busyRetryAfterMs = 1000;
/** Retry-After for a charge point's full line, ms: one CALL takes about a second, so sooner is useless. */
export const lineFullRetryAfterMs = 2000;
/** Retry-After from an edge that shuts down, ms: another one answers. */
export const stoppingRetryAfterMs = 1000;
