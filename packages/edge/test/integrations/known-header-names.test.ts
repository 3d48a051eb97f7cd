import { expect, test } from "vitest";
import { eventHeaderNames } from "../../src/integrations/cloud-event.ts";
import { tellUndici } from "../../src/integrations/known-header-names.ts";
import { objectionTo } from "../support/undici-objection.ts";

const objectionToName = (name: string) => objectionTo({ headers: [name, "value"] });

test("undici does not check the names it was told of, and those of a CALL are valid", async () => {
  // A name that no check lets pass shows whether there was one.
  expect(await objectionToName("not a name")).toBe("invalid header key");
  tellUndici(["not a name"]);
  expect(await objectionToName("not a name")).toBeUndefined();
  expect(await objectionToName("not one either")).toBe("invalid header key");
  for (const name of eventHeaderNames) expect(await objectionToName(name)).toBeUndefined();
  tellUndici(eventHeaderNames);
  for (const name of eventHeaderNames) expect(await objectionToName(name)).toBeUndefined();
});
