import type { LookupOptions } from "node:dns";

import { expect, test } from "vitest";
import { sharedLookup, type Lookup } from "../../src/integrations/shared-lookup.ts";

const all: LookupOptions = { all: true };

test("a name is asked for once at a time, however many wait for it, and the next time anew (N1, N2)", () => {
  const asked: [string, Parameters<Lookup>[2]][] = [];
  const lookup = sharedLookup((name, _, answered) => void asked.push([name, answered]));
  const told: string[] = [];
  const ask = (name: string, who: string, options = all): void =>
    lookup(name, options, (error, address) => told.push(`${who} ${error?.code ?? JSON.stringify(address)}`));
  ask("gone.test", "a");
  ask("gone.test", "b");
  ask("good.test", "c");
  ask("gone.test", "d", { all: true, family: 4 });
  expect(asked.map(([name]) => name)).toEqual(["gone.test", "good.test", "gone.test"]);
  asked[1]?.[1](null, [{ address: "127.0.0.1", family: 4 }]);
  asked[0]?.[1](Object.assign(new Error("silence"), { code: "EAI_AGAIN" }), "");
  expect(told).toEqual(['c [{"address":"127.0.0.1","family":4}]', "a EAI_AGAIN", "b EAI_AGAIN"]);
  ask("gone.test", "e");
  expect(asked).toHaveLength(4);
});

test("asks the system, as sockets do", async () => {
  const addresses = await new Promise((resolve) =>
    sharedLookup()("localhost", all, (_, address) => resolve(address)),
  );
  expect(addresses).toContainEqual(
    expect.objectContaining({ address: expect.stringMatching(/^(127|::1)/u) }),
  );
});
