// Polling instead of sleeping.
import { describe, expect, expectTypeOf, test } from "vitest";

import { eventually } from "../src/index.ts";

describe("eventually", () => {
  test("gives the first truthy value, after asking as often as needed", async () => {
    let tries = 0;
    const value = await eventually(() => ++tries >= 3 && `after ${tries}`, { intervalMs: 1 });
    expect(value).toBe("after 3");
  });

  test("takes a body that merely stops throwing, which is what expect() does", async () => {
    let tries = 0;
    await eventually(
      async () => {
        tries++;
        expect(tries).toBeGreaterThan(2);
      },
      { intervalMs: 1 },
    );
    expect(tries).toBe(3);
  });

  test("gives up with the last error in its message, so that a red test says what was wrong", async () => {
    const attempt = eventually(
      () => {
        throw new Error("still 2 sessions");
      },
      { timeoutMs: 20, intervalMs: 1 },
    );
    await expect(attempt).rejects.toThrow(/not true within 20 ms \(\d+ tries\); at last: still 2 sessions/u);
  });

  test.each([[false], [null], [0], [""]])("%j means: not yet", async (value) => {
    await expect(eventually(() => value, { timeoutMs: 5, intervalMs: 1 })).rejects.toThrow("returned");
  });

  test("does not hang with a try that hangs", async () => {
    const attempt = eventually(() => new Promise<boolean>(() => undefined), { timeoutMs: 0 });
    await expect(attempt).rejects.toThrow("not true within 0 ms (1 tries); at last: the try did not end");
  });

  test("asks once more when the time is over before the first answer", async () => {
    expect(await eventually(() => "late", { timeoutMs: 0 })).toBe("late");
  });

  test("does not compile for a value that may be undefined: it would be taken for no complaint", () => {
    const find = (): string | undefined => undefined;
    expectTypeOf(eventually<string | undefined>)
      .parameter(0)
      .toEqualTypeOf<never>();
    // @ts-expect-error undefined is ambiguous here
    const attempt = (): Promise<string | undefined> => eventually(find);
    expect(attempt).toBeTypeOf("function");
  });
});
