// Ends a call for its caller when its time is up. What was begun goes on and is ignored: the outcome of a write is unknown then.

import { RegistryError } from "../errors.ts";
import type { Time } from "../time.ts";
import type { Policy } from "./call.ts";

/** Every call ends by its deadline. */
export function withDeadline(time: Time): Policy {
  return (next) => (call) => {
    const leftMs = call.deadlineAtMs - time.monotonicMs();
    if (!(leftMs > 0)) {
      return Promise.reject(
        new RegistryError("DEADLINE", `${call.operation}: no time left to begin`, { retryable: true }),
      );
    }
    return endingWithin(
      time,
      leftMs,
      next(call),
      () =>
        new RegistryError("DEADLINE", `${call.operation}: no answer within ${Math.round(leftMs)} ms`, {
          retryable: true,
        }),
    );
  };
}

/** As `work` ends, or with `late()` after `limitMs`. */
export function endingWithin<T>(
  time: Time,
  limitMs: number,
  work: Promise<T>,
  late: () => RegistryError,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = time.after(limitMs, () => reject(late()));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
