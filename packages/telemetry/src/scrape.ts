// The scrape endpoint: GET /metrics. Owns one HTTP server.
//
// The exporter's own server is left off: it turns port 0 into 9464 and reports a taken port to a log only.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { PrometheusExporter } from "@opentelemetry/exporter-prometheus";

/** A server that listens. */
export interface ScrapeServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the exporter's text at `host:port`. Rejects with the system's error (EADDRINUSE, …) if it cannot listen. */
export async function serveMetrics(
  exporter: PrometheusExporter,
  at: { readonly host: string; readonly port: number },
): Promise<ScrapeServer> {
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") response.writeHead(404).end();
    else if (request.method !== "GET") response.writeHead(405, { allow: "GET" }).end();
    else exporter.getMetricsRequestHandler(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => resolve());
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://${authority(server.address())}/metrics`, close };
}

function authority(address: AddressInfo | string | null): string {
  if (address === null || typeof address === "string")
    throw new TypeError("a TCP server has an address and a port");
  return address.family === "IPv6"
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}
