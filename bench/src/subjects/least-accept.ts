// The least that accepts, authenticates and registers: raw uWebSockets.js, one salted hash, one SET through ioredis' own pipelining.
// No checks of what comes, no epoch, nothing that stays right when something dies. It listens sixteen times, as the edge does: one accept
// queue of uWebSockets.js holds 512, and a station that it drops is mostly late and now and then reset. A process of its own.

import { hash, timingSafeEqual } from "node:crypto";
import { Cluster } from "ioredis";
// oxlint-disable-next-line eslint/no-restricted-imports -- the least is uWebSockets.js itself
import { App, us_socket_local_port } from "uWebSockets.js";

import { serve } from "../system/worker.ts";

interface Plan {
  readonly redis: readonly { readonly host: string; readonly port: number }[];
  readonly password: string;
}

interface Data {
  readonly identity: string;
}

const salt = Buffer.alloc(16, 7);
const acceptQueues = 16;
let registered = 0;

const digest = (key: Uint8Array): Uint8Array => hash("sha256", Buffer.concat([salt, key]), "buffer");

async function listen({ redis, password }: Plan): Promise<number> {
  const cluster = new Cluster([...redis], { enableAutoPipelining: true });
  const expected = digest(Buffer.from(password));
  await cluster.ping();
  const app = App();
  app.ws<Data>("/*", {
    maxPayloadLength: 128 * 1024,
    idleTimeout: 120,
    upgrade(res, req, context) {
      const [protocol = ""] = req.getHeader("sec-websocket-protocol").split(",");
      const credentials = Buffer.from(req.getHeader("authorization").slice("Basic ".length), "base64");
      const key = credentials.subarray(credentials.indexOf(":") + 1);
      if (!timingSafeEqual(digest(key), expected)) return void res.writeStatus("401 Unauthorized").end();
      const identity = req.getUrl().slice(req.getUrl().lastIndexOf("/") + 1);
      const extensions = req.getHeader("sec-websocket-extensions");
      return res.upgrade({ identity }, req.getHeader("sec-websocket-key"), protocol, extensions, context);
    },
    open(ws) {
      const { identity } = ws.getUserData();
      void cluster.set(`least:${identity}`, "this edge").then(() => (registered += 1));
    },
  });
  const listenOn = (port: number): Promise<number> =>
    new Promise((resolve) => {
      app.listen("127.0.0.1", port, (token) => resolve(token === false ? 0 : us_socket_local_port(token)));
    });
  const port = await listenOn(0);
  for (let queues = 1; queues < acceptQueues; queues++) await listenOn(port);
  return port;
}

serve({ listen, registered: () => registered });
