import { Client, type Dispatcher } from "undici";
import { expect, test } from "vitest";
import { eventHeaderNames } from "../../src/integrations/cloud-event.ts";
import { tellUndici } from "../../src/integrations/known-header-names.ts";

/** What undici says of a header's name before it sends anything; undefined: nothing. */
async function objectionTo(name: string): Promise<string | undefined> {
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
  client.dispatch({ method: "POST", path: "/", headers: [name, "value"], body: "{}" }, handler);
  const said = objection; // what it refuses, it refuses at once
  await client.destroy();
  return said;
}

test("undici does not check the names it was told of, and those of a CALL are valid", async () => {
  // A name that no check lets pass shows whether there was one.
  expect(await objectionTo("not a name")).toBe("invalid header key");
  tellUndici(["not a name"]);
  expect(await objectionTo("not a name")).toBeUndefined();
  expect(await objectionTo("not one either")).toBe("invalid header key");
  for (const name of eventHeaderNames) expect(await objectionTo(name)).toBeUndefined();
  tellUndici(eventHeaderNames);
  for (const name of eventHeaderNames) expect(await objectionTo(name)).toBeUndefined();
});
