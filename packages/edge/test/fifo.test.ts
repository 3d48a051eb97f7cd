// The queue that keeps ids, replies and waiters in their order.

import { expect, it } from "vitest";
import { Fifo } from "../src/fifo.ts";

it("gives back in the order in which they came, as an array does, however they come and go", () => {
  const fifo = new Fifo<number>();
  const array: number[] = [];
  let chance = 1;
  for (let n = 0; n < 20_000; n++) {
    chance = (chance * 16_807) % 2_147_483_647;
    // Grows for a while and shrinks for a while, to nothing too.
    if (chance % 10 < (Math.floor(n / 2_000) % 2 === 0 ? 7 : 3)) {
      fifo.push(n);
      array.push(n);
    } else {
      expect(fifo.shift()).toBe(array.shift());
    }
    expect([fifo.size, fifo.oldest]).toEqual([array.length, array[0]]);
  }
});

it("is empty when all are out, and is used again", () => {
  const fifo = new Fifo<string>();
  expect([fifo.shift(), fifo.oldest, fifo.size]).toEqual([undefined, undefined, 0]);
  fifo.push("a");
  expect([fifo.shift(), fifo.shift(), fifo.size]).toEqual(["a", undefined, 0]);
  fifo.push("b");
  expect([fifo.oldest, fifo.size]).toEqual(["b", 1]);
});
