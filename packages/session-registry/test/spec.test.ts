import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../", import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), "utf8");
const spec = read("SPEC.md");
const promises = [
  ...spec.matchAll(/^\*\*(R\d+)\*\*.*\n+- [*_]Enforced by[*_] (.*)\n- [*_]Attacked by[*_] (.*)$/gm),
];

describe("SPEC.md tells the truth about where its promises are kept and attacked", () => {
  it("has R1 to R11, each enforced and attacked somewhere", () => {
    expect(promises.map(([, name]) => name)).toEqual(Array.from({ length: 11 }, (_, i) => `R${i + 1}`));
  });

  it.each(promises.map(([, name, enforced]) => [name, enforced] as const))(
    "%s: the code it names has that line, and cites it",
    (name, enforced) => {
      const places = [...(enforced ?? "").matchAll(/`([^`]+\.(?:ts|lua))` `([^`]+)`/g)];
      expect(places.length).toBeGreaterThan(0);
      for (const [, file, text] of places) expect(read(file!), `${file} holds ${text}`).toContain(text);
      const cites = places.some(([, file]) => new RegExp(`\\b${name}\\b`).test(read(file!)));
      expect(cites, `one of its files cites ${name}`).toBe(true);
    },
  );

  it("names only code that is there, around every call too", () => {
    const lines = [...spec.matchAll(/^- _Enforced by_ (.*)$/gm)];
    expect(lines.length).toBeGreaterThan(promises.length);
    for (const [, line] of lines)
      for (const [, file, text] of line!.matchAll(/`([^`]+\.(?:ts|lua))` `([^`]+)`/g))
        expect(read(file!), `${file} holds ${text}`).toContain(text);
  });

  it("names only tests that exist", () => {
    const tests = [...spec.matchAll(/`(test\/[^`]+\.ts)` "([^"]+)"/g)];
    expect(tests.length).toBeGreaterThan(20);
    for (const [, file, name] of tests) expect(read(file!), `${file} has "${name}"`).toContain(name);
  });

  it("names only files that exist", () => {
    for (const [, file] of spec.matchAll(/`((?:src|lua|test)\/[\w./-]+)`/g))
      expect(existsSync(new URL(file!, root)), file).toBe(true);
  });

  it("names every key", () => {
    const names = [...read("src/keyspace.ts").matchAll(/\)\}(\w+)/g)].map(([, name]) => name);
    expect(names).toHaveLength(8);
    for (const name of names) expect(spec).toContain(`{p}:${name}`);
  });
});
