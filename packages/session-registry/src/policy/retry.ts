// Tries again what may succeed, within the caller's deadline.
//
// T1. Never a fault of the caller (`retryable: false`), never while the circuit is open: that claim becomes owed instead.
// T2. Full jitter: the n-th wait is uniform in [0, min(maxMs, baseMs · 2^n)), so that many edges do not come back together.
// T3. No wait that would end after the deadline.
// T4. What must not be carried out twice is not tried again after an attempt that may have been carried out, or may yet be (R11).

import { RegistryError } from "../errors.ts";
import type { Random, Time } from "../time.ts";
import type { Policy } from "./call.ts";

/** Settings `redis.retry.*`, ms. */
export interface RetrySettings {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Pure: the wait before the attempt after `failures` failed ones, ms. */
export function backoffMs(settings: RetrySettings, failures: number, chance: number): number {
  return chance * Math.min(settings.maxMs, settings.baseMs * 2 ** failures); // T2
}

/** Pure: whether another attempt makes sense. */
export function mayRetry(error: unknown, isOnce = false): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  if (isOnce && error.isOutcomeUnknown) return false; // T4
  return error.retryable && error.code !== "CIRCUIT_OPEN" && error.code !== "DEADLINE"; // T1
}

/** Retries with full-jitter exponential back-off. */
export function withRetry(
  settings: RetrySettings,
  ports: { readonly time: Time; readonly random: Random; readonly onRetry: (code: string) => void },
): Policy {
  const { time, random, onRetry } = ports;
  return (next) => async (call) => {
    for (let failures = 0; ; failures++) {
      try {
        return await next(call);
      } catch (error) {
        if (!mayRetry(error, call.isOnce)) throw error;
        const waitMs = backoffMs(settings, failures, random.next());
        if (time.monotonicMs() + waitMs >= call.deadlineAtMs) throw error; // T3
        onRetry(error.code);
        await new Promise<void>((resolve) => time.after(waitMs, resolve));
      }
    }
  };
}
