// The shards' clocks as this edge estimates them: pure but for what it remembers.
//
// C1. Clocks of two edges are never compared: a stamp is made of one edge's monotonic clock and the shard's TIME.
// C2. An estimate errs by at most half the round trip it was taken from; short round trips replace long ones,
//     and an old one gives way to any newer (a clock may step, a master may change).
// C3. What was heard while connections were being opened, or while the event loop stood still, is a poor sample: no stamp is made of one
//     before the shard was asked once more. Once, since it may simply be far away.
// C4. Two estimates that cannot both be right mean that the clock stepped in between: the newer one counts at once. Until then every
//     message would be judged by a time that is not (lua/deliver.lua).
// C5. No stamp is made of an old estimate, however good it was: an edge that had nothing to say to a shard asks it once. One that claims,
//     renews or releases there hears its time in every reply, and never asks.

interface Estimate {
  /** Shard's clock minus own monotonic clock, µs. */
  readonly offsetUs: number;
  readonly roundTripMs: number;
  readonly takenAtMs: number;
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
  readonly #askedAtMs = new Map<string, number>();

  /** A reply that carried the shard's TIME: sent and received in own monotonic ms. */
  heard(
    shard: string,
    sample: { readonly sentAtMs: number; readonly receivedAtMs: number; readonly nowUs: number },
  ): void {
    const roundTripMs = sample.receivedAtMs - sample.sentAtMs;
    const kept = this.#estimates.get(shard);
    const offsetUs = sample.nowUs - ((sample.sentAtMs + sample.receivedAtMs) / 2) * 1000;
    const isWorse = kept !== undefined && roundTripMs > kept.roundTripMs;
    if (isWorse && sample.receivedAtMs - kept.takenAtMs < estimateLifeMs) {
      const errorMs = (roundTripMs + kept.roundTripMs) / 2 + driftMs;
      if (Math.abs(offsetUs - kept.offsetUs) <= errorMs * 1000) return; // C4
    }
    this.#estimates.set(shard, { offsetUs, roundTripMs, takenAtMs: sample.receivedAtMs });
  }

  /** Whether stamps may be made of what is known of a shard's clock (C3, C5). */
  isKnown(shard: string, nowMs: number): boolean {
    const estimate = this.#estimates.get(shard);
    if (!estimate || nowMs - estimate.takenAtMs >= stampLifeMs) return false;
    if (estimate.roundTripMs <= goodRoundTripMs) return true;
    return nowMs - (this.#askedAtMs.get(shard) ?? Number.NEGATIVE_INFINITY) < estimateLifeMs;
  }

  /** The shard is being asked for its time. */
  asked(shard: string | undefined, nowMs: number): void {
    if (shard !== undefined) this.#askedAtMs.set(shard, nowMs);
  }

  /** An own monotonic moment in the shard's clock, whole µs; undefined while the shard was never heard. */
  toShardUs(shard: string, monotonicMs: number): number | undefined {
    const estimate = this.#estimates.get(shard);
    return estimate && Math.round(monotonicMs * 1000 + estimate.offsetUs);
  }
}
