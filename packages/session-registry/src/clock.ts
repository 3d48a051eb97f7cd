// The shards' clocks as this edge estimates them: pure but for what it remembers.
//
// C1. Clocks of two edges are never compared: a stamp is made of one edge's monotonic clock and the shard's TIME.
// C2. An estimate errs by at most half the round trip it was taken from; short round trips replace long ones,
//     and an old one gives way to any newer (a clock may step, a master may change).
// C3. What was heard while connections were being opened, or while the event loop stood still, is a poor sample: no stamp is made of one
//     before the shard was asked once more, and has answered: the better of the two counts. Once, since it may simply be far away.
// C4. Two estimates that cannot both be right mean that the clock stepped in between: the newer one counts at once. Until then every
//     message would be judged by a time that is not (lua/deliver.lua).
// C5. No stamp is made of an old estimate, however good it was: an edge that had nothing to say to a shard asks it once. One that claims,
//     renews or releases there hears its time in every reply, and never asks.

interface Estimate {
  /** Shard's clock minus own monotonic clock, µs. */
  readonly offsetUs: number;
  readonly roundTripMs: number;
  readonly takenAtMs: number;
  /** When it was the better of two, an answer to the question for the time and what was known before; undefined: never (C3). */
  readonly comparedAtMs: number | undefined;
}

/** A reply that carried the shard's TIME: sent and received in own monotonic ms. */
export interface ClockSample {
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
  readonly nowUs: number;
}

/** After this long any newer sample is better than the kept one: quartz drifts some 50 µs a second, so 0.5 ms in this time. */
const estimateLifeMs = 10_000;
/** Quartz drifts 50 µs a second: after so long an estimate may be off by 5 ms more, as much as a good sample errs (C5). */
const stampLifeMs = 100_000;
/** What two clocks may drift apart in that time, and be slewed by NTP (500 µs a second), ms. */
const driftMs = 6;
/** Up to this round trip a sample is good: it errs by 5 ms, less than a charge point needs to connect anew. */
const goodRoundTripMs = 10;

/** Estimates of the clocks of several shards. */
export class ShardClocks {
  readonly #estimates = new Map<string, Estimate>();

  /** A reply that carried the shard's TIME beside what was asked. */
  heard(shard: string, sample: ClockSample): void {
    this.#estimates.set(shard, better(this.#estimates.get(shard), sample));
  }

  /** The reply to the question for the time. What was heard while it was under way may be poor for the same reason, and is no other word (C3). */
  answered(shard: string, sample: ClockSample): void {
    const before = this.#estimates.get(shard);
    const kept = better(before, sample);
    const isOnceMore = before !== undefined && before.takenAtMs <= sample.sentAtMs && agrees(before, sample);
    this.#estimates.set(shard, isOnceMore ? { ...kept, comparedAtMs: sample.receivedAtMs } : kept);
  }

  /** Whether stamps may be made of what is known of a shard's clock (C3, C5). */
  isKnown(shard: string, nowMs: number): boolean {
    const estimate = this.#estimates.get(shard);
    if (!estimate || nowMs - estimate.takenAtMs >= stampLifeMs) return false;
    if (estimate.roundTripMs <= goodRoundTripMs) return true;
    return estimate.comparedAtMs !== undefined && nowMs - estimate.comparedAtMs < estimateLifeMs;
  }

  /** An own monotonic moment in the shard's clock, whole µs; undefined while the shard was never heard. */
  toShardUs(shard: string, monotonicMs: number): number | undefined {
    const estimate = this.#estimates.get(shard);
    return estimate && Math.round(monotonicMs * 1000 + estimate.offsetUs);
  }
}

/** Of what is kept and a newer sample (C2, C4). */
function better(kept: Estimate | undefined, sample: ClockSample): Estimate {
  const agreeing = kept && agrees(kept, sample) ? kept : undefined;
  const roundTripMs = roundTripOf(sample);
  if (agreeing && roundTripMs > agreeing.roundTripMs) return agreeing;
  const comparedAtMs = agreeing?.comparedAtMs;
  return { offsetUs: offsetOf(sample), roundTripMs, takenAtMs: sample.receivedAtMs, comparedAtMs };
}

/** Whether an estimate is young enough to be compared with a newer sample (C2), and both can be right (C4). */
function agrees(kept: Estimate, sample: ClockSample): boolean {
  if (sample.receivedAtMs - kept.takenAtMs >= estimateLifeMs) return false;
  const errorMs = (roundTripOf(sample) + kept.roundTripMs) / 2 + driftMs;
  return Math.abs(offsetOf(sample) - kept.offsetUs) <= errorMs * 1000;
}

function roundTripOf({ sentAtMs, receivedAtMs }: ClockSample): number {
  return receivedAtMs - sentAtMs;
}

function offsetOf({ sentAtMs, receivedAtMs, nowUs }: ClockSample): number {
  return nowUs - ((sentAtMs + receivedAtMs) / 2) * 1000;
}
