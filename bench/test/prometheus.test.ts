import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { describe, expect, it } from "vitest";

import { parseScrape, quantileBetween, samplesIn, scrapeAll, scrapeText } from "../src/measure/prometheus.ts";
import { BenchError } from "../src/scenario.ts";

const text = (fast: number, slow: number): string => `# HELP d x
# TYPE d histogram
d_bucket{operation="claim",le="0.001"} ${fast}
d_bucket{operation="claim",le="0.01"} ${fast + slow}
d_bucket{operation="claim",le="+Inf"} ${fast + slow}
d_bucket{operation="other",le="+Inf"} 1000
calls_total{operation="claim",outcome="ok"} 7
calls_total{operation="claim",outcome="TIMEOUT"} 2
plain 3.5e-1
`;

describe("a scrape", () => {
  const scraped = parseScrape(text(90, 10));

  it("sums the samples that carry all the labels asked for", () => {
    expect(scraped.sum("calls_total", { operation: "claim" })).toBe(9);
    expect(scraped.sum("calls_total", { operation: "claim", outcome: "TIMEOUT" })).toBe(2);
    expect(scraped.sum("plain")).toBe(0.35);
    expect(scraped.sum("absent")).toBe(0);
  });

  it("tells a quantile of what came between two scrapes, not of all since the start", () => {
    const claims = (s: typeof scraped): ReadonlyMap<number, number> => s.buckets("d", { operation: "claim" });
    expect(quantileBetween(new Map(), claims(scraped), 0.5)).toBe(0.001);
    expect(quantileBetween(claims(scraped), claims(parseScrape(text(90, 30))), 0.5)).toBe(0.01);
    expect(quantileBetween(claims(scraped), claims(scraped), 0.5)).toBeUndefined();
  });

  it("counts samples, not the lines that explain them", () => {
    expect(samplesIn(text(1, 1))).toBe(7);
  });
});

describe("an edge that cannot be scraped", () => {
  it("is said in one line of the bench, whether nobody answers or something else does", async () => {
    const server = createServer((_, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
    await expect(scrapeAll([url])).rejects.toThrow(new BenchError(`the gateway is dead: ${url}: status 503`));
    await new Promise((resolve) => server.close(resolve));
    await expect(scrapeAll([url])).rejects.toThrow(/^the gateway is dead: .*ECONNREFUSED[^\n]*$/u);
  });

  it("is not waited for when it hangs, before its answer or within it", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/half") response.writeHead(200).write("plain 1\n");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const url of [`${origin}/metrics`, `${origin}/half`]) {
      await expect(scrapeText(url, 200)).rejects.toThrow(
        new BenchError(`the gateway does not answer: ${url}: nothing within 0.2 s`),
      );
    }
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
