// An edge's /metrics as numbers. Pure but for the fetch.

import { BenchError } from "../scenario.ts";
import { ask } from "./ask.ts";

/** What was scraped. */
export interface Scrape {
  /** Sum of the samples called `name` whose labels contain every given `name="value"`. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The greatest of them; 0 without any. */
  max(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Counts of a histogram (name without `_bucket`) up to each upper end, in rising order. */
  buckets(name: string, labels?: Readonly<Record<string, string>>): ReadonlyMap<number, number>;
}

/** Upper end of the bucket in which the quantile lies of what came between two scrapes; undefined if nothing came. */
export function quantileBetween(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  q: number,
): number | undefined {
  const counts = [...after].map(([upper, count]) => [upper, count - (before.get(upper) ?? 0)] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  return counts.find(([, count]) => count >= q * total)?.[0];
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** How many samples a scrape holds. */
export function samplesIn(text: string): number {
  return sampleLines(text).length;
}

function sampleLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** Reads the text format. */
export function parseScrape(text: string): Scrape {
  const samples = sampleLines(text).map(readSample);
  const chosen = (name: string, labels: Readonly<Record<string, string>>): Sample[] => {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    return samples.filter((s) => s.name === name && wanted.every((each) => s.labels.includes(each)));
  };
  return {
    sum: (name, labels = {}) => chosen(name, labels).reduce((sum, { value }) => sum + value, 0),
    max: (name, labels = {}) => chosen(name, labels).reduce((most, { value }) => Math.max(most, value), 0),
    buckets(name, labels = {}) {
      const buckets = new Map<number, number>();
      for (const { labels: text, value } of chosen(`${name}_bucket`, labels)) {
        const bound = /le="([^"]+)"/u.exec(text)?.[1] ?? "+Inf";
        const upper = bound === "+Inf" ? Infinity : Number(bound);
        buckets.set(upper, (buckets.get(upper) ?? 0) + value);
      }
      return new Map([...buckets].sort(([a], [b]) => a - b));
    },
  };
}

function readSample(line: string): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})?\s+(\S+)/u.exec(line);
  return { name: match?.[1] ?? "", labels: match?.[2] ?? "", value: Number(match?.[3] ?? Number.NaN) };
}

/** The text of a scrape. Errors: BenchError if nobody answers there, not with 200, or not in time. */
export async function scrapeText(url: string, limitMs?: number): Promise<string> {
  const asked = async (): Promise<string> => {
    const { status, text } = await ask(url, limitMs);
    if (status !== 200) throw new Error(`status ${status}`);
    return text;
  };
  return asked().catch((error: unknown) => {
    if (error instanceof BenchError) throw error;
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message; // undici says no more than "fetch failed"
    throw new BenchError(`the gateway is dead: ${url}: ${why}`, { cause: error });
  });
}

/** Scrapes once. Errors: as scrapeText. */
export async function scrape(url: string): Promise<Scrape> {
  return parseScrape(await scrapeText(url));
}

/** Scrapes several edges as one: sums add up, histograms too. Errors: as scrapeText. */
export async function scrapeAll(urls: readonly string[]): Promise<Scrape> {
  return parseScrape((await Promise.all(urls.map((url) => scrapeText(url)))).join("\n"));
}
