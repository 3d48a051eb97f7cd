import { expect, test } from "vitest";
import { readJsonText } from "../src/index.ts";

test.each<[string, string[]]>([
  ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}],"d":"a"}', []],
  ['{"a":1,"a":2,"a":3}', ["a", "a"]],
  ['{"a":{"b":[1,{"c":"x:{","c":"\\":"}]}}', ["a.b.[].c"]],
  ['{"\\u0061":{},"a":{}}', ["a"]],
  ['{"__proto__":1,"__proto__":2,"":1,"":2}', ["__proto__", ""]],
  ['["a","a"]', []],
  ['"a"', []],
])("in %s: %j", (json, keys) => {
  expect(readJsonText(json)).toEqual({ kind: "json", value: JSON.parse(json), repeated: keys });
});

test("a broken text is not quoted, but told by its place; a byte order mark breaks none", () => {
  expect(readJsonText('{\n"a": {},\n}')).toEqual({ kind: "broken", place: " (line 3 column 1)" });
  expect(readJsonText('{"a": hunter2}')).toEqual({ kind: "broken", place: "" });
  expect(readJsonText("\uFEFF[]")).toEqual({ kind: "json", value: [], repeated: [] });
});
