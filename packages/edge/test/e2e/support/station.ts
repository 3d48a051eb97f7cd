// Charge points of an independent implementation: ocpp-rpc's client.

import { RPCClient } from "ocpp-rpc";
import type { EdgeProcess } from "./stack.ts";

/** Its typings ask for every option; the library itself has defaults. */
type RPC_ClientOptions = ConstructorParameters<typeof RPCClient>[0];

/** Connects a station; `handlers` answer commands. It does not reconnect by itself. */
export async function connectStation(
  edge: EdgeProcess,
  identity: string,
  options: {
    readonly protocol?: string;
    readonly handlers?: Readonly<Record<string, (params: unknown) => object>>;
  } = {},
): Promise<RPCClient> {
  const chosen = {
    endpoint: edge.endpoint,
    identity,
    protocols: [options.protocol ?? "ocpp1.6"],
    strictMode: true,
    reconnect: false,
    callTimeoutMs: 30_000,
  };
  const client = new RPCClient(chosen as unknown as RPC_ClientOptions);
  for (const [action, handler] of Object.entries(options.handlers ?? {})) {
    client.handle(action, async ({ params }) => handler(params));
  }
  await client.connect();
  return client;
}
