// Whatever a scenario opened is closed in the opposite order, also when it fails.

/** Collects ends. */
export interface Closing {
  /** Remembers how to end `thing`, and gives it back. */
  own<T extends { stop(): Promise<void> }>(thing: T): T;
}

/** Runs `body`; afterwards ends everything that it owned, the last first. */
export async function closing<R>(body: (owner: Closing) => Promise<R>): Promise<R> {
  const owned: { stop(): Promise<void> }[] = [];
  const own = <T extends { stop(): Promise<void> }>(thing: T): T => {
    owned.push(thing);
    return thing;
  };
  try {
    return await body({ own });
  } finally {
    for (let thing = owned.pop(); thing !== undefined; thing = owned.pop()) await thing.stop();
  }
}
