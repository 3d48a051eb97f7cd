// A peer: `ws` with the same minimal answer as the limit. A process of its own.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type RawData } from "ws";

import { serve } from "../system/worker.ts";

async function listen(): Promise<number> {
  const http = createServer();
  const server = new WebSocketServer({
    server: http,
    maxPayload: 128 * 1024,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });
  server.on("connection", (socket) => {
    socket.on("message", (data: RawData) => {
      const [type, id, action] = JSON.parse(textOf(data)) as [number, string, string];
      if (type !== 2) return;
      const payload = action === "Heartbeat" ? { currentTime: new Date().toISOString() } : {};
      socket.send(JSON.stringify([3, id, payload]));
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => http.listen({ port: 0, host: "127.0.0.1", backlog: 511 }, resolve));
  return (http.address() as AddressInfo).port;
}

function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString() : Buffer.concat([data].flat() as Buffer[]).toString();
}

serve({ listen });
