import { expect, test } from "vitest";
import { WaitingLine, type InLine } from "../../src/integrations/waiting-line.ts";

class Item implements InLine {
  before: this | undefined;
  behind: this | undefined;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

function lineOf(names: string): { line: WaitingLine<Item>; items: Item[] } {
  const line = new WaitingLine<Item>();
  const items = names.split("").map((name) => new Item(name));
  for (const item of items) line.push(item);
  return { line, items };
}

/** All of them, each taken out when it is first. */
function emptied(line: WaitingLine<Item>): string {
  let names = "";
  for (let { first } = line; first !== undefined; { first } = line) {
    names += first.name;
    line.remove(first);
  }
  return names;
}

test("who came first is first", () => {
  const { line } = lineOf("abc");
  expect([line.size, emptied(line), line.size, line.first]).toEqual([3, "abc", 0, undefined]);
});

test.each([
  [[0], "bcd"],
  [[1], "acd"],
  [[3], "abc"],
  [[1, 2], "ad"],
  [[3, 2, 0], "b"],
  [[0, 1, 2, 3], ""],
])(
  "those at %j leave, in whatever order, and hold nobody: %s are left, and others come behind",
  (leaving, left) => {
    const { line, items } = lineOf("abcd");
    for (const at of leaving) {
      const item = items[at];
      if (item === undefined) throw new Error("no such item");
      line.remove(item);
      expect([item.before, item.behind]).toEqual([undefined, undefined]);
    }
    expect(line.size).toBe(left.length);
    line.push(new Item("e"));
    expect(emptied(line)).toBe(`${left}e`);
  },
);
