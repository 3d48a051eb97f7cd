// The original's shape, as a baseline: one SET per station on the message path, through a pool of 10 connections with one
// command in flight each, and a pool timeout of 4 s. A process of its own. The socket server is the same uWebSockets.js as
// ours, so that only the way to Redis differs. All of its keys carry one hash tag that belongs to the master it is connected to:
// it is not slowed down by redirections.

import { Redis } from "ioredis";
// oxlint-disable-next-line eslint/no-restricted-imports -- the same sockets as ours
import { App, us_socket_local_port, type WebSocket } from "uWebSockets.js";

import { serve } from "../system/worker.ts";
import { ClassicPool } from "./classic-pool.ts";

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
let tag = "";

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Listening {
  /** Of a cluster; the first that is a master is the one that it uses. */
  readonly nodes: readonly Address[];
  /** Connections of the pool; the original had 10. */
  readonly poolSize: number;
}

async function listen({ nodes, poolSize }: Listening): Promise<number> {
  const master = await masterAmong(nodes);
  tag = master.tag;
  const connections = Array.from(
    { length: poolSize },
    () => new Redis({ ...master.node, enableAutoPipelining: false }),
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

/** A master, and a hash tag of its own: found by asking. The first node is one, unless the host stood still and it lost that. */
async function masterAmong(
  nodes: readonly Address[],
): Promise<{ readonly node: Address; readonly tag: string }> {
  let said = "";
  for (const node of nodes) {
    const connection = new Redis(node);
    try {
      for (let n = 0; n < 100; n++) {
        const isOwn = await connection.get(`{t${n}}`).then(
          () => true,
          (error: Error) => void (said = error.message), // MOVED
        );
        if (isOwn === true) return { node, tag: `t${n}` };
      }
    } finally {
      connection.disconnect();
    }
  }
  throw new Error(`no node serves a slot; the last one said: ${said}`);
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
    await connection.set(`{${tag}}session:${station}`, "gateway-1", "EX", 300);
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
