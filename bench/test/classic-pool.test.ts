import { describe, expect, it } from "vitest";

import { ClassicPool } from "../src/subjects/classic-pool.ts";

describe("the classic pool, which reproduces the original's failure", () => {
  it("lends each thing to one at a time and serves who waits in order", async () => {
    const pool = new ClassicPool(["only"], 1_000);
    expect(await pool.acquire()).toBe("only");
    const order: string[] = [];
    const waiting = ["first", "second"].map(async (name) => {
      const thing = await pool.acquire();
      order.push(name);
      if (thing !== undefined) pool.release(thing);
    });
    pool.release("only");
    await Promise.all(waiting);
    expect(order).toEqual(["first", "second"]);
  });

  it("gives nothing to who waited too long, and does not lose the thing that comes back later", async () => {
    const pool = new ClassicPool(["only"], 5);
    await pool.acquire();
    expect(await pool.acquire()).toBeUndefined();
    pool.release("only");
    expect(await pool.acquire()).toBe("only");
  });
});
