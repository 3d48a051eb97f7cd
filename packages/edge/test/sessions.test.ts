import { expect, test } from "vitest";
import { Sessions } from "../src/sessions.ts";
import { FakeSession } from "./commands/world.ts";

test("the newest socket of an identity is found by key, an older one by its connection until it is gone", () => {
  const sessions = new Sessions<FakeSession>();
  const [first, second, other] = [
    new FakeSession("CP1", "c1"),
    new FakeSession("CP1", "c2"),
    new FakeSession("CP2", "c3"),
  ];
  expect([first, other, second].map((session) => sessions.add(session))).toEqual([
    undefined,
    undefined,
    first,
  ]);
  expect(sessions.byKey(first.key)).toBe(second);
  expect(sessions.find(first.key, first.connection)).toBe(first);
  expect(sessions.find(first.key, second.connection)).toBe(second);
  expect(sessions.find(first.key, other.connection)).toBeUndefined();
  expect([sessions.size, [...sessions]]).toEqual([3, [second, other, first]]);
  sessions.remove(first);
  expect(sessions.byKey(first.key)).toBe(second);
  sessions.remove(second);
  expect([sessions.size, [...sessions]]).toEqual([1, [other]]);
  expect(sessions.find(second.key, second.connection)).toBeUndefined();
});
