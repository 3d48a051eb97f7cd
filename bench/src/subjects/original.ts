// The original's shape, as a baseline: one SET per station on the message path, through a pool of 10 connections with one
// command in flight each, and a pool timeout of 4 s. A process of its own. This is what issue reports of that gateway
// describe; the socket server is the same uWebSockets.js as ours, so that only the way to Redis differs.

import { Redis } from "ioredis";
// oxlint-disable-next-line eslint/no-restricted-imports -- the same sockets as ours
import { App, us_socket_local_port, type WebSocket } from "uWebSockets.js";

import { serve } from "../system/worker.ts";
import { ClassicPool } from "./classic-pool.ts";

/** Connections, and how long a message waits for one. */
const poolSize = 10;
const poolTimeoutMs = 4_000;

interface Data {
  readonly station: string;
}

/** What it has counted. */
export interface OriginalCount {
  readonly poolTimeouts: number;
  readonly stored: number;
}

let poolTimeouts = 0;
let stored = 0;

async function listen({ redis }: { redis: { host: string; port: number }[] }): Promise<number> {
  // One connection set per master, ten in all as `pool_size: 10` was; keys without a tag go to any of them.
  const [first] = redis;
  if (first === undefined) throw new Error("no Redis");
  const connections = Array.from(
    { length: poolSize },
    () => new Redis({ ...first, enableAutoPipelining: false }),
  );
  const pool = new ClassicPool(connections, poolTimeoutMs);
  const app = App();
  app.ws<Data>("/*", {
    upgrade(res, req, context) {
      const station = req.getUrl().slice(req.getUrl().lastIndexOf("/") + 1);
      const [key, protocol] = [req.getHeader("sec-websocket-key"), req.getHeader("sec-websocket-protocol")];
      res.upgrade({ station }, key, protocol, req.getHeader("sec-websocket-extensions"), context);
    },
    message(ws, bytes) {
      void answer(pool, ws, Buffer.from(bytes).toString());
    },
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

async function answer(pool: ClassicPool<Redis>, ws: WebSocket<Data>, text: string): Promise<void> {
  const [, id] = JSON.parse(text) as [number, string];
  const { station } = ws.getUserData();
  const connection = await pool.acquire();
  if (connection === undefined) {
    poolTimeouts += 1; // `redis: connection pool timeout`
    send(ws, JSON.stringify([4, id, "InternalError", "redis: connection pool timeout", {}]));
    return;
  }
  try {
    await connection.set(`session:${station}`, "gateway-1", "EX", 300);
    stored += 1;
    send(ws, JSON.stringify([3, id, { status: "Accepted" }]));
  } catch {
    send(ws, JSON.stringify([4, id, "InternalError", "redis", {}]));
  } finally {
    pool.release(connection);
  }
}

function send(ws: WebSocket<Data>, text: string): void {
  try {
    ws.send(text);
  } catch {
    // The socket is gone: uWebSockets.js throws then.
  }
}

serve({ listen, count: (): OriginalCount => ({ poolTimeouts, stored }) });
