// A peer: the server of `ocpp-rpc`, what a TypeScript team would take. A process of its own. No strict mode: no schemas checked.

import type { AddressInfo } from "node:net";
import { RPCServer } from "ocpp-rpc";

import { serve } from "../system/worker.ts";

async function listen(): Promise<number> {
  const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: false });
  server.auth((accept) => accept());
  server.on("client", (client) => {
    client.handle("Heartbeat", () => ({ currentTime: new Date().toISOString() }));
    client.handle(() => ({}));
  });
  const http = await server.listen(0, "127.0.0.1");
  return (http.address() as AddressInfo).port;
}

serve({ listen });
