// Messages to other edges over a scripted store: which way they go, and within what time.

import type { IdentityKey } from "@cpg/ocpp";
import { expect, it } from "vitest";
import { RegistryError } from "../../src/errors.ts";
import { noMeter } from "../../src/meter.ts";
import type { ConnectionId, Incarnation } from "../../src/model.ts";
import { Posting } from "../../src/ownership/posting.ts";
import type { RegistryStore } from "../../src/store-port.ts";

const reply = {
  id: "id-1",
  kind: "reply" as const,
  key: "CP-1" as IdentityKey,
  connection: "c1" as ConnectionId,
  epoch: 7,
  body: "{}",
};
const text = "CP-1\nc1\n7\nreply\nid-1\na.1\n{}";

/** Each way to Redis takes `takesMs`; `tell`: how that way ends. */
function aPosting(tell: () => Promise<boolean>, takesMs = 0) {
  const sent: unknown[] = [];
  let nowMs = 1000;
  const note = (way: string): RegistryStore["post"] & RegistryStore["tell"] =>
    ((_partition: number, to: string, message: string, deadlineMs: number) => {
      sent.push({ way, to, message, deadlineMs });
      nowMs += takesMs;
      return way === "tell" ? tell() : Promise.resolve("delivered");
    }) as never;
  const posting = new Posting({
    store: { post: note("post"), tell: note("tell") } as unknown as RegistryStore,
    time: { monotonicMs: () => nowMs },
    meter: noMeter,
    callDeadlineMs: 5000,
    ownIncarnation: () => "a.1" as Incarnation,
    reaper: { isDead: () => false },
  });
  return { posting, sent };
}

it("tells by the channel who listens there, and stores nothing", async () => {
  const { posting, sent } = aPosting(() => Promise.resolve(true));
  expect(await posting.tell("b.1", reply, 800)).toBe(true);
  expect(sent).toEqual([{ way: "tell", to: "b.1", message: text, deadlineMs: 800 }]);
});

it("stores what nobody listened to, in the time that is left", async () => {
  const { posting, sent } = aPosting(() => Promise.resolve(false), 30);
  expect(await posting.tell("b.1", reply, 800)).toBe(true);
  expect(sent.at(-1)).toEqual({ way: "post", to: "b.1", message: text, deadlineMs: 770 });
});

it("stores nothing where it may have been told: whoever misses it asks again", async () => {
  const lost = new RegistryError("TIMEOUT", "no answer", { retryable: true });
  const { posting, sent } = aPosting(() => Promise.reject(lost));
  await expect(posting.tell("b.1", reply, 800)).rejects.toBe(lost);
  expect(sent).toHaveLength(1);
});

it("sends by the inbox alone", async () => {
  const { posting, sent } = aPosting(() => Promise.resolve(true));
  expect(await posting.send("b.1", reply, 800)).toBe(true);
  expect(sent).toEqual([{ way: "post", to: "b.1", message: text, deadlineMs: 800 }]);
});

it("does not begin to store what there is no time left for", async () => {
  const { posting, sent } = aPosting(() => Promise.resolve(false), 900);
  await posting.tell("b.1", reply, 800);
  expect(sent.at(-1)).toMatchObject({ way: "post", deadlineMs: -100 }); // which the store refuses as DEADLINE (policies.test.ts)
});
