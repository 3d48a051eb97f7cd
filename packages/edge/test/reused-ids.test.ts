import { expect, test } from "vitest";
import { messageKey, ReusedIds } from "../src/reused-ids.ts";

const key = (id: string, payloadJson = "{}") => messageKey({ id, action: "MeterValues", payloadJson });
const answered = (callNumber: number, payloadJson = "{}") => ({ callNumber, payloadJson });

test("only the newest entries are kept, the oldest is forgotten first (I3)", () => {
  const memory = new ReusedIds(2, 60_000);
  for (const [n, id] of ["a", "b", "c"].entries()) memory.remember(key(id), false, answered(n + 1), n);
  const found = ["a", "b", "c"].map((id) => memory.recall(key(id), 4)?.callNumber);
  expect(found).toEqual([undefined, 2, 3]);
});

test("a message that came meanwhile under the same id, and was answered elsewhere, makes the next one no repetition (I1)", () => {
  const memory = new ReusedIds(3, 60_000);
  for (const id of ["a", "b"]) memory.remember(key(id), false, answered(1), 0);
  memory.remember(key("transaction"), true, answered(2), 0);
  for (const id of ["a", "transaction", "unknown"]) memory.other(id);
  const found = ["a", "b", "transaction"].map((id) => memory.recall(key(id), 1)?.callNumber);
  expect(found).toEqual([undefined, 1, 2]);
});

test("a later answer to the same message takes the earlier one's place, and no more room", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(key("a"), false, answered(1), 0);
  memory.remember(key("b"), false, answered(2), 1);
  memory.remember(key("a"), false, answered(3), 2);
  expect(memory.recall(key("a"), 3)?.callNumber).toBe(3);
  expect(memory.recall(key("b"), 3)?.callNumber).toBe(2);
});

test("what is too old makes room before anything that is still good; a transaction message outlives the others", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(key("transaction"), true, answered(4), 0);
  memory.remember(key("old"), false, answered(5), 0);
  memory.remember(key("new"), false, answered(6), 2_000);
  expect(memory.recall(key("old"), 2_000)).toBeUndefined();
  expect(memory.recall(key("transaction"), 2_000)?.callNumber).toBe(4);
  expect(memory.recall(key("new"), 2_000)?.callNumber).toBe(6);
});

test("nothing is repeated beyond its time, also where there is room for it", () => {
  const memory = new ReusedIds(2, 1_000);
  memory.remember(key("a"), false, answered(1), 0);
  expect(memory.recall(key("a"), 999)?.callNumber).toBe(1);
  expect(memory.recall(key("a"), 1_000)).toBeUndefined();
});

test("an answer is repeated as it was; a failure has none, but keeps its number (I2)", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember(key("a"), false, answered(1, '{"status":"Accepted"}'), 0);
  memory.remember(key("b"), false, { callNumber: 2, payloadJson: undefined }, 0);
  expect(memory.recall(key("a"), 1)).toEqual({ callNumber: 1, payloadJson: '{"status":"Accepted"}' });
  expect(memory.recall(key("b"), 1)).toEqual({ callNumber: 2, payloadJson: undefined });
});

test("one id for everything: each message is remembered for itself (I1)", () => {
  const memory = new ReusedIds(3, 60_000);
  const payloads = ["{}", '{"a":1}', `{"a":"${"x".repeat(5_000)}"}`];
  for (const [n, json] of payloads.entries()) memory.remember(key("1", json), false, answered(n + 1), n);
  expect(payloads.map((json) => memory.recall(key("1", json), 4)?.callNumber)).toEqual([1, 2, 3]);
  expect(memory.recall(key("1", '{"a":2}'), 4)).toBeUndefined();
});

test("every character of id, action and payload counts, and where one ends (I1)", () => {
  const messages = [
    { id: "1", action: "A", payloadJson: "{}" },
    { id: "1A", action: "A", payloadJson: "{}" },
    { id: "1", action: "AA", payloadJson: "{}" },
    { id: "1", action: "A", payloadJson: '{"a":1}' },
    { id: "1", action: "A", payloadJson: '{"a":2}' },
    { id: "é", action: "A", payloadJson: "{}" },
    { id: "e", action: "A", payloadJson: "{}" },
  ];
  const keys = messages.map(messageKey);
  expect(new Set(keys.map(({ mark }) => mark)).size).toBe(messages.length);
  expect(new Set(keys.map(({ check }) => check)).size).toBe(messages.length);
});

test("what came before under the same id is no repetition when it comes again, but for transaction messages (I1)", () => {
  const memory = new ReusedIds(8, 60_000);
  const served: string[] = [];
  const serve = (payloadJson: string, isTransaction = false): void => {
    const message = key("1", payloadJson);
    if (memory.recall(message, 0) !== undefined) return;
    served.push(payloadJson);
    memory.remember(message, isTransaction, answered(served.length), 0);
  };
  for (const status of ["A", "A", "B", "A", "B", "B"]) serve(status);
  expect(served).toEqual(["A", "B", "A", "B"]);
  for (const message of ["start", "B", "start"]) serve(message, message === "start");
  expect(served.slice(4)).toEqual(["start", "B"]);
});

test("messages that agree in half of their key are two", () => {
  const memory = new ReusedIds(2, 60_000);
  memory.remember({ id: 1, mark: 1, check: 1 }, false, answered(1), 0);
  expect(memory.recall({ id: 2, mark: 1, check: 2 }, 1)).toBeUndefined();
  expect(memory.recall({ id: 3, mark: 2, check: 1 }, 1)).toBeUndefined();
});

test("a memory without room remembers nothing", () => {
  const memory = new ReusedIds(0, 60_000);
  memory.remember(key("a"), false, answered(1), 0);
  expect(memory.recall(key("a"), 1)).toBeUndefined();
});
