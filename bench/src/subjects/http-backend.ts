// An operator's backend that costs next to nothing: answers every POST with the same JSON. A process of its own.

// oxlint-disable-next-line eslint/no-restricted-imports -- a backend that must not be the bottleneck
import { App, us_socket_local_port } from "uWebSockets.js";

import { serve } from "../system/worker.ts";

let requests = 0;

function listen(): Promise<number> {
  const app = App();
  app.post("/*", (res) => {
    res.onAborted(() => undefined);
    res.onData((_chunk, isLast) => {
      if (!isLast) return;
      requests += 1;
      res.cork(() => {
        res.writeHeader("content-type", "application/json").end('{"currentTime":"2026-11-23T00:00:00.000Z"}');
      });
    });
  });
  return new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
  });
}

serve({ listen, requests: () => requests });
