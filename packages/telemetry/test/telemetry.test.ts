import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startTelemetry } from "../src/index.ts";
import type { Telemetry, TelemetryOptions } from "../src/index.ts";

const running: Telemetry[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((telemetry) => telemetry.shutdown()));
});

async function start(options: Partial<TelemetryOptions> = {}): Promise<Telemetry> {
  const telemetry = await startTelemetry({
    serviceName: "gw",
    edge: "edge-a",
    logLevel: "silent",
    metrics: { host: "127.0.0.1", port: 0 },
    ...options,
  });
  running.push(telemetry);
  return telemetry;
}

async function scrape({ metricsUrl }: Telemetry): Promise<string> {
  if (metricsUrl === undefined) throw new Error("no metrics are served");
  const response = await fetch(metricsUrl);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  return response.text();
}

/** All lines of one instrument, comments included. */
function family(text: string, name: string): readonly string[] {
  const own = new RegExp(`^(# [A-Z]+ )?${name}(_bucket|_count|_sum)?[ {]`);
  return text.split("\n").filter((line) => own.test(line));
}

describe("a scrape", () => {
  test("shows a counter under its exact name, without a second _total", async () => {
    const telemetry = await start();
    telemetry.counter("ocpp_reused_ids_total").inc(3);
    expect(family(await scrape(telemetry), "ocpp_reused_ids_total")).toEqual([
      "# HELP ocpp_reused_ids_total CALLs that repeated a message id and were answered from memory.",
      "# TYPE ocpp_reused_ids_total counter",
      "ocpp_reused_ids_total 3",
    ]);
  });

  test("shows a counter with all its labels, from the first scrape on", async () => {
    const telemetry = await start();
    telemetry.counter("registry_evictions_total", { direction: "sent" }).inc();
    expect(family(await scrape(telemetry), "registry_evictions_total")).toEqual([
      "# HELP registry_evictions_total Sessions that a newer socket took over.",
      "# TYPE registry_evictions_total counter",
      'registry_evictions_total{direction="sent"} 1',
      'registry_evictions_total{direction="received"} 0',
    ]);
  });

  test("shows a gauge once it was set, and labels with special characters whole", async () => {
    const telemetry = await start();
    expect(family(await scrape(telemetry), "integration_in_flight")).toEqual([]);
    telemetry.gauge("integration_in_flight", { integration: 'a"b\\c\nd' }).set(2);
    expect(family(await scrape(telemetry), "integration_in_flight")).toEqual([
      "# HELP integration_in_flight Requests to a backend in flight; of a stream: messages held until they are stored.",
      "# TYPE integration_in_flight gauge",
      'integration_in_flight{integration="a\\"b\\\\c\\nd"} 2',
    ]);
  });

  test("shows a histogram with cumulative buckets, count and sum", async () => {
    const telemetry = await start();
    const handle = telemetry.histogram("integration_duration_seconds", { integration: "boot" });
    for (const value of [0.002, 0.02, 0.02, 31]) handle.record(value);
    const counts = [0, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
    const bounds = [
      "0.001",
      "0.0025",
      "0.005",
      "0.01",
      "0.025",
      "0.05",
      "0.1",
      "0.25",
      "0.5",
      "1",
      "2.5",
      "5",
      "10",
      "30",
    ];
    expect(family(await scrape(telemetry), "integration_duration_seconds")).toEqual([
      "# HELP integration_duration_seconds Duration of one request to a backend, from its turn on; none of what was not sent.",
      "# UNIT integration_duration_seconds s",
      "# TYPE integration_duration_seconds histogram",
      'integration_duration_seconds_count{integration="boot"} 4',
      'integration_duration_seconds_sum{integration="boot"} 31.042',
      ...bounds.map(
        (le, at) => `integration_duration_seconds_bucket{integration="boot",le="${le}"} ${counts[at]}`,
      ),
      'integration_duration_seconds_bucket{integration="boot",le="+Inf"} 4',
    ]);
  });

  test("holds no series twice, and names the process once", async () => {
    const text = await scrape(await start());
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const names = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(new Set(names).size).toBe(names.length);
    expect(names[0]).toBe('target_info{service_name="gw",service_instance_id="edge-a"}');
  });

  test("tells what the process costs", async () => {
    const text = await scrape(await start());
    const value = (name: string) => Number(family(text, name).at(-1)?.split(" ").at(-1));
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(10e6);
    expect(value("nodejs_heap_used_bytes")).toBeLessThan(value("process_resident_memory_bytes"));
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_open_fds")).toBeGreaterThan(3);
    expect(Math.abs(value("process_start_time_seconds") - Date.now() / 1_000)).toBeLessThan(3_600);
    expect(value("nodejs_eventloop_utilization_ratio")).toBeLessThanOrEqual(1);
    expect(family(text, "nodejs_eventloop_delay_seconds")).toHaveLength(6);
  });

  test("notices a blocked event loop", async () => {
    const telemetry = await start();
    // Node needs a tick of its own timer (every 50 ms) before and after a block to see it, and forgets the last one at each scrape: so this
    // polls, more slowly than that.
    await vi.waitUntil(
      async () => {
        const until = performance.now() + 100;
        while (performance.now() < until); // blocks on purpose
        await new Promise((resolve) => setImmediate(resolve));
        const worst = family(await scrape(telemetry), "nodejs_eventloop_delay_seconds").at(-1);
        return Number(worst?.split(" ").at(-1)) > 0.05;
      },
      { interval: 80, timeout: 4_000 },
    );
  });

  test("is GET /metrics and nothing else", async () => {
    const { metricsUrl = "" } = await start();
    expect((await fetch(metricsUrl.replace("/metrics", "/"))).status).toBe(404);
    expect((await fetch(metricsUrl, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${metricsUrl}?x=1`)).status).toBe(200);
  });

  test("of two telemetries in one process shows each one's own numbers", async () => {
    const [one, two] = [await start(), await start({ edge: "edge-b" })];
    one.counter("ocpp_reused_ids_total").inc(7);
    expect(await scrape(one)).toContain("\nocpp_reused_ids_total 7\n");
    expect(await scrape(two)).toContain("\nocpp_reused_ids_total 0\n");
  });
});

describe("start and end", () => {
  test("a taken port is the system's own error, and nothing is left behind", async () => {
    const { metricsUrl = "" } = await start();
    const metrics = { host: "127.0.0.1", port: Number(new URL(metricsUrl).port) };
    await expect(start({ metrics })).rejects.toMatchObject({ code: "EADDRINUSE", port: metrics.port });
  });

  test("after the shutdown the port is free again, even with a scraper that keeps its connection", async () => {
    const telemetry = await start();
    await scrape(telemetry);
    const { metricsUrl = "" } = telemetry;
    await telemetry.shutdown();
    await expect(fetch(metricsUrl)).rejects.toThrow();
    const again = await start({ metrics: { host: "127.0.0.1", port: Number(new URL(metricsUrl).port) } });
    expect(await scrape(again)).toContain("ocpp_reused_ids_total 0");
  });

  test("without metrics no port is opened, and counting goes on", async () => {
    const telemetry = await start({ metrics: undefined });
    telemetry.counter("ocpp_reused_ids_total").inc();
    expect(telemetry.metricsUrl).toBeUndefined();
    expect(telemetry.counter("ocpp_reused_ids_total").value).toBe(1);
  });

  test("an observer that fails is logged with its instrument, and the scrape goes on", async () => {
    const texts: string[] = [];
    const logDestination = new Writable({
      write(chunk, _encoding, done) {
        texts.push(String(chunk));
        done();
      },
    });
    const telemetry = await start({ logLevel: "error", logDestination });
    telemetry.observe("commands_pending", () => Promise.reject(new Error("gone")));
    expect(await scrape(telemetry)).toContain("ocpp_reused_ids_total 0");
    expect(JSON.parse(texts[0] ?? "")).toMatchObject({ level: "error", instrument: "commands_pending" });
  });
});

describe("with a collector", () => {
  test("metrics and traces are pushed at the end, named after service and edge", async () => {
    const collector = await startCollector();
    const telemetry = await start({ otlpEndpoint: `${collector.url}/`, tracesSampleRatio: 1 });
    telemetry.counter("ocpp_reused_ids_total").inc(5);
    trace.getTracer("test").startSpan("a-span").end();
    expect(await scrape(telemetry)).toContain("ocpp_reused_ids_total 5");
    await telemetry.shutdown();
    const { bodies } = await collector.close();
    expect([...bodies.keys()].sort()).toEqual(["/v1/metrics", "/v1/traces"]);
    expect(bodies.get("/v1/metrics")).toContain("ocpp_reused_ids_total");
    expect(bodies.get("/v1/metrics")).toContain("edge-a");
    expect(bodies.get("/v1/traces")).toContain("a-span");
    trace.disable();
  });

  test("one that is away delays the shutdown by seconds at most, is told of once, counted, and harmless", async () => {
    const collector = await startCollector();
    await collector.close();
    const texts: string[] = [];
    const logDestination = new Writable({ write: (chunk, _, done) => (texts.push(String(chunk)), done()) });
    const telemetry = await start({
      otlpEndpoint: collector.url,
      logLevel: "warn",
      logDestination,
      tracesSampleRatio: 1,
    });
    trace.getTracer("test").startSpan("a-span").end();
    expect(await scrape(telemetry), "Prometheus is served meanwhile").toContain("ocpp_reused_ids_total 0");
    const began = performance.now();
    await telemetry.shutdown();
    trace.disable();
    expect(performance.now() - began).toBeLessThan(8_000);
    for (const signal of ["metrics", "traces"] as const) {
      const lines = texts.filter((line) => line.includes(`"signal":"${signal}"`));
      expect(lines, `${signal}: one line for the outage`).toHaveLength(1);
      expect(lines[0]).toMatch(/OpenTelemetry: .*/);
      expect(lines[0]).toMatch(/ECONNREFUSED/);
      expect(telemetry.counter("telemetry_exports_total", { signal, outcome: "failed" }).value).toBe(1);
    }
  }, 15_000);
});

/** Takes what is sent to it, as text good enough to look for names in. */
async function startCollector() {
  const bodies = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      bodies.set(request.url ?? "", (bodies.get(request.url ?? "") ?? "") + plain.toString("latin1"));
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    return { bodies };
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
