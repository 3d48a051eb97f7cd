// The limit: a raw uWebSockets.js server that parses the JSON and answers Heartbeat, nothing else. A process of its own.
// With `$connect`-like work left out entirely it is also the raw accept: upgrade with the subprotocol, no identity, no claim.

// oxlint-disable-next-line eslint/no-restricted-imports -- the limit is uWebSockets.js itself
import { App, us_socket_local_port } from "uWebSockets.js";

import { serve } from "../system/worker.ts";

function answer(text: string): string | undefined {
  const [type, id, action] = JSON.parse(text) as [number, string, string];
  if (type !== 2) return undefined;
  const payload = action === "Heartbeat" ? { currentTime: new Date().toISOString() } : {};
  return JSON.stringify([3, id, payload]);
}

function listen(): Promise<number> {
  const app = App();
  app.ws("/*", {
    maxPayloadLength: 128 * 1024,
    idleTimeout: 120,
    upgrade(res, req, context) {
      const [protocol = ""] = req.getHeader("sec-websocket-protocol").split(",");
      const key = req.getHeader("sec-websocket-key");
      res.upgrade({}, key, protocol, req.getHeader("sec-websocket-extensions"), context);
    },
    message(ws, bytes) {
      const reply = answer(Buffer.from(bytes).toString());
      if (reply !== undefined) ws.send(reply);
    },
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

serve({ listen });
