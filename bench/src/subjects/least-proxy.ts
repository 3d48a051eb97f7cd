// The least that carries a CALL to an HTTP backend and its answer back: raw uWebSockets.js and undici's `request`. No deadline, no retry,
// no order, no circuit, no attributes, nothing remembered. A process of its own.

// oxlint-disable-next-line eslint/no-restricted-imports -- the least is uWebSockets.js itself
import { App, us_socket_local_port, type WebSocket } from "uWebSockets.js";
import { Pool } from "undici";

import { serve } from "../system/worker.ts";

interface Plan {
  readonly origin: string;
  readonly path: string;
}

const headers = { "content-type": "application/json" };

function listen({ origin, path }: Plan): Promise<number> {
  const pool = new Pool(origin, { connections: 64 });
  const carry = async (ws: WebSocket<object>, text: string): Promise<void> => {
    const [type, id, , payload] = JSON.parse(text) as [number, string, string, unknown];
    if (type !== 2) return;
    const { body } = await pool.request({ method: "POST", path, headers, body: JSON.stringify(payload) });
    ws.send(JSON.stringify([3, id, JSON.parse(await body.text())]));
  };
  const app = App();
  app.ws<object>("/*", {
    maxPayloadLength: 128 * 1024,
    idleTimeout: 120,
    upgrade(res, req, context) {
      const [protocol = ""] = req.getHeader("sec-websocket-protocol").split(",");
      const extensions = req.getHeader("sec-websocket-extensions");
      res.upgrade({}, req.getHeader("sec-websocket-key"), protocol, extensions, context);
    },
    message: (ws, bytes) => void carry(ws, Buffer.from(bytes).toString()),
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

serve({ listen });
