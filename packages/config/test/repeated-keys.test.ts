import { expect, test } from "vitest";
import { repeatedKeys } from "../src/index.ts";

test.each<[string, string[]]>([
  ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}],"d":"a"}', []],
  ['{"a":1,"a":2,"a":3}', ["a", "a"]],
  ['{"a":{"b":[1,{"c":"x:{","c":"\\":"}]}}', ["a.b.[].c"]],
  ['{"\\u0061":{},"a":{}}', ["a"]],
  ['{"__proto__":1,"__proto__":2,"":1,"":2}', ["__proto__", ""]],
  ['["a","a"]', []],
  ['"a"', []],
])("in %s: %j", (json, keys) => {
  JSON.parse(json); // it is one
  expect(repeatedKeys(json)).toEqual(keys);
});
