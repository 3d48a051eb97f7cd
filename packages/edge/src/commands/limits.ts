// The bounds of the down path, each with what it is derived from. Pure.

/** The bounds of the command router. */
export interface CommandLimits {
  /** `management.maxPendingCommands`: open commands of this edge's callers, and again as many for other edges. */
  readonly maxPending: number;
  /** Longest `timeoutMs` that any edge may ask for, ms. */
  readonly maxTimeoutMs: number;
  /** Patience for one lookup, ms: long enough for a retry, short beside a caller's patience. */
  readonly lookupMs: number;
  /** Patience for one message to another edge, ms: above the failover time, so that it outlives one (FACTS §3: 4.2 s). */
  readonly sendMs: number;
  /** What a reply may take beyond the command's time, ms: an inbox is drained every 500 ms even if no wake-up comes. */
  readonly graceMs: number;
  /**
   * After how long without a reply another edge, once it is known, is asked again, by its inbox, ms: as long as a lost wake-up costs
   * (`registry.inboxPollMs`), and longer than most charge points take, so that few questions are asked twice.
   */
  readonly askAgainMs: number;
  /** UTF-16 units of replies that are kept for who asks again: 5,000 a second of 500 units for 3 s, and as many again. */
  readonly maxToldUnits: number;
  /** How long a close may take, ms. */
  readonly closeMs: number;
  /** Ids remembered at most. With the default time limit of 30 s, 524,288 are 5,800 commands a second from other edges, in ≈ 50 MB. */
  readonly maxRememberedIds: number;
}

/** Bounds for settings that nobody changed. */
export const defaultCommandLimits: CommandLimits = {
  maxPending: 1000,
  maxTimeoutMs: 120_000,
  lookupMs: 2000,
  sendMs: 5000,
  graceMs: 1500,
  askAgainMs: 500,
  maxToldUnits: 16_000_000,
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

/**
 * How long a reply is kept for who asks again, ms: that happens `askAgainMs` after Redis answered the question (`redis.commandTimeoutMs` at most, 1 s),
 * and may take a poll and a redirection.
 */
export const toldReplyMs = 3000;

/** Connections to the management API beside those of open commands, each of which holds one: health, lists, closes. */
export const otherApiConnections = 128;

/** Retry-After for an edge with all its commands open, ms: some end every second. */
export const busyRetryAfterMs = 1000;
/** Retry-After for a charge point's full line, ms: one CALL takes about a second, so sooner is useless. */
export const lineFullRetryAfterMs = 2000;
/** Retry-After for a charge point whose connection ends, ms: it has to come back first. */
export const leavingRetryAfterMs = 2000;
/** Retry-After from an edge that shuts down, ms: another one answers. */
export const stoppingRetryAfterMs = 1000;
