import { expect, test } from "vitest";
import { Permits } from "../../src/integrations/permits.ts";
import { TestExpiry } from "../support/test-expiry.ts";

function three(): { permits: Permits; held: number[]; order: string[]; wait: (name: string) => TestExpiry } {
  const [held, order]: [number[], string[]] = [[], []];
  const permits = new Permits(1, (count) => held.push(count));
  const wait = (name: string): TestExpiry => {
    const expiry = new TestExpiry();
    void permits.wait(expiry).then((isTaken) => order.push(isTaken ? name : `not ${name}`));
    return expiry;
  };
  return { permits, held, order, wait };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("who waited longest goes first, and nobody who comes meanwhile goes before", async () => {
  const { permits, held, order, wait } = three();
  expect([permits.take(), permits.take()]).toEqual([true, false]);
  for (const name of ["a", "b"]) wait(name);
  permits.release();
  expect(permits.take()).toBe(false); // it is a's already
  permits.release();
  permits.release();
  await settled();
  expect(order).toEqual(["a", "b"]);
  expect(permits.take()).toBe(true);
  expect(held).toEqual([1, 0, 1]); // handed on, not freed and taken again
});

test("who gives up leaves the line, and gets nothing later", async () => {
  const { permits, order, wait } = three();
  permits.take();
  const [a] = [wait("a"), wait("b")];
  a.end();
  permits.release();
  await settled();
  expect(order).toEqual(["not a", "b"]);
  permits.release();
  expect(permits.take()).toBe(true);
});

test("those who gave up are passed over, and a permit that nobody waits for any more is free", async () => {
  const { permits, held, order, wait } = three();
  permits.take();
  const [a, b] = [wait("a"), wait("b"), wait("c")];
  a.end();
  b.end();
  permits.release();
  wait("d").end();
  wait("e").end();
  permits.release();
  await settled();
  expect(order).toEqual(["not a", "not b", "c", "not d", "not e"]);
  expect([permits.take(), held.at(-1)]).toEqual([true, 1]);
});

test("whose time is over already does not begin to wait", async () => {
  const { permits } = three();
  permits.take();
  const expiry = new TestExpiry();
  expiry.end();
  expect(await permits.wait(expiry)).toBe(false);
});
