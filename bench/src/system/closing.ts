// Whatever a scenario opened is closed in the opposite order, also when it fails.
//
// E1. What goes on beside the body may fail at the closing, whose work is to end its processes: that is nothing. What fails before is how
//     the body ends, unless it ended worse.

/** Collects ends. */
export interface Closing {
  /** Remembers how to end `thing`, and gives it back. */
  own<T extends { stop(): Promise<void> }>(thing: T): T;
  /** Lets something go on beside the body, which need not wait for it (E1). */
  beside(work: Promise<unknown>): void;
}

/** Runs `body`; afterwards ends everything that it owned, the last first. */
export async function closing<R>(body: (owner: Closing) => Promise<R>): Promise<R> {
  const owned: { stop(): Promise<void> }[] = [];
  const failures: unknown[] = [];
  const own = <T extends { stop(): Promise<void> }>(thing: T): T => {
    owned.push(thing);
    return thing;
  };
  const beside = (work: Promise<unknown>): void => void work.catch((error: unknown) => failures.push(error));
  try {
    const result = await body({ own, beside });
    if (failures.length > 0) throw failures[0]; // E1
    return result;
  } finally {
    for (let thing = owned.pop(); thing !== undefined; thing = owned.pop()) await thing.stop();
  }
}
