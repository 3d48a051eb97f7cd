import { expect, test } from "vitest";
import { fingerprintOf, ReusedIds } from "../src/reused-ids.ts";

const message = (id: string, payloadJson = "{}") => ({ id, action: "MeterValues", payloadJson });
const answered = (callNumber: number, payloadJson = "{}") => ({ callNumber, payloadJson });

test("only the newest entries are kept, the oldest is forgotten first (I3)", () => {
  const memory = new ReusedIds(2, 60_000);
  for (const [n, id] of ["a", "b", "c"].entries()) memory.remember(message(id), false, answered(n + 1), 0);
  const found = ["a", "b", "c"].map((id) => memory.recall(message(id), 1)?.callNumber);
  expect(found).toEqual([undefined, 2, 3]);
});

test("a later answer to the same id takes the earlier one's place, and no more room", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(message("a"), false, answered(1), 0);
  memory.remember(message("b"), false, answered(2), 0);
  memory.remember(message("a"), false, answered(3), 0);
  expect(memory.recall(message("a"), 1)?.callNumber).toBe(3);
  expect(memory.recall(message("b"), 1)?.callNumber).toBe(2);
});

test("what is too old makes room before anything that is still good; a transaction message outlives the others", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("transaction"), true, answered(4), 0);
  memory.remember(message("old"), false, answered(5), 0);
  memory.remember(message("new"), false, answered(6), 2_000);
  expect(memory.recall(message("old"), 2_000)).toBeUndefined();
  expect(memory.recall(message("transaction"), 2_000)?.callNumber).toBe(4);
  expect(memory.recall(message("new"), 2_000)?.callNumber).toBe(6);
});

test("ids that look alike are told apart, and the same one is found wherever it stands", () => {
  const memory = new ReusedIds(16, 60_000);
  // The mark of an id is made of its last eight characters and its length.
  const ids = ["a-12345678", "b-12345678", "12345678", "", "é", "c-12345678"];
  for (const [n, id] of ids.entries()) memory.remember(message(id), false, answered(n + 1), 0);
  expect(ids.map((id) => memory.recall(message(id), 1)?.callNumber)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(memory.recall(message("d-12345678"), 1)).toBeUndefined();
  memory.remember(message("a-12345678"), false, answered(7), 1);
  expect(ids.map((id) => memory.recall(message(id), 2)?.callNumber)).toEqual([7, 2, 3, 4, 5, 6]);
});

test("an answer is repeated as it was; a failure has none, but keeps its number (I2)", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(message("a"), false, answered(1, '{"status":"Accepted"}'), 0);
  memory.remember(message("b"), false, { callNumber: 2, payloadJson: undefined }, 0);
  expect(memory.recall(message("a"), 1)).toMatchObject({
    callNumber: 1,
    payloadJson: '{"status":"Accepted"}',
  });
  expect(memory.recall(message("b"), 1)).toMatchObject({ callNumber: 2, payloadJson: undefined });
});

test("the same id with another payload is another message (I1)", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(message("1"), false, answered(1), 0);
  expect(memory.recall(message("1"), 1)?.callNumber).toBe(1);
  expect(memory.recall(message("1", '{"a":1}'), 1)).toBeUndefined();
});

test("a long payload is remembered as a digest, and every character of it counts", () => {
  const long = `{"a":"${"x".repeat(100)}"}`;
  expect(fingerprintOf("A", long)).not.toBe(fingerprintOf("A", long.replace("x", "y")));
  expect(fingerprintOf("A", long).length).toBeLessThan(50);
});
