// Waiting for something to become true by asking again, instead of sleeping. Uses the real clock.

import { setTimeout as delay } from "node:timers/promises";

/** How long to ask (default 4000 ms: below the time limit of a test, so that its message is seen) and how often (default every 20 ms). */
export type EventuallyOptions = { readonly timeoutMs?: number; readonly intervalMs?: number };

/** Does not compile for a function that may return a value *or* undefined: is its undefined "not yet", or "no complaint"? */
type Unmistakable<T> = undefined extends T ? ([T] extends [void] ? unknown : never) : unknown;

/**
 * Calls `fn` until it returns (or resolves to) something truthy, or returns `undefined` without throwing (so that a body of
 * `expect`s will do); gives that value. A throw, `false`, `null`, `0` and `""` mean "not yet". After `timeoutMs` it rejects
 * and the message says what the last try said; `cause` is the last error. A try that hangs is given up 2 s later at the latest.
 */
export async function eventually<T>(
  fn: (() => T | Promise<T>) & Unmistakable<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { timeoutMs = 4_000, intervalMs = 20 } = options;
  const deadline = performance.now() + timeoutMs;
  const hangs = hanging(timeoutMs);
  for (let tries = 1; ; tries++) {
    const last = await Promise.race([attempt(fn), hangs]);
    if (last.kind === "true") return last.value;
    if (performance.now() >= deadline) {
      const text = `not true within ${timeoutMs} ms (${tries} tries); at last: ${last.text}`;
      throw new Error(text, { cause: last.cause });
    }
    await delay(intervalMs);
  }
}

type Attempt<T> = { kind: "true"; value: T } | { kind: "notYet"; text: string; cause: unknown };

/** For the last try, which begins when the time is nearly over. */
const graceMs = 2_000;

async function hanging(timeoutMs: number): Promise<Attempt<never>> {
  await delay(timeoutMs + graceMs, undefined, { ref: false });
  return { kind: "notYet", text: "the try did not end", cause: undefined };
}

async function attempt<T>(fn: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await fn();
    if (value === undefined || Boolean(value)) return { kind: "true", value };
    return { kind: "notYet", text: `returned ${JSON.stringify(value) ?? String(value)}`, cause: undefined };
  } catch (cause) {
    return { kind: "notYet", text: cause instanceof Error ? cause.message : String(cause), cause };
  }
}
