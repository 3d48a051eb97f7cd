import { expect, test } from "vitest";
import { fingerprintOf, ReusedIds } from "../src/reused-ids.ts";

const message = (id: string, payloadJson = "{}") => ({ id, action: "MeterValues", payloadJson });
const answered = (callId: string) => ({ callId, payloadJson: "{}" });

test("only the newest entries are kept, the oldest is forgotten first (I3)", () => {
  const memory = new ReusedIds(2, 60_000);
  for (const id of ["a", "b", "c"]) memory.remember(message(id), false, answered(`call ${id}`), 0);
  const found = ["a", "b", "c"].map((id) => memory.recall(message(id), 1)?.callId);
  expect(found).toEqual([undefined, "call b", "call c"]);
});

test("a later answer to the same id takes the earlier one's place, and no more room", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(message("a"), false, answered("first"), 0);
  memory.remember(message("b"), false, answered("other"), 0);
  memory.remember(message("a"), false, answered("second"), 0);
  expect(memory.recall(message("a"), 1)?.callId).toBe("second");
  expect(memory.recall(message("b"), 1)?.callId).toBe("other");
});

test("what is too old makes room before anything that is still good; a transaction message outlives the others", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("transaction"), true, answered("kept"), 0);
  memory.remember(message("old"), false, answered("gone"), 0);
  memory.remember(message("new"), false, answered("new"), 2_000);
  expect(memory.recall(message("old"), 2_000)).toBeUndefined();
  expect(memory.recall(message("transaction"), 2_000)?.callId).toBe("kept");
  expect(memory.recall(message("new"), 2_000)?.callId).toBe("new");
});

test("the same id with another payload is another message (I1)", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("1"), false, answered("first"), 0);
  expect(memory.recall(message("1"), 1)?.callId).toBe("first");
  expect(memory.recall(message("1", '{"a":1}'), 1)).toBeUndefined();
});

test("a long payload is remembered as a digest, and every character of it counts", () => {
  const long = `{"a":"${"x".repeat(100)}"}`;
  expect(fingerprintOf("A", long)).not.toBe(fingerprintOf("A", long.replace("x", "y")));
  expect(fingerprintOf("A", long).length).toBeLessThan(50);
});
