// What undici would not send.

import { Client, type Dispatcher } from "undici";

/** What undici says of a POST before it sends anything; undefined: nothing. */
export async function objectionTo(request: {
  readonly path?: string;
  readonly headers?: readonly string[];
}): Promise<string | undefined> {
  const { path = "/", headers = [] } = request;
  const client = new Client("http://127.0.0.1:1");
  let objection: string | undefined;
  const nothing = (): void => undefined;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: nothing,
    onResponseStart: nothing,
    onResponseData: nothing,
    onResponseEnd: nothing,
    onResponseError: (_controller, error) => (objection ??= error.message),
  };
  client.dispatch({ method: "POST", path, headers: [...headers], body: "{}" }, handler);
  const said = objection; // what it refuses, it refuses at once
  await client.destroy();
  return said;
}
