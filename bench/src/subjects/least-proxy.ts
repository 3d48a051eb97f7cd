// The least that carries a CALL to an HTTP backend and its answer back: raw uWebSockets.js and the lowest of undici's layers. No deadline,
// no retry, no order, no circuit, no attributes, nothing remembered. A process of its own.

// oxlint-disable-next-line eslint/no-restricted-imports -- the least is uWebSockets.js itself
import { App, us_socket_local_port, type WebSocket } from "uWebSockets.js";
import { Pool, type Dispatcher } from "undici";

import { serve } from "../system/worker.ts";

interface Plan {
  readonly origin: string;
  readonly path: string;
}

const headers = ["content-type", "application/json"];

/** One CALL on its way. */
class Carried implements Dispatcher.DispatchHandler {
  readonly #ws: WebSocket<object>;
  readonly #id: string;
  #answer = "";

  constructor(ws: WebSocket<object>, id: string) {
    this.#ws = ws;
    this.#id = id;
  }

  onRequestStart(): void {}

  onResponseStart(): void {}

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#answer += chunk.toString();
  }

  onResponseEnd(): void {
    this.#ws.send(JSON.stringify([3, this.#id, JSON.parse(this.#answer)]));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    throw error;
  }
}

function listen({ origin, path }: Plan): Promise<number> {
  const pool = new Pool(origin, { connections: 64, headersTimeout: 0, bodyTimeout: 0 });
  const carry = (ws: WebSocket<object>, text: string): void => {
    const [type, id, , payload] = JSON.parse(text) as [number, string, string, unknown];
    if (type !== 2) return;
    pool.dispatch({ method: "POST", path, headers, body: JSON.stringify(payload) }, new Carried(ws, id));
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
    message: (ws, bytes) => carry(ws, Buffer.from(bytes).toString()),
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

serve({ listen });
