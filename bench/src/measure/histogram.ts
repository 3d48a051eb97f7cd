// Latencies in buckets that grow by 2 %: what a load generator can afford to record for each message. Pure.
//
// H1. A quantile is the upper end of its bucket: at most 2 % too high, never too low.
// H2. Histograms of several processes add up; their counts are all that travels.

const growth = 1.02;
const logGrowth = Math.log(growth);
/** Up to 1.02^1200 µs, which is about six hours. */
const buckets = 1_200;

/** Counts by bucket, as they travel between processes: index and count in turn, empty buckets left out. */
export type HistogramWire = readonly number[];

/** Latencies in µs. */
export class Histogram {
  readonly #counts = new Float64Array(buckets);
  #total = 0;

  /** Adds one latency; what is below 1 µs counts as 1 µs. */
  record(microseconds: number): void {
    const index = microseconds <= 1 ? 0 : Math.ceil(Math.log(microseconds) / logGrowth);
    const bounded = Math.min(index, buckets - 1);
    this.#counts[bounded] = (this.#counts[bounded] ?? 0) + 1;
    this.#total += 1;
  }

  get total(): number {
    return this.#total;
  }

  /** The latency in µs below which the share `q` (0 to 1) lies; undefined without any (H1). */
  quantile(q: number): number | undefined {
    if (this.#total === 0) return undefined;
    let left = Math.max(1, Math.ceil(q * this.#total));
    for (let index = 0; index < buckets; index++) {
      left -= this.#counts[index] ?? 0;
      if (left <= 0) return growth ** index;
    }
    return growth ** (buckets - 1);
  }

  /** Adds what another process has counted (H2). */
  add(wire: HistogramWire): void {
    for (let at = 0; at + 1 < wire.length; at += 2) {
      const [index = 0, count = 0] = [wire[at], wire[at + 1]];
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#total += count;
    }
  }

  toWire(): HistogramWire {
    const wire: number[] = [];
    for (const [index, count] of this.#counts.entries()) if (count > 0) wire.push(index, count);
    return wire;
  }
}

/** The sum of several. */
export function mergeHistograms(wires: readonly HistogramWire[]): Histogram {
  const sum = new Histogram();
  for (const wire of wires) sum.add(wire);
  return sum;
}
