// One promise, one time limit. No clock of its own: the caller brings the Time.

import type { Time } from "@cpg/session-registry";

/** How a guarded promise ended. The promise itself goes on; what it brings later is dropped. */
export type Guarded<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "late" };

/** Waits at most `limitMs` for the work. Never rejects: a port that breaks its promise of an end cannot hang a command. */
export function within<T>(time: Time, limitMs: number, work: () => Promise<T>): Promise<Guarded<T>> {
  return new Promise((resolve) => {
    const timer = time.after(Math.max(0, limitMs), () => resolve({ kind: "late" }));
    const end = (result: Guarded<T>): void => {
      timer.cancel();
      resolve(result);
    };
    try {
      work().then(
        (value) => end({ kind: "value", value }),
        (error: unknown) => end({ kind: "error", error }),
      );
    } catch (error) {
      end({ kind: "error", error });
    }
  });
}
