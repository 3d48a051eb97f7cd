import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createApp } from "../../src/management/app.ts";
import { ask, raw, serve, type Served } from "./served.ts";

const requestTimeoutMs = 300;
const headers = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n";
let served: Served | undefined;
afterEach(() => served?.management.stop(500));

describe("a request that does not arrive whole", () => {
  it.each([
    ["nothing of it", ""],
    ["half its headers", `POST /v1/charge-points/CP1/commands HTTP/1.1\r\n${headers}`],
    ["half its body", `POST /v1/charge-points/CP1/commands HTTP/1.1\r\n${headers}\r\n{`],
  ])("is ended when its time is over, if %s came", async (_what, bytes) => {
    served = await serve({ requestTimeoutMs });
    const beganAtMs = performance.now();
    const text = await raw(served.port, bytes);
    const tookMs = performance.now() - beganAtMs;
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain("urn:cpg:problem:request-timeout");
    expect(tookMs).toBeGreaterThan(requestTimeoutMs * 0.9);
    expect(tookMs).toBeLessThan(10_000); // Node's own times are 60 s, and 30 s from look to look
  });

  it("gives its connection back, also when the peer does not close it", async () => {
    const one = await serve({ requestTimeoutMs, maxConnections: 1 });
    served = one;
    const holder = connect({ port: one.port, host: "127.0.0.1", allowHalfOpen: true }).resume();
    const isServed = (): Promise<boolean> =>
      ask(one, "/healthz").then(
        () => true,
        () => false,
      );
    try {
      await new Promise((resolve) => holder.once("connect", resolve));
      expect(await isServed()).toBe(false);
      await expect.poll(isServed, { timeout: 5000 }).toBe(true);
    } finally {
      holder.destroy();
    }
  });

  it("has 30 s, and is looked for each second", () => {
    const { server } = createApp({ token: undefined, maxBodyBytes: 1, log: { error: () => {} } });
    expect([server.requestTimeout, server.headersTimeout]).toEqual([30_000, 30_000]);
    expect(server).toHaveProperty("connectionsCheckingInterval", 1000);
  });
});
