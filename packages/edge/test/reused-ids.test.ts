import { expect, test } from "vitest";
import { fingerprintOf, ReusedIds } from "../src/reused-ids.ts";

const plain = fingerprintOf("MeterValues", "{}");
const message = (messageId: string, isTransaction = false) => ({
  messageId,
  fingerprint: plain,
  isTransaction,
});
const answered = (callId: string) => ({ callId, payloadJson: "{}" });

test("only the newest entries are kept, the oldest is forgotten first (I3)", () => {
  const memory = new ReusedIds(2, 60_000);
  for (const id of ["a", "b", "c"]) memory.remember(message(id), answered(`call ${id}`), 0);
  expect(["a", "b", "c"].map((id) => memory.recall(id, plain, 1)?.callId)).toEqual([
    undefined,
    "call b",
    "call c",
  ]);
});

test("a later answer to the same id takes the earlier one's place, and no more room", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(message("a"), answered("first"), 0);
  memory.remember(message("b"), answered("other"), 0);
  memory.remember(message("a"), answered("second"), 0);
  expect(memory.recall("a", plain, 1)?.callId).toBe("second");
  expect(memory.recall("b", plain, 1)?.callId).toBe("other");
});

test("what is too old makes room before anything that is still good; a transaction message outlives the others", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("transaction", true), answered("kept"), 0);
  memory.remember(message("old"), answered("gone"), 0);
  memory.remember(message("new"), answered("new"), 2_000);
  expect(memory.recall("old", plain, 2_000)).toBeUndefined();
  expect(memory.recall("transaction", plain, 2_000)?.callId).toBe("kept");
  expect(memory.recall("new", plain, 2_000)?.callId).toBe("new");
});

test("the same id with another payload is another message (I1)", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("1"), answered("first"), 0);
  expect(memory.recall("1", fingerprintOf("MeterValues", '{"a":1}'), 1)).toBeUndefined();
  const long = `{"a":"${"x".repeat(100)}"}`;
  expect(fingerprintOf("A", long)).not.toBe(fingerprintOf("A", long.replace("x", "y")));
  expect(fingerprintOf("A", long).length).toBeLessThan(50);
});
